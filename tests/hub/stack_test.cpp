#include <greenroom/hub/stack.hpp>

#include "hub/support.hpp"

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::in_hub;

namespace {

/// Uses about a kilobyte of stack a level.
int deep(int levels) {
  volatile char frame[1024];
  frame[0] = 1;
  return levels == 0 ? 0 : frame[0] + deep(levels - 1);
}

/// Where the caller's stack is.
[[gnu::noinline]] std::uintptr_t stack_address() {
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

} // namespace

TEST_SUITE("hub") {
  TEST_CASE("a stack's size is rounded up to whole pages") {
    CHECK(stack_pool::rounded(1) == 16 * 1024);
    CHECK(stack_pool::rounded(100'000) == 102'400);
    CHECK(stack_pool::rounded(1u << 20) == 1u << 20);
    CHECK(stack_pool{20'000}.size() == 20'480);
  }

  TEST_CASE("a stack that was put back is the next to be taken") {
    stack_pool pool{64 * 1024};
    fiber& first = pool.take();
    fiber& second = pool.take();
    CHECK(&first != &second);
    CHECK(pool.in_use() == 2);
    pool.put(first);
    pool.put(second);
    CHECK(pool.in_use() == 0);
    CHECK(pool.free_count() == 2);
    CHECK(&pool.take() == &second);
    CHECK(&pool.take() == &first);
    pool.put(first);
    pool.put(second);
  }

  TEST_CASE("stacks do not overlap") {
    stack_pool pool{16 * 1024};
    std::set<char*> lows;
    std::vector<fiber*> all;
    for (int i = 0; i < 200; ++i) {
      fiber& stack = pool.take();
      CHECK(stack.top - stack.low > 12 * 1024);
      CHECK(stack.top - stack.low <= 16 * 1024);
      const auto above = lows.upper_bound(stack.low - 16 * 1024);
      CHECK((above == lows.end() || *above >= stack.top));
      lows.insert(stack.low);
      all.push_back(&stack);
    }
    for (fiber* each : all)
      pool.put(*each);
  }

  TEST_CASE("the guard lies below the stack") {
    stack_pool pool{16 * 1024};
    fiber& stack = pool.take();
    CHECK(stack_pool::in_guard(stack, stack.low - 1));
    CHECK(stack_pool::in_guard(stack, stack.low - 16 * 1024));
    CHECK_FALSE(stack_pool::in_guard(stack, stack.low));
    CHECK_FALSE(stack_pool::in_guard(stack, stack.low - 16 * 1024 - 1));
    pool.put(stack);
  }

  TEST_CASE("a trimmed stack may be used again") {
    stack_pool pool{16 * 1024};
    std::vector<fiber*> all;
    for (int i = 0; i < 10; ++i)
      all.push_back(&pool.take());
    for (fiber* each : all)
      pool.put(*each);
    pool.trim(3);
    CHECK(pool.free_count() == 3);
    CHECK(pool.in_use() == 0);
    pool.trim(5);
    CHECK(pool.free_count() == 3);
    std::set<fiber*> again;
    for (int i = 0; i < 10; ++i) {
      fiber& stack = pool.take();
      *stack.low = 1;
      again.insert(&stack);
    }
    CHECK(again.size() == 10);
    CHECK(pool.in_use() == 10);
    for (fiber* each : again)
      pool.put(*each);
    pool.trim(0);
    CHECK(pool.free_count() == 0);
  }

  TEST_CASE("a greenlet gets a stack of the size it asks for") {
    in_hub([] {
      const auto big = spawn({.stack_size = 16 << 20}, [] {
        yield();
        return deep(8000);
      });
      CHECK(big.get() == 8000);
    });
  }

  TEST_CASE("stacks of asked sizes are used again") {
    in_hub([] {
      std::set<std::uintptr_t> places;
      for (int i = 0; i < 20; ++i)
        places.insert(spawn({.stack_size = 1 << 20}, [] {
                        const auto place = stack_address();
                        sleep(1ms);
                        return place;
                      }).get());
      CHECK(places.size() == 1);
    });
  }

  TEST_CASE("greenlets with small stacks run beside others") {
    in_hub([] {
      std::vector<greenlet<int>> all;
      for (int i = 0; i < 100; ++i)
        all.push_back(
            spawn({.stack_size = i % 3 == 0 ? std::size_t{32 * 1024} : 0}, [i] {
              for (int step = 0; step < 5; ++step)
                if (step % 2)
                  yield();
                else
                  sleep(std::chrono::milliseconds(i % 7));
              return i;
            }));
      int sum = 0;
      for (const auto& each : all)
        sum += each.get();
      CHECK(sum == 4950);
    });
  }

  TEST_CASE("a greenlet on a stack of its own may be killed") {
    in_hub([] {
      std::string trace;
      const auto victim = spawn({.stack_size = 64 * 1024}, [&] {
        test::at_exit mark{trace, "unwound"};
        sleep(1h);
      });
      yield();
      victim.kill();
      CHECK(trace == "unwound");
      const auto early =
          spawn({.stack_size = 64 * 1024}, [&] { trace += "never"; });
      early.kill();
      idle();
      CHECK(trace == "unwound");
    });
  }

  TEST_CASE("a greenlet on a stack of its own may spawn and join more") {
    in_hub([] {
      struct nest {
        static int depth(int levels) {
          if (levels == 0) return 0;
          return 1 + spawn({.stack_size = 128 * 1024}, [=] {
                       return depth(levels - 1);
                     }).get();
        }
      };
      CHECK(nest::depth(50) == 50);
    });
  }

  TEST_CASE("the default size may be set before the first greenlet runs") {
    in_hub([] {
      hub::current().default_stack_size(8 << 20);
      CHECK(spawn([] { return deep(4000); }).get() == 4000);
      CHECK_THROWS_AS(hub::current().default_stack_size(1 << 20),
                      std::logic_error);
    });
  }

  TEST_CASE("many greenlets wait at once, on stacks of their own each") {
    in_hub([] {
      std::set<std::uintptr_t> places;
      std::vector<any_greenlet> all;
      for (int i = 0; i < 500; ++i)
        all.push_back(spawn([&] {
          places.insert(stack_address());
          sleep(1s);
        }));
      joinall(all);
      CHECK(places.size() == 500);
    });
  }

  TEST_CASE("no size is too large to be rounded") {
    CHECK(stack_pool::rounded(SIZE_MAX) == stack_pool::rounded(SIZE_MAX / 2));
  }
}
