#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/thread_pool.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

/// What calls wait for, on their threads, until the test opens it.
class gate {
public:
  ~gate() { open(); }
  void open() {
    if (!std::exchange(open_, true)) promise_.set_value();
  }
  /// For a call.
  auto pass() const {
    return [passed = passed_] { passed.wait(); };
  }
  /// The same, telling when it has begun.
  auto pass_after(async_result<void> begun) const {
    return [passed = passed_, begun = std::move(begun)]() mutable {
      begun.set();
      passed.wait();
    };
  }

private:
  std::promise<void> promise_;
  std::shared_future<void> passed_{promise_.get_future().share()};
  bool open_ = false;
};

/// Begins a call that waits at the gate, on a thread of its own.
async_result<void> begin_at(const gate& closed, thread_pool& pool) {
  async_result<void> begun;
  auto done = pool.spawn(closed.pass_after(begun));
  begun.get();
  return done;
}

} // namespace

TEST_SUITE("thread_pool") {
  TEST_CASE("a call returns from another thread, and only the caller waits") {
    in_hub([] {
      thread_pool pool;
      gate closed;
      std::string trace;
      auto caller = spawn([&] {
        const auto here = std::this_thread::get_id();
        const auto there = pool.apply([&] {
          closed.pass()();
          return std::this_thread::get_id();
        });
        CHECK(here != there);
        trace += "returned";
      });
      yield();
      trace += "meanwhile ";
      closed.open();
      caller.join();
      CHECK(trace == "meanwhile returned");
    });
  }

  TEST_CASE("what a call throws comes home") {
    in_hub([] {
      thread_pool pool;
      CHECK(error_of([&] {
              pool.apply([] { throw std::runtime_error("no luck"); });
            }) == "std::runtime_error: no luck");
      CHECK(error_of([&] {
              pool.spawn([]() -> int { throw std::logic_error("no"); }).get();
            }) == "std::logic_error: no");
      CHECK_THROWS_AS(pool.apply([] { throw 7; }), int);
    });
  }

  TEST_CASE("a value may be one that only moves") {
    in_hub([] {
      thread_pool pool;
      const auto number = pool.apply([] { return std::make_unique<int>(5); });
      CHECK(*number == 5);
      auto owned = std::make_unique<int>(6);
      CHECK(pool.spawn([owned = std::move(owned)] { return *owned; }).get() ==
            6);
    });
  }

  TEST_CASE("what the call captured is gone when its result is known") {
    in_hub([] {
      thread_pool pool;
      auto kept = std::make_shared<int>(1);
      pool.spawn([kept] {}).get();
      CHECK(kept.use_count() == 1);
      CHECK_THROWS(pool.spawn([kept] { throw 1; }).get());
      CHECK(kept.use_count() == 1);
    });
  }

  // --- how many ---------------------------------------------------------------

  TEST_CASE("threads are made when there is work, up to a number") {
    in_hub([] {
      thread_pool pool{{.threads = 2}};
      CHECK(pool.threads() == 0);
      gate closed;
      std::vector<async_result<void>> all;
      for (int i = 0; i < 2; ++i)
        all.push_back(begin_at(closed, pool));
      for (int i = 0; i < 3; ++i)
        all.push_back(pool.spawn([] {}));
      CHECK(pool.threads() == 2);
      CHECK(pool.running() == 2);
      CHECK(pool.waiting() == 3);
      closed.open();
      for (const auto& each : all)
        each.get();
      pool.join();
      CHECK(pool.running() == 0);
      CHECK(pool.waiting() == 0);
    });
  }

  TEST_CASE("a thread is used again") {
    in_hub([] {
      thread_pool pool;
      const auto first = pool.apply([] { return std::this_thread::get_id(); });
      for (int i = 0; i < 10; ++i) {
        pool.join();
        CHECK(pool.apply([] { return std::this_thread::get_id(); }) == first);
      }
      CHECK(pool.threads() == 1);
    });
  }

  TEST_CASE("a thread without work ends") {
    in_hub([] {
      thread_pool pool{{.idle = 0ns}};
      for (int i = 0; i < 10; ++i)
        pool.apply([] {});
      while (pool.threads() > 0)
        std::this_thread::yield();
      CHECK(pool.apply([] { return 3; }) == 3);
    });
  }

  // GEVENT.md 3.1, 66
  TEST_CASE("a full pool makes those wait who have more for it, oldest first") {
    in_hub([] {
      thread_pool pool{{.threads = 1, .waiting = 1}};
      gate closed;
      std::string trace;
      const auto first = begin_at(closed, pool);
      const auto second = pool.spawn([] {});
      std::vector<any_greenlet> more;
      for (const char* name : {"a", "b", "c"})
        more.push_back(spawn([&, name] {
          pool.apply([] {});
          trace += name;
        }));
      yield();
      CHECK(pool.waiting() == 1);
      CHECK(error_of([&] { pool.spawn([] {}, 0s); }).find("timed out") !=
            std::string::npos);
      closed.open();
      joinall(more);
      CHECK(trace == "abc");
    });
  }

  TEST_CASE("one who gives up waiting for room leaves it to the next") {
    in_hub([] {
      thread_pool pool{{.threads = 1, .waiting = 0}};
      gate closed;
      const auto first = begin_at(closed, pool);
      bool called = false;
      auto killed = spawn([&] { pool.apply([&] { called = true; }); });
      auto next = spawn([&] { return pool.apply([] { return 8; }); });
      yield();
      killed.kill();
      closed.open();
      CHECK(next.get() == 8);
      CHECK_FALSE(called);
    });
  }

  TEST_CASE("one who is killed as he gets room leaves it to the next") {
    in_hub([] {
      thread_pool pool{{.threads = 1, .waiting = 1}};
      gate closed;
      const auto first = begin_at(closed, pool);
      auto queued = spawn([&] { pool.apply([] {}); });
      yield();
      auto waits = spawn([&] { pool.apply([] {}); });
      auto next = spawn([&] { return pool.apply([] { return 8; }); });
      yield();
      queued.kill_soon(); // withdraws its call first
      waits.kill_soon();
      yield();
      yield();
      CHECK(pool.waiting() == 1); // that of `next`
      closed.open();
      CHECK(next.get() == 8);
    });
  }

  TEST_CASE("no threads at all are refused") {
    CHECK_THROWS_AS(thread_pool{{.threads = 0}}, std::invalid_argument);
  }

  // --- giving up --------------------------------------------------------------

  TEST_CASE("a call that no thread has taken is withdrawn by a kill") {
    in_hub([] {
      thread_pool pool{{.threads = 1}};
      gate closed;
      const auto first = begin_at(closed, pool);
      bool called = false;
      auto caller = spawn([&] { pool.apply([&] { called = true; }); });
      yield();
      CHECK(pool.waiting() == 1);
      caller.kill();
      CHECK(caller.killed());
      CHECK(pool.waiting() == 0);
      closed.open();
      pool.join();
      CHECK_FALSE(called);
    });
  }

  TEST_CASE("by a timeout, and when its deadline has passed") {
    in_hub([] {
      thread_pool pool{{.threads = 1}};
      gate closed;
      const auto first = begin_at(closed, pool);
      bool called = false;
      CHECK(error_of([&] {
              pool.apply([&] { called = true; }, 1s);
            }).find("timed out") != std::string::npos);
      CHECK(with_timeout(
                1s, [&] { return pool.apply([&] { return called = true; }); },
                false) == false);
      closed.open();
      pool.join();
      CHECK_FALSE(called);
    });
  }

  TEST_CASE("one that runs is waited for before a kill is thrown: it may refer "
            "to the caller's frame") {
    in_hub([] {
      thread_pool pool;
      gate closed;
      async_result<void> begun;
      std::string trace;
      auto caller = spawn([&] {
        std::string frame;
        test::at_exit mark{trace, "unwound"};
        pool.apply([&, pass = closed.pass_after(begun)]() mutable {
          pass();
          frame = "written";
        });
        trace += "not killed ";
      });
      begun.get();
      caller.kill_soon();
      for (int i = 0; i < 10; ++i)
        yield();
      CHECK(trace.empty());
      closed.open();
      caller.join();
      CHECK(trace == "unwound");
      CHECK(caller.killed());
    });
  }

  TEST_CASE("one that runs is waited for also beyond its deadline, and its "
            "value counts") {
    in_hub([] {
      thread_pool pool;
      gate closed;
      std::atomic<bool> begun = false;
      auto caller = spawn([&] {
        return pool.apply(
            [&] {
              begun = true;
              closed.pass()();
              return 4;
            },
            1s);
      });
      while (!begun) // virtual time stands still meanwhile
        yield();
      sleep(2s);
      CHECK_FALSE(caller.ready());
      closed.open();
      CHECK(caller.get() == 4);
    });
  }

  // --- its end ----------------------------------------------------------------

  TEST_CASE("join waits for all calls") {
    in_hub([] {
      thread_pool pool{{.threads = 2}};
      CHECK(pool.join());
      std::atomic<int> done = 0;
      gate closed;
      const auto first = begin_at(closed, pool);
      for (int i = 0; i < 20; ++i)
        (void)pool.spawn([&] { ++done; });
      CHECK_FALSE(pool.join(1s));
      closed.open();
      CHECK(pool.join());
      CHECK(done == 20);
    });
  }

  TEST_CASE("its end drops what no thread has taken, and tells those who "
            "wait") {
    in_hub([] {
      std::optional<thread_pool> pool;
      pool.emplace(thread_pool_options{.threads = 1, .waiting = 1});
      gate closed;
      const auto runs = begin_at(closed, *pool);
      const auto waits = pool->spawn([] {});
      auto for_room =
          spawn([&] { return error_of([&] { pool->spawn([] {}); }); });
      auto joins = spawn([&] { return pool->join(); });
      yield();
      closed.open(); // else its end would have to wait for that
      pool.reset();
      runs.get();
      (void)error_of([&] { waits.get(); }); // dropped, unless taken in time
      (void)for_room.get();
      CHECK(joins.get());
    });
  }

  // --- from everywhere --------------------------------------------------------

  TEST_CASE("several hubs use one pool") {
    thread_pool pool{{.threads = 3, .waiting = 2}};
    std::atomic<long> sum = 0;
    std::vector<std::thread> hubs;
    for (int i = 0; i < 3; ++i)
      hubs.emplace_back([&] {
        std::vector<any_greenlet> all;
        for (int j = 0; j < 20; ++j)
          all.push_back(spawn([&] {
            for (int k = 0; k < 10; ++k)
              sum += pool.apply([] { return 1; });
          }));
        joinall(all);
      });
    for (auto& each : hubs)
      each.join();
    CHECK(sum == 600);
  }

  TEST_CASE("the shared pool is there for everybody") {
    in_hub([] {
      CHECK(thread_pool::shared().apply([] { return 2; }) == 2);
      thread_pool::shared().join();
    });
  }

  TEST_CASE("kills at any time lose no thread and no room") {
    in_hub([] {
      thread_pool pool{{.threads = 2, .waiting = 2}};
      std::atomic<int> called = 0;
      int returned = 0;
      for (int round = 0; round < 20; ++round) {
        std::vector<greenlet<void>> all;
        for (int i = 0; i < 10; ++i)
          all.push_back(spawn([&] {
            pool.apply([&] { ++called; });
            ++returned;
          }));
        for (int i = 0; i < 10; ++i) {
          if ((i + round) % 3 == 0) all[std::size_t(i)].kill_soon();
          if (i % 4 == 0) yield();
        }
        for (auto& each : all)
          each.join();
      }
      pool.join();
      CHECK(returned <= called);
      CHECK(pool.apply([] { return 1; }) == 1);
      CHECK(pool.waiting() == 0);
    });
  }
}
