// Channels whose waiters leave early: deadlines, kills, shutdown, destruction.

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/channel.hpp>
#include <greenroom/mailbox/select.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::mentions;
using test::time_of;

namespace {

using ints = std::vector<int>;

} // namespace

TEST_SUITE("mailbox") {
  // --- deadlines ----------------------------------------------------------

  TEST_CASE("put and get of a channel give up at their deadlines") {
    in_hub([] {
      channel<std::unique_ptr<int>> meeting;
      auto mine = std::make_unique<int>(1);
      CHECK(time_of([&] {
              CHECK(error_of([&] { meeting.put(std::move(mine), 2s); }) ==
                    "std::system_error: channel::put: timed out");
              CHECK(error_of([&] { meeting.get(2s); }) ==
                    "std::system_error: channel::get: timed out");
            }) == 4s);
      std::error_code failed;
      CHECK_FALSE(meeting.put(std::move(mine), 1s, failed));
      CHECK(failed == errc::timed_out);
      CHECK(mine);
      CHECK_FALSE(meeting.get(1s, failed));
      CHECK(failed == errc::timed_out);
      CHECK(meeting.balance() == 0);
      const auto getter = spawn([&] { meeting.get(); });
      CHECK(meeting.put(std::move(mine), 1s, failed));
      CHECK_FALSE(failed);
      CHECK_FALSE(mine);
      getter.join();
    });
  }

  TEST_CASE("a deadline that has passed lets a meeting take place") {
    in_hub([] {
      channel<int> meeting;
      const deadline past{0s};
      sleep(1s);
      const auto getter = spawn([&] { return meeting.get(); });
      yield();
      meeting.put(1, past);
      CHECK(getter.get() == 1);
      const auto putter = spawn([&] { meeting.put(2); });
      yield();
      CHECK(meeting.get(past) == 2);
      CHECK_THROWS_AS(meeting.get(past), std::system_error);
      putter.join();
    });
  }

  // --- kills and timeouts -------------------------------------------------

  // GEVENT.md 3.2, 35
  TEST_CASE("waiters of a channel that leave early swallow nothing") {
    for (const bool first_dies : {true, false}) {
      CAPTURE(first_dies);
      in_hub([&] {
        channel<int> meeting;
        ints taken;
        const auto get = [&] { taken.push_back(meeting.get()); };
        const any_greenlet first = spawn(get);
        const any_greenlet second = spawn(get);
        yield();
        (first_dies ? first : second).kill();
        meeting.put(1, 1s);
        CHECK(taken == ints{1});
        CHECK_THROWS_AS(meeting.put(2, 1s), std::system_error);
      });
    }
  }

  TEST_CASE("the item of a putter that leaves early stays with it") {
    in_hub([] {
      channel<std::unique_ptr<int>> meeting;
      auto mine = std::make_unique<int>(2);
      SUBCASE("when it was killed") {
        const auto putter = spawn([&] { meeting.put(std::move(mine)); });
        yield();
        putter.kill();
        CHECK(putter.killed());
      }
      SUBCASE("when a timeout struck") {
        CHECK_FALSE(timeout{1s}.run([&] { meeting.put(std::move(mine)); }));
      }
      SUBCASE("when it was killed after it had called a getter") {
        const auto getter = spawn([&] { return *meeting.get(); });
        yield();
        const auto putter = spawn([&] { meeting.put(std::move(mine)); });
        spawn([&] { putter.kill_soon(); });
        putter.join();
        CHECK(putter.killed());
        CHECK(meeting.balance() == -1);
        meeting.put(std::make_unique<int>(7));
        CHECK(getter.get() == 7);
      }
      SUBCASE("when try_put found no getter") {
        CHECK_FALSE(meeting.try_put(std::move(mine)));
      }
      REQUIRE(mine);
      CHECK(meeting.balance() == 0);
      CHECK_FALSE(meeting.ready());
    });
  }

  TEST_CASE("a put whose item was taken succeeds, though it is killed then") {
    in_hub([] {
      channel<int> meeting;
      std::string order;
      const auto getter =
          spawn([&] { order += std::to_string(meeting.get()); });
      const auto putter = spawn([&] {
        meeting.put(1);
        order += " put";
        yield();
        order += " not reached";
      });
      yield();
      CHECK(order.empty()); // the getter was called, and is about to run
      spawn([&] { putter.kill_soon(); }); // between the two
      putter.join();
      CHECK(putter.killed());
      CHECK(order == "1 put");
    });
  }

  TEST_CASE("a getter killed after it was called has its item first") {
    in_hub([] {
      channel<int> meeting;
      int taken = 0;
      const auto getter = spawn([&] {
        taken = meeting.get();
        yield();
        taken = -1;
      });
      yield();
      const auto putter = spawn([&] { meeting.put(1); });
      spawn([&] { getter.kill_soon(); });
      getter.join();
      CHECK(getter.killed());
      CHECK(taken == 1);
      CHECK(putter.join(1s));
    });
  }

  TEST_CASE("a timeout withdrawn before it is thrown lets both sides go on") {
    in_hub([] {
      channel<int> meeting;
      // A shield keeps the timeout pending until it is over.
      std::optional<int> taken;
      const auto getter = spawn([&] {
        timeout_scope limit{1s};
        const shield guard;
        taken = meeting.get();
      });
      sleep(2s);
      meeting.put(1);
      getter.join();
      CHECK(taken == 1);
    });
  }

  // --- among several ------------------------------------------------------

  TEST_CASE("who waits on several objects takes an offer like a getter") {
    in_hub([] {
      channel<int> first;
      channel<int> second;
      ints taken;
      const auto chooser = spawn([&] {
        for (int i = 0; i < 3; ++i)
          select(from(first, [&](int item) { taken.push_back(item); }),
                 from(second, [&](int item) { taken.push_back(-item); }));
      });
      yield();
      CHECK_FALSE(first.try_put(0)); // it cannot be handed anything
      first.put(1);
      second.put(2);
      first.put(3);
      chooser.join();
      CHECK(taken == ints{1, -2, 3});
      CHECK(first.balance() == 0);
    });
  }

  TEST_CASE("one that only watches a channel swallows no offer") {
    in_hub([] {
      channel<int> meeting;
      const auto watcher = spawn([&] { wait({meeting}); });
      yield();
      const auto getter = spawn([&] { return meeting.get(); });
      yield();
      SUBCASE("when it looks and goes") {
        meeting.put(1, 1s);
      }
      SUBCASE("when it is killed after it was told") {
        const auto putter = spawn([&] { meeting.put(1); });
        spawn([&] { watcher.kill_soon(); });
        CHECK(putter.join(1s));
      }
      SUBCASE("when a callback puts past it") {
        CHECK(meeting.try_put(1));
        CHECK_FALSE(watcher.dead());
        const auto other = spawn([&] { meeting.put(2); });
        CHECK(watcher.join(1s));
        other.kill();
      }
      CHECK(getter.get() == 1);
      CHECK(watcher.join(1s));
    });
  }

  // --- shutdown -----------------------------------------------------------

  // GEVENT.md 3.2, 38
  TEST_CASE("a shut channel refuses all, and those who wait are told") {
    in_hub([] {
      channel<std::unique_ptr<int>> meeting;
      std::error_code failed;
      auto mine = std::make_unique<int>(1);
      SUBCASE("when getters wait") {
        const auto getter =
            spawn([&] { CHECK_FALSE(meeting.get({}, failed)); });
        const auto other = spawn([&] {
          CHECK(error_of([&] { meeting.get(); }) ==
                "std::system_error: channel::get: closed");
        });
        yield();
        meeting.shutdown();
        CHECK(joinall(std::vector<any_greenlet>{getter, other}, 1s).size() ==
              2);
        CHECK(failed == errc::closed);
      }
      SUBCASE("when a putter waits") {
        const auto putter = spawn(
            [&] { CHECK_FALSE(meeting.put(std::move(mine), {}, failed)); });
        yield();
        meeting.shutdown();
        CHECK(putter.join(1s));
        CHECK(failed == errc::closed);
      }
      SUBCASE("when nobody waits") {
        meeting.shutdown();
        meeting.shutdown();
      }
      CHECK(meeting.closed());
      CHECK(meeting.ready());
      CHECK(meeting.balance() == 0);
      CHECK(error_of([&] { meeting.put(std::move(mine)); }) ==
            "std::system_error: channel::put: closed");
      CHECK(mine);
      CHECK_FALSE(meeting.try_put(std::move(mine)));
      CHECK_FALSE(meeting.try_get());
      CHECK_THROWS_AS(meeting.get(), std::system_error);
    });
  }

  TEST_CASE("a getter called just before the shutdown learns of it") {
    in_hub([] {
      channel<int> meeting;
      std::string error;
      const auto getter =
          spawn([&] { error = error_of([&] { meeting.get(); }); });
      yield();
      const auto putter = spawn([&] {
        CHECK(error_of([&] { meeting.put(1); }) ==
              "std::system_error: channel::put: closed");
      });
      spawn([&] { meeting.shutdown(); });
      getter.join();
      CHECK(error == "std::system_error: channel::get: closed");
      CHECK(putter.join(1s));
      CHECK(meeting.balance() == 0);
    });
  }

  TEST_CASE("a loop over a channel ends when it is shut") {
    in_hub([] {
      channel<std::unique_ptr<int>> meeting;
      ints taken;
      const auto reader = spawn([&] {
        for (std::unique_ptr<int>& item : meeting)
          taken.push_back(*std::unique_ptr<int>(std::move(item)));
      });
      for (int i = 0; i < 3; ++i)
        meeting.put(std::make_unique<int>(i));
      meeting.shutdown();
      CHECK(reader.join(1s));
      CHECK(taken == ints{0, 1, 2});
      for ([[maybe_unused]] const auto& item : meeting)
        FAIL("a shut channel gave an item");
    });
  }

  // --- the end of the channel ---------------------------------------------

  TEST_CASE("a channel destroyed while waited on wakes everybody") {
    in_hub([] {
      auto meeting = std::make_unique<channel<int>>();
      std::string error;
      SUBCASE("when a getter waits") {
        spawn([&] { error = error_of([&] { meeting->get(); }); });
      }
      SUBCASE("when a putter waits") {
        spawn([&] { error = error_of([&] { meeting->put(1); }); });
      }
      yield();
      meeting.reset();
      yield();
      CHECK(mentions(error, "destroyed while waited on"));
    });
  }

  TEST_CASE("a channel may be destroyed before those it woke run") {
    in_hub([] {
      auto meeting = std::make_unique<channel<int>>();
      std::string getter;
      std::string putter;
      const auto get = [&] {
        getter = error_of([&] { getter = std::to_string(meeting->get()); });
      };
      const auto put = [&] {
        putter = error_of([&] { meeting->put(1); });
        if (putter.empty()) putter = "put";
      };
      SUBCASE("when a getter was called") {
        spawn(get);
        yield();
        spawn(put);
        spawn([&] { meeting.reset(); });
        idle();
        CHECK(mentions(getter, "destroyed while waited on"));
        CHECK(mentions(putter, "destroyed while waited on"));
      }
      SUBCASE("when a putter's item was taken") {
        spawn(put);
        yield();
        CHECK(meeting->try_get() == 1);
        meeting.reset();
        idle();
        CHECK(putter == "put");
      }
      SUBCASE("when an item was handed over for a getter") {
        spawn(get);
        yield();
        CHECK(meeting->try_put(1));
        meeting.reset();
        idle();
        CHECK(mentions(getter, "destroyed while waited on"));
      }
      SUBCASE("when it was shut") {
        spawn(get);
        yield();
        meeting->shutdown();
        meeting.reset();
        idle();
        CHECK(getter == "std::system_error: channel::get: closed");
      }
      SUBCASE("when a getter was killed") {
        const auto one = spawn(get);
        yield();
        one.kill_soon();
        meeting.reset();
        one.join();
        CHECK(mentions(getter, "greenlet_exit"));
      }
    });
  }
}
