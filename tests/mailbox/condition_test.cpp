#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/condition.hpp>
#include <greenroom/mailbox/lock.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::mentions;
using test::time_of;

namespace {

/// A lock, a condition, and greenlets that wait there and write their names.
struct stage {
  any_greenlet waiter(char name, deadline until = {}) {
    return spawn([this, name, until] {
      std::unique_lock held{guard};
      const bool noticed = changed.wait(held, until);
      CHECK(held.owns_lock());
      CHECK(guard.holder() == &current());
      order += noticed ? name : '-';
    });
  }

  greenroom::lock guard;
  condition changed;
  std::string order;
};

} // namespace

TEST_SUITE("mailbox") {
  TEST_CASE("a condition wakes one or all, oldest first, and switches to "
            "none") {
    in_hub([] {
      stage on;
      std::vector<any_greenlet> all;
      for (const char name : {'a', 'b', 'c', 'd'})
        all.push_back(on.waiter(name));
      yield();
      CHECK_FALSE(on.guard.locked());
      on.changed.notify_one();
      CHECK(on.order == "");
      yield();
      CHECK(on.order == "a");
      on.changed.notify_all();
      joinall(all);
      CHECK(on.order == "abcd");
      on.changed.notify_one(); // nobody: nothing is kept for later
      CHECK(time_of([&] { on.waiter('x', 1s).join(); }) == 1s);
      CHECK(on.order == "abcd-");
    });
  }

  TEST_CASE("one notified waits for the lock, also beyond its deadline") {
    in_hub([] {
      stage on;
      const auto waiter = on.waiter('a', 1s);
      yield();
      on.guard.acquire();
      SUBCASE("when it was notified in time") {
        on.changed.notify_one();
        sleep(2s);
        CHECK(on.order == "");
        on.guard.release();
        waiter.join();
        CHECK(on.order == "a");
      }
      SUBCASE("when nobody notified it") {
        sleep(2s);
        CHECK(on.order == "");
        on.guard.release();
        waiter.join();
        CHECK(on.order == "-");
      }
    });
  }

  TEST_CASE("a predicate is looked at again after every notice") {
    in_hub([] {
      greenroom::lock guard;
      condition changed;
      std::deque<int> jobs;
      std::vector<int> taken;
      const auto worker = spawn([&] {
        for (int i = 0; i < 3; ++i) {
          std::unique_lock held{guard};
          CHECK(changed.wait(held, [&] { return !jobs.empty(); }));
          taken.push_back(jobs.front());
          jobs.pop_front();
        }
      });
      for (int job = 1; job < 4; ++job) {
        sleep(1s);
        changed.notify_all();
        yield();
        jobs.push_back(job);
        changed.notify_one();
      }
      worker.join();
      CHECK(taken == std::vector<int>{1, 2, 3});
      std::unique_lock held{guard};
      CHECK(time_of([&] {
              CHECK_FALSE(changed.wait(
                  held, [] { return false; }, 1s));
            }) == 1s);
      CHECK(changed.wait(
          held, [] { return true; }, 0s));
    });
  }

  TEST_CASE("a lock held several times is given up and held as often again") {
    in_hub([] {
      greenroom::lock guard;
      condition changed;
      spawn_later(1s, [&] {
        const std::lock_guard held{guard};
        changed.notify_one();
      });
      std::unique_lock held{guard};
      const std::lock_guard second{guard};
      guard.acquire();
      CHECK(changed.wait(held, 5s));
      guard.release();
      CHECK(guard.holder() == &current());
    });
  }

  TEST_CASE("the lock is held again when a wait is cut short") {
    in_hub([] {
      stage on;
      std::string end;
      const auto waiter = spawn([&] {
        std::unique_lock held{on.guard};
        const std::lock_guard again{on.guard};
        timeout limit{2s};
        limit.start();
        end = error_of([&] { on.changed.wait(held); });
        CHECK(held.owns_lock());
        CHECK(on.guard.holder() == &current());
      });
      sleep(1s);
      on.guard.acquire();
      SUBCASE("by a kill") {
        waiter.kill_soon();
        sleep(5s);
        CHECK(end == "");
        on.guard.release();
        waiter.join();
        CHECK(end == "greenroom::greenlet_exit");
      }
      SUBCASE("by a brutal one") {
        waiter->kill_brutally();
        sleep(5s);
        CHECK(end == "");
        on.guard.release();
        waiter.join();
        CHECK(end == "greenroom::greenlet_exit");
      }
      SUBCASE("by a timeout") {
        sleep(5s);
        on.guard.release();
        waiter.join();
        CHECK(end == "greenroom::timeout_expired: 2 seconds");
      }
      SUBCASE("by a kill that was pending before") {
        on.guard.release();
        waiter.kill();
        CHECK(end == "greenroom::greenlet_exit");
      }
      CHECK_FALSE(on.guard.locked());
    });
  }

  TEST_CASE("a kill after the notice waits for the next waiting call") {
    in_hub([] {
      stage on;
      bool noticed = false;
      const auto waiter = spawn([&] {
        std::unique_lock held{on.guard};
        noticed = on.changed.wait(held);
        yield();
        noticed = false;
      });
      yield();
      on.guard.acquire();
      on.changed.notify_one();
      yield();
      waiter.kill_soon();
      on.guard.release();
      waiter.join();
      CHECK(noticed);
      CHECK(waiter.killed());
      CHECK_FALSE(on.guard.locked());
    });
  }

  TEST_CASE("a notice is not lost on one that left") {
    in_hub([] {
      stage on;
      const auto first = on.waiter('a', 1s);
      const auto second = on.waiter('b');
      SUBCASE("by its deadline") {
        sleep(1s);
      }
      SUBCASE("by a kill") {
        yield();
        first.kill_soon();
      }
      on.changed.notify_one();
      second.join();
      CHECK(on.order.back() == 'b');
      first.join();
    });
  }

  TEST_CASE("one whose timeout is withdrawn at the last moment looks again") {
    in_hub([] {
      stage on;
      condition never;
      timeout* limit = nullptr;
      bool ready = false;
      const deadline when{1s};
      const auto other = spawn([&] { // runs between the expiry and the waiter
        greenroom::lock own;
        std::unique_lock held{own};
        never.wait(held, when);
        CHECK(limit->pending());
        ready = true;
        on.changed.notify_all();
        limit->cancel();
      });
      const auto waiter = spawn([&] {
        timeout own{1s};
        limit = &own;
        own.start();
        std::unique_lock held{on.guard};
        return on.changed.wait(
            held, [&] { return ready; }, 5s);
      });
      CHECK(time_of([&] { CHECK(waiter.get()); }) == 1s);
    });
  }

  TEST_CASE("a wait without the lock is refused") {
    in_hub([] {
      stage on;
      std::unique_lock<rlock> none;
      CHECK_THROWS_AS(on.changed.wait(none), std::logic_error);
      std::unique_lock held{on.guard};
      held.unlock();
      CHECK(
          mentions(error_of([&] { on.changed.wait(held); }),
                   "condition::wait: greenlet 'main' does not hold the lock"));
      held.lock();
      std::string error;
      spawn({.name = "other"}, [&] {
        error = error_of([&] { on.changed.wait(held); });
      }).join();
      CHECK(mentions(error, "greenlet 'other' does not hold the lock"));
      CHECK(held.owns_lock());
    });
  }

  TEST_CASE("a refused wait leaves the lock held") {
    in_hub([] {
      stage on;
      std::unique_lock held{on.guard};
      {
        const no_wait guard;
        CHECK_THROWS_AS(on.changed.wait(held), wait_refused);
      }
      CHECK(held.owns_lock());
      CHECK(on.guard.holder() == &current());
      CHECK(mentions(error_of([&] { on.changed.wait(held); }),
                     "condition::wait")); // a deadlock report
      CHECK(on.guard.holder() == &current());
    });
  }

  TEST_CASE("a condition may be destroyed once all were notified") {
    in_hub([] {
      stage on;
      auto gone = std::make_unique<condition>();
      int noticed = 0;
      std::string error;
      std::vector<any_greenlet> all;
      for (int i = 0; i < 2; ++i)
        all.push_back(spawn([&] {
          std::unique_lock held{on.guard};
          error = error_of([&] { noticed += gone->wait(held) ? 1 : 0; });
          CHECK(held.owns_lock());
        }));
      yield();
      SUBCASE("and not before") {
        gone.reset();
        joinall(all);
        CHECK(mentions(error, "destroyed while waited on"));
        CHECK(noticed == 0);
      }
      SUBCASE("and they have not run") {
        gone->notify_all();
        gone.reset();
        joinall(all);
        CHECK(error == "");
        CHECK(noticed == 2);
      }
      CHECK_FALSE(on.guard.locked());
    });
  }

  TEST_CASE("who cannot have the lock again does not own it") {
    in_hub([] {
      condition changed;
      auto guard = std::make_unique<greenroom::lock>();
      std::string error;
      bool owns = true;
      const auto waiter = spawn([&] {
        std::unique_lock held{*guard};
        error = error_of([&] { changed.wait(held); });
        owns = held.owns_lock();
      });
      yield();
      guard->acquire();
      changed.notify_one();
      yield();
      SUBCASE("when it was destroyed") {
        guard.reset();
        waiter.join();
        CHECK(mentions(error, "destroyed while waited on"));
      }
      SUBCASE("when its holder ended") {
        guard->release();
        yield();
        waiter.join();
        CHECK(error == "");
        CHECK(owns);
        owns = false;
      }
      CHECK_FALSE(owns);
    });
  }

  TEST_CASE("a condition refuses the thread of another hub") {
    in_hub([] {
      stage on;
      std::thread([&] {
        greenroom::lock own;
        std::unique_lock held{own};
        CHECK_THROWS_AS(on.changed.wait(held), wrong_hub);
        CHECK(held.owns_lock());
#ifndef NDEBUG
        CHECK_THROWS_AS(on.changed.notify_one(), wrong_hub);
        CHECK_THROWS_AS(on.changed.notify_all(), wrong_hub);
#endif
      }).join();
    });
  }
}
