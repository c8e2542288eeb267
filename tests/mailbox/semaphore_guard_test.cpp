// Scopes that hold one of a semaphore.

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/watch.hpp>
#include <greenroom/mailbox/semaphore.hpp>

#include <chrono>
#include <mutex>
#include <stdexcept>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

TEST_SUITE("mailbox") {
  TEST_CASE("a guard releases however its scope is left") {
    in_hub([] {
      semaphore one;
      SUBCASE("by its end") {
        const semaphore_guard held{one};
        CHECK(one.locked());
      }
      SUBCASE("by an exception") {
        CHECK_THROWS_AS(
            [&] {
              const semaphore_guard held{one};
              throw std::runtime_error("out");
            }(),
            std::runtime_error);
      }
      SUBCASE("by a kill") { // GEVENT.md 2, S4-7
        const auto holder = spawn([&] {
          const semaphore_guard held{one};
          sleep(1h);
        });
        yield();
        CHECK(one.locked());
        holder.kill();
      }
      SUBCASE("by a kill while it still waits") {
        one.acquire();
        const auto waiter = spawn([&] { const semaphore_guard held{one}; });
        yield();
        waiter.kill();
        one.release();
      }
      CHECK(one.count() == 1);
    });
  }

  TEST_CASE("a guard fails at its deadline") {
    in_hub([] {
      semaphore none{0};
      CHECK(error_of([&] {
              const semaphore_guard held{none, 1s};
            }) == "std::system_error: semaphore_guard: timed out");
      CHECK(none.count() == 0);
    });
  }

  TEST_CASE("the standard's lock types take a semaphore") {
    in_hub([] {
      bounded_semaphore one;
      semaphore two{2};
      {
        const std::lock_guard held{one};
        CHECK(one.locked());
      }
      {
        std::unique_lock held{one, std::try_to_lock};
        CHECK(held.owns_lock());
        std::unique_lock second{one, std::try_to_lock};
        CHECK_FALSE(second.owns_lock());
      }
      {
        const std::scoped_lock both{one, two};
        CHECK(one.count() + two.count() == 1);
      }
      CHECK(one.count() + two.count() == 3);
    });
  }
}
