#include "hub/beside.hpp"
#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/hub/watch.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

TEST_SUITE("mailbox") {
  TEST_CASE("an event lets everybody through from set to clear") {
    in_hub([] {
      event open;
      CHECK_FALSE(open.is_set());
      CHECK_FALSE(open.ready());
      open.set();
      CHECK(open.is_set());
      CHECK(open.ready());
      CHECK(open.wait());
      CHECK(open.wait(0s));
      open.set();
      open.clear();
      CHECK_FALSE(open.is_set());
      CHECK_FALSE(open.wait(0s));
      open.clear();
      CHECK_FALSE(open.wait(1s));
    });
  }

  TEST_CASE("waiting on a set event does not switch") {
    in_hub([] {
      const no_wait guard;
      event open;
      open.set();
      CHECK(open.wait());
    });
  }

  TEST_CASE("set schedules the waiters in order and switches to none") {
    in_hub([] {
      event open;
      std::string order;
      for (const char name : {'a', 'b', 'c'})
        spawn([&open, &order, name] {
          open.wait();
          order += name;
        });
      yield();
      open.set();
      CHECK(order == "");
      yield();
      CHECK(order == "abc");
    });
  }

  TEST_CASE("a wait ends at its deadline") {
    in_hub([] {
      event never;
      CHECK(time_of([&] { CHECK_FALSE(never.wait(2s)); }) == 2s);
      spawn_later(1s, [&] { never.set(); });
      CHECK(time_of([&] { CHECK(never.wait(2s)); }) == 1s);
    });
  }

  // GEVENT.md 3.2, 41
  TEST_CASE("set and clear without giving way still wake everyone with true") {
    for (const int waiters : {1, 100, 1000})
      in_hub([waiters] {
        event pulse;
        int through = 0;
        for (int i = 0; i < waiters; ++i)
          spawn([&] {
            if (pulse.wait(1s) && !pulse.is_set()) ++through;
          });
        yield();
        pulse.set();
        pulse.clear();
        yield();
        CHECK(through == waiters);
        CHECK_FALSE(pulse.wait(1s)); // an old set is nothing to a new waiter
      });
  }

  // GEVENT.md 3.2, 42
  TEST_CASE("who waits for a cleared event again is not let through by the set "
            "that woke it") {
    in_hub([] {
      event flag;
      spawn([&] {
        const auto setter = spawn([&] { flag.set(); });
        CHECK(flag.wait());
        CHECK(flag.ready());
        setter.join();
        flag.clear();
        CHECK_FALSE(flag.wait(10ms));
        CHECK(wait({flag}, 10ms).empty());
        CHECK_FALSE(flag.ready());
      }).join();
    });
  }

  // GEVENT.md 3.2, 43
  TEST_CASE("who comes while waiters are notified runs after them, in the same "
            "drain") {
    in_hub([] {
      event open;
      std::string order;
      const auto wait_as = [&](char name) {
        open.wait();
        order += name;
      };
      spawn(wait_as, '1');
      spawn(wait_as, '2');
      yield();
      bool turned = false;
      hub::current().post([&] { turned = true; });
      open.set();
      wait_as('3');
      CHECK(order == "123");
      CHECK_FALSE(turned);
      idle();
    });
  }

  TEST_CASE("nobody who comes while waiters are notified overtakes another") {
    in_hub([] {
      event open;
      std::string order;
      const auto wait_as = [&](char name) {
        open.wait();
        order += name;
      };
      spawn(wait_as, '1');
      yield();
      spawn(wait_as, '2'); // finds it set, with the first not yet run
      spawn([&] {
        spawn(wait_as, '4'); // finds it set, with the third not yet run
        wait_as('3');
      });
      open.set();
      sleep(1s);
      CHECK(order.substr(0, 1) == "1");
      CHECK(order.size() == 4);
      CHECK(order.find('2') < order.find('3'));
      CHECK(order.find('3') < order.find('4'));
      const no_wait guard; // all have run: nobody to go behind
      CHECK(open.wait());
    });
  }

  TEST_CASE("who found an event set is let through although it is cleared "
            "before its turn") {
    in_hub([] {
      event open;
      bool through = false;
      spawn([&] { open.wait(); });
      yield();
      open.set();
      const auto late = spawn([&] { through = open.wait(1s); });
      spawn([&] { open.clear(); });
      CHECK(time_of([&] { late.join(); }) == 0s);
      CHECK(through);
      CHECK_FALSE(open.wait(1s));
    });
  }

  TEST_CASE("an event may be destroyed as soon as it was set") {
    in_hub([] {
      auto once = std::make_unique<event>();
      int through = 0;
      const auto wait = [&, &once = *once] { through += once.wait() ? 1 : 0; };
      for (int i = 0; i < 3; ++i)
        spawn(wait);
      yield();
      once->set();
      SUBCASE("when only those woken have not run") {
        once.reset();
        yield();
        CHECK(through == 3);
      }
      SUBCASE("when another found it set and has not run either") {
        once->clear();
        spawn(wait);
        yield();
        once->set();
        spawn(wait);
        spawn([&] { once.reset(); });
        sleep(1s);
        CHECK(through == 5);
      }
    });
  }

  TEST_CASE("an event destroyed while waited on wakes everybody with an "
            "error") {
    in_hub([] {
      auto gone = std::make_unique<event>();
      std::vector<std::string> errors;
      for (int i = 0; i < 2; ++i)
        spawn([&] { errors.push_back(error_of([&] { gone->wait(1s); })); });
      yield();
      gone.reset();
      yield();
      REQUIRE(errors.size() == 2);
      for (const std::string& error : errors)
        CHECK(error.find("event::wait: the object was destroyed") !=
              std::string::npos);
    });
  }

  TEST_CASE("a waiter that left by its deadline is nothing to a destroyed "
            "event") {
    in_hub([] {
      auto gone = std::make_unique<event>();
      bool through = true;
      const auto waiter = spawn([&] { through = gone->wait(1s); });
      // Due in the same turn, and started before: runs before the waiter does.
      spawn_later(1s, [&] { gone.reset(); });
      waiter.join();
      CHECK_FALSE(through);
    });
  }

  TEST_CASE("a kill ends a wait and forgets nobody else") {
    in_hub([] {
      event open;
      int through = 0;
      const auto wait = [&] { through += open.wait() ? 1 : 0; };
      const auto first = spawn(wait);
      const auto second = spawn(wait);
      const auto third = spawn(wait);
      yield();
      SUBCASE("when it comes before the set") {
        second.kill_soon();
        open.set();
        yield();
        CHECK(through == 2);
        CHECK(second.killed());
      }
      SUBCASE("when it comes after the set") {
        open.set();
        second.kill_soon();
        yield();
        CHECK(through == 3); // it waits nowhere any more
        CHECK_FALSE(second.killed());
      }
      SUBCASE("when it hits the last one woken") {
        open.set();
        third.kill_soon();
        yield();
        const no_wait guard;
        CHECK(open.wait());
      }
      killall(std::vector<any_greenlet>{first, second, third});
    });
  }

  TEST_CASE("a killed greenlet that comes late is killed, and leaves nothing "
            "behind") {
    in_hub([] {
      event open;
      spawn([&] { open.wait(); });
      yield();
      std::string error = "none";
      const auto late = spawn([&] {
        current().kill_soon();
        error = error_of([&] { open.wait(); });
      });
      open.set();
      SUBCASE("when it gives way") {
        late.join();
      }
      late.join();
      CHECK(error == "greenroom::greenlet_exit");
      const no_wait guard;
      CHECK(open.wait());
    });
  }

  TEST_CASE("a timeout of somebody else passes through a wait") {
    in_hub([] {
      event never;
      timeout limit{1s};
      limit.start();
      CHECK(error_of([&] { never.wait(2s); }) ==
            "greenroom::timeout_expired: 1 second");
      CHECK_FALSE(never.wait(1s));
    });
  }

  TEST_CASE("a waiter whose timeout is withdrawn at the last moment sees that "
            "the event was set meanwhile") {
    in_hub([] {
      event open;
      timeout* limit = nullptr;
      bool through = false;
      const deadline when{1s};
      const auto other = spawn([&] { // runs between the expiry and the waiter
        event never;
        never.wait(when);
        CHECK(limit->pending());
        open.set();
        limit->cancel();
      });
      const auto waiter = spawn([&] {
        timeout own{1s};
        limit = &own;
        own.start();
        through = open.wait(5s);
      });
      CHECK(time_of([&] { waiter.join(); }) == 1s);
      CHECK(through);
    });
  }

  TEST_CASE("a callback may set an event but not wait for one") {
    in_hub([] {
      event open;
      std::string error;
      hub::current().post([&] {
        error = error_of([&] { open.wait(); });
        open.set();
      });
      CHECK(open.wait(1s));
      CHECK(error.find("event::wait would wait inside a hub callback") !=
            std::string::npos);
    });
  }

  // GEVENT.md 3.2, 46
  TEST_CASE("another thread sets an event through its hub") {
    for (const deadline until : {deadline::never(), deadline{1h}})
      test::in_hub_on(clock_kind::real, [until] {
        event open;
        const auto waiter = spawn([&] { return open.wait(until); });
        yield();
        const work_guard outside;
        test::beside other([&, home = hub::current().address()] {
          CHECK_THROWS_AS(open.wait(1s), wrong_hub);
          post_to(home, [&] { open.set(); });
        });
        CHECK(open.wait(until));
        CHECK(waiter.get());
        other.join();
      });
  }

  TEST_CASE("an event refuses the thread of another hub") {
    in_hub([] {
      event open;
      std::thread([&] {
        CHECK_THROWS_AS(open.wait(), wrong_hub);
#ifndef NDEBUG
        CHECK_THROWS_AS(open.set(), wrong_hub);
        CHECK_THROWS_AS(open.clear(), wrong_hub);
#endif
      }).join();
      CHECK_FALSE(open.is_set());
    });
  }

  TEST_CASE("a watch is told of a set and holds nobody up") {
    in_hub([] {
      event open;
      watch_set all{"select"};
      watch one;
      one.stand_in(all, open.watchers());
      int through = 0;
      spawn([&] { through += open.wait() ? 1 : 0; });
      yield();
      open.set();
      CHECK(all.wait(1s));
      CHECK(all.take() == &one);
      yield();
      CHECK(through == 1);
      const no_wait guard; // the watch has been woken, and has not left
      CHECK(open.wait());
    });
  }

  // GEVENT.md 3.2, 44
  TEST_CASE("a set event can be waited on with others, again and again") {
    in_hub([] {
      event open;
      open.set();
      for (int round = 0; round < 2; ++round) {
        const auto ready = wait({open});
        REQUIRE(ready.size() == 1);
        CHECK(ready.front() == open);
      }
      event other;
      spawn_later(1s, [&] { other.set(); });
      CHECK(time_of([&] { CHECK(wait({other, open}).size() == 2); }) == 1s);
    });
  }
}
