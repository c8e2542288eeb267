#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/hub/watch.hpp>
#include <greenroom/mailbox/semaphore.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <chrono>
#include <functional>
#include <memory>
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

/// Spawns one that acquires and then writes `name`.
any_greenlet acquirer(semaphore& of, std::string& order, char name) {
  return spawn([&of, &order, name] {
    of.acquire();
    order += name;
  });
}

} // namespace

TEST_SUITE("mailbox") {
  // --- counting -----------------------------------------------------------

  TEST_CASE("a semaphore counts down to locked and up again") {
    in_hub([] {
      const no_wait guard;
      semaphore two{2};
      CHECK(two.count() == 2);
      CHECK(two.acquire());
      CHECK(two.ready());
      CHECK_FALSE(two.locked());
      CHECK(two.try_acquire());
      CHECK(two.locked());
      CHECK_FALSE(two.ready());
      CHECK_FALSE(two.try_acquire());
      two.release(3);
      CHECK(two.count() == 3);
      two.release(0);
      CHECK(two.wait() == 3);
      CHECK(two.count() == 3);
    });
  }

  TEST_CASE("a semaphore is one unless told otherwise, and may be none") {
    in_hub([] {
      semaphore one;
      CHECK(one.count() == 1);
      semaphore none{0};
      CHECK(none.locked());
    });
  }

  TEST_CASE("a semaphore of less than none is refused") {
    in_hub([] {
      CHECK_THROWS_WITH_AS(semaphore{-1}, "semaphore: a count of -1",
                           std::invalid_argument);
      CHECK_THROWS_WITH_AS(bounded_semaphore{-2},
                           "bounded_semaphore: a count of -2",
                           std::invalid_argument);
    });
  }

  TEST_CASE("a release that cannot be counted is refused and changes nothing") {
    in_hub([] {
      semaphore many{semaphore::max_count};
      CHECK_THROWS_WITH_AS(many.release(),
                           "semaphore: a count above 9223372036854775807",
                           std::logic_error);
      CHECK(many.count() == semaphore::max_count);
      semaphore one;
      CHECK_THROWS_WITH_AS(one.release(-1), "semaphore: a release of -1",
                           std::invalid_argument);
      CHECK_THROWS_AS(one.release(semaphore::max_count), std::logic_error);
      CHECK(one.count() == 1);
    });
  }

  TEST_CASE("a bounded semaphore names who released too often") {
    in_hub([] {
      bounded_semaphore two{2};
      two.acquire();
      two.release();
      std::string error;
      spawn({.name = "careless"}, [&] {
        error = error_of([&] { two.release(); });
      }).join();
      CHECK(error == "std::logic_error: bounded_semaphore: released too often "
                     "(by greenlet 'careless')");
      CHECK(two.count() == 2);
      hub::current().post([&] { error = error_of([&] { two.release(); }); });
      idle();
      CHECK(mentions(error, "(by a callback)"));
      two.acquire();
      CHECK_THROWS_AS(two.release(2), std::logic_error);
      CHECK(two.count() == 1);
    });
  }

  // --- waiting ------------------------------------------------------------

  // GEVENT.md 3.2, 48
  TEST_CASE("acquire ends with false at its deadline") {
    in_hub([] {
      semaphore none{0};
      CHECK(time_of([&] { CHECK_FALSE(none.acquire(10ms)); }) == 10ms);
      CHECK_FALSE(none.acquire(0s));
      CHECK(none.count() == 0);
      spawn_later(1s, [&] { none.release(); });
      CHECK(time_of([&] { CHECK(none.acquire(2s)); }) == 1s);
    });
  }

  TEST_CASE("release wakes the waiters oldest first and switches to none") {
    in_hub([] {
      semaphore none{0};
      std::string order;
      for (const char name : {'a', 'b', 'c', 'd'})
        acquirer(none, order, name);
      yield();
      none.release(2);
      CHECK(order == "");
      yield();
      CHECK(order == "ab");
      CHECK(none.count() == 0);
      none.release();
      none.release();
      yield();
      CHECK(order == "abcd");
      CHECK(none.count() == 0);
    });
  }

  TEST_CASE("who finds one goes ahead of those who wait, and they keep their "
            "places") {
    in_hub([] {
      semaphore none{0};
      std::string order;
      for (const char name : {'a', 'b'})
        acquirer(none, order, name);
      yield();
      none.release();
      CHECK(none.try_acquire());
      yield();
      CHECK(order == "");
      acquirer(none, order, 'c');
      yield();
      none.release(3);
      yield();
      CHECK(order == "abc");
    });
  }

  TEST_CASE("a waiter woken in vain keeps its place") {
    in_hub([] {
      semaphore none{0};
      std::string order;
      // A callback may come between a wake-up and its turn, after every 64
      // items: try every offset.
      for (int before = 0; before < 70; ++before) {
        order.clear();
        const auto first = acquirer(none, order, 'a');
        const auto second = acquirer(none, order, 'b');
        yield();
        for (int i = 0; i < before; ++i)
          spawn([] {});
        bool stolen = false;
        spawn(
            [&] { hub::current().post([&] { stolen = none.try_acquire(); }); });
        none.release();
        idle();
        none.release(stolen ? 2 : 1);
        joinall(std::vector<any_greenlet>{first, second});
        CHECK(order == "ab");
        CHECK(none.count() == 0);
      }
    });
  }

  // GEVENT.md 3.2, 47: hangs if two of them could pass it to each other
  TEST_CASE("a semaphore is fair among those who wait") {
    in_hub([] {
      semaphore one;
      bool quit = false;
      std::function<void()> acquire_then_spawn;
      const auto release_then_spawn = [&] {
        one.release();
        if (!quit) spawn([&] { acquire_then_spawn(); }).join();
      };
      acquire_then_spawn = [&] {
        if (quit) return;
        one.acquire();
        spawn(release_then_spawn).join();
      };
      const auto first = spawn([&] { acquire_then_spawn(); });
      const auto second = spawn([&] { acquire_then_spawn(); });
      const auto leaving = spawn([&] {
        one.acquire();
        quit = true;
      });
      CHECK_THROWS_AS(
          joinall(std::vector<any_greenlet>{first, second, leaving}),
          loop_exit);
      CHECK(leaving.dead());
      CHECK(shutdown(1s));
    });
  }

  // GEVENT.md 3.2, 50
  TEST_CASE("two greenlets may acquire and release in turn for long") {
    in_hub([] {
      for (const deadline until : {deadline{}, deadline{1h}}) {
        semaphore one;
        int inside = 0;
        int rounds[2] = {};
        std::vector<any_greenlet> duelling;
        for (int& own : rounds)
          duelling.push_back(spawn([&] {
            for (; own < 10'000; ++own) {
              REQUIRE(one.acquire(until));
              REQUIRE(++inside == 1);
              if (own % 3) yield();
              --inside;
              one.release();
              if (own % 2) yield();
              CHECK(std::abs(rounds[0] - rounds[1]) < 4);
            }
          }));
        joinall(duelling);
        CHECK(rounds[0] + rounds[1] == 20'000);
        CHECK(one.count() == 1);
      }
    });
  }

  TEST_CASE("many waiters served at once let the others have their turn") {
    in_hub([] {
      semaphore none{0};
      int served = 0;
      std::vector<any_greenlet> waiters;
      for (int i = 0; i < 200; ++i)
        waiters.push_back(spawn([&] { none.acquire() && ++served; }));
      yield();
      int seen = 0;
      none.release(200);
      spawn([&] { seen = served; }).join();
      CHECK(seen > 0);
      CHECK(seen < 200);
      joinall(waiters);
      CHECK(served == 200);
    });
  }

  TEST_CASE("wait tells how many there are and takes none") {
    in_hub([] {
      semaphore none{0};
      CHECK(time_of([&] { CHECK(none.wait(1s) == 0); }) == 1s);
      std::ptrdiff_t told = -1;
      std::string order;
      spawn([&] { told = none.wait(); });
      acquirer(none, order, 'a');
      acquirer(none, order, 'b');
      yield();
      none.release(2);
      yield();
      CHECK(told == 2);
      CHECK(order == "ab"); // the one that only asked swallowed nothing
      CHECK(none.count() == 0);
    });
  }

  // --- kills and timeouts -------------------------------------------------

  TEST_CASE("a kill while waiting takes nothing and forgets nobody") {
    in_hub([] {
      semaphore none{0};
      std::string order;
      std::vector<any_greenlet> all;
      for (const char name : {'a', 'b', 'c'})
        all.push_back(acquirer(none, order, name));
      yield();
      SUBCASE("when it comes before the release") {
        all[0].kill_soon();
        none.release(2);
        yield();
        CHECK(order == "bc");
        CHECK(none.count() == 0);
      }
      SUBCASE("when it comes between the release and the wake-up") {
        none.release(2);
        all[0].kill_soon();
        yield();
        CHECK(order == "bc");
        CHECK(none.count() == 0);
      }
      SUBCASE("when there is nobody else") {
        killall(all);
        none.release();
        CHECK(none.try_acquire());
      }
      killall(all);
    });
  }

  TEST_CASE("a waiter whose timeout is withdrawn at the last moment sees that "
            "one was released meanwhile") {
    in_hub([] {
      semaphore none{0};
      semaphore never{0};
      timeout* limit = nullptr;
      const deadline when{1s};
      const auto other = spawn([&] { // runs between the expiry and the waiter
        never.acquire(when);
        CHECK(limit->pending());
        none.release();
        limit->cancel();
      });
      const auto waiter = spawn([&] {
        timeout own{1s};
        limit = &own;
        own.start();
        return none.acquire(5s);
      });
      CHECK(time_of([&] { CHECK(waiter.get()); }) == 1s);
    });
  }

  // --- where it may be used -----------------------------------------------

  TEST_CASE("a callback may release and try, but not wait for one") {
    in_hub([] {
      semaphore none{0};
      std::string error;
      hub::current().post([&] {
        error = error_of([&] { none.acquire(); });
        none.release(2);
        CHECK(none.try_acquire());
      });
      CHECK(none.acquire(1s));
      CHECK(mentions(error, "semaphore::acquire would wait inside a hub"));
    });
  }

  TEST_CASE("a semaphore refuses the thread of another hub") {
    in_hub([] {
      semaphore none{0};
      std::thread([&] {
        CHECK_THROWS_AS(none.acquire(), wrong_hub);
        CHECK_THROWS_AS(none.wait(), wrong_hub);
#ifndef NDEBUG
        CHECK_THROWS_AS(none.release(), wrong_hub);
        CHECK_THROWS_AS(none.try_acquire(), wrong_hub);
#endif
      }).join();
    });
  }

  // GEVENT.md 3.2, 49
  TEST_CASE("a semaphore can be waited on with others, which takes none") {
    in_hub([] {
      semaphore one;
      semaphore none{0};
      CHECK(wait({one}).size() == 1);
      CHECK(wait({one, none}, 1s).size() == 1);
      CHECK(one.count() == 1);
      spawn_later(1s, [&] { none.release(); });
      CHECK(time_of([&] { CHECK(wait({none}).size() == 1); }) == 1s);
      CHECK(none.count() == 1);
    });
  }

  TEST_CASE("a watch is told when there is one, and swallows none") {
    in_hub([] {
      semaphore none{0};
      watch_set all{"select"};
      watch one;
      one.stand_in(all, none.watchers());
      std::string order;
      acquirer(none, order, 'a');
      acquirer(none, order, 'b');
      yield();
      none.release(2);
      CHECK(all.wait(1s));
      CHECK(all.take() == &one);
      yield();
      CHECK(order == "ab");
    });
  }

  TEST_CASE("a deadlock report names acquire") {
    in_hub([] {
      semaphore none{0};
      CHECK(mentions(error_of([&] { none.acquire(); }), "semaphore::acquire"));
    });
  }

  // --- its end ------------------------------------------------------------

  TEST_CASE("a semaphore destroyed while waited on wakes everybody with an "
            "error") {
    in_hub([] {
      auto gone = std::make_unique<semaphore>(0);
      std::vector<std::string> errors;
      const auto note = [&](auto wait) {
        spawn([&errors, wait] { errors.push_back(error_of(wait)); });
      };
      note([&gone] { gone->acquire(); });
      note([&gone] { gone->wait(1s); });
      yield();
      SUBCASE("when nothing was released") {
      }
      SUBCASE("when they were about to be served") {
        gone->release(2);
      }
      gone.reset();
      yield();
      REQUIRE(errors.size() == 2);
      for (const std::string& error : errors)
        CHECK(mentions(error, "destroyed while waited on"));
    });
  }

  TEST_CASE("a semaphore may be destroyed by a callback that runs just before "
            "the waiter it woke") {
    for (int before = 0; before < 70; ++before)
      in_hub([before] {
        auto gone = std::make_unique<semaphore>(0);
        std::string error = "none";
        spawn([&] { error = error_of([&] { gone->acquire(); }); });
        yield();
        for (int i = 0; i < before; ++i)
          spawn([] {});
        spawn([&] { hub::current().post([&] { gone.reset(); }); });
        gone->release();
        idle();
        CHECK((error == "" || mentions(error, "destroyed while waited on")));
      });
  }

  TEST_CASE("the one served may destroy the semaphore") {
    in_hub([] {
      auto gone = std::make_unique<semaphore>(0);
      int errors = 0;
      spawn([&] {
        gone->acquire();
        gone.reset();
      });
      spawn([&] { errors += error_of([&] { gone->acquire(); }) != ""; });
      yield();
      gone->release(2);
      yield();
      CHECK_FALSE(gone);
      yield();
      CHECK(errors == 1);
    });
  }
}
