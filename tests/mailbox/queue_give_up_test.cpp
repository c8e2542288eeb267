#include "hub/support.hpp"
#include "mailbox/queue_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::contents;
using test::error_of;
using test::in_hub;
using test::ints;
using test::time_of;

TEST_SUITE("mailbox") {
  TEST_CASE("get gives up at its deadline") {
    in_hub([] {
      queue<int> numbers;
      CHECK(time_of([&] {
              CHECK(error_of([&] { numbers.get(2s); }) ==
                    "std::system_error: queue::get: timed out");
            }) == 2s);
      std::error_code failed;
      CHECK_FALSE(numbers.get(1s, failed));
      CHECK(failed == errc::timed_out);
      numbers.put(1);
      CHECK(numbers.get(1s, failed) == 1);
      CHECK_FALSE(failed);
    });
  }

  TEST_CASE("put gives up at its deadline, and its item is not added") {
    in_hub([] {
      queue<int> numbers{1};
      numbers.put(1);
      CHECK(time_of([&] {
              CHECK(error_of([&] { numbers.put(2, 2s); }) ==
                    "std::system_error: queue::put: timed out");
            }) == 2s);
      std::error_code failed;
      CHECK_FALSE(numbers.put(3, 1s, failed));
      CHECK(failed == errc::timed_out);
      CHECK(numbers.get() == 1);
      yield();
      CHECK(numbers.empty());
      CHECK(numbers.put(4, 1s, failed));
      CHECK_FALSE(failed);
      CHECK(contents(numbers) == ints{4});
    });
  }

  TEST_CASE("an item that could not be put stays with its owner") {
    in_hub([] {
      queue<std::unique_ptr<int>> boxes{1};
      boxes.put(std::make_unique<int>(1));
      auto mine = std::make_unique<int>(2);
      SUBCASE("when the deadline passed") {
        CHECK_THROWS_AS(boxes.put(std::move(mine), 1s), std::system_error);
        std::error_code failed;
        CHECK_FALSE(boxes.put(std::move(mine), 1s, failed));
      }
      SUBCASE("when the putter was killed") {
        const auto putter = spawn([&] { boxes.put(std::move(mine)); });
        yield();
        putter.kill();
      }
      SUBCASE("when try_put found no room") {
        CHECK_FALSE(boxes.try_put(std::move(mine)));
      }
      REQUIRE(mine);
      CHECK(*mine == 2);
    });
  }

  TEST_CASE("a put item is as it was when put was called") {
    in_hub([] {
      queue<std::string> texts{1};
      texts.put("first");
      std::string text = "second";
      const auto putter = spawn([&] { texts.put(text); });
      yield();
      text = "changed";
      CHECK(texts.get() == "first");
      CHECK(texts.get() == "second");
      putter.join();
    });
  }

  TEST_CASE("an item put at the very deadline is taken or still there") {
    in_hub([] {
      queue<int> numbers;
      std::error_code failed;
      // The hub notices both in one turn; the item is handed on in the next.
      spawn_later(1s, [&] { numbers.put(5); });
      CHECK_FALSE(numbers.get(1s, failed));
      yield();
      CHECK(contents(numbers) == ints{5});
    });
  }

  TEST_CASE("a deadline that has passed lets a ready queue go on") {
    in_hub([] {
      queue<int> numbers{1};
      const deadline past{0s};
      sleep(1s);
      numbers.put(1, past);
      CHECK(numbers.get(past) == 1);
      CHECK_THROWS_AS(numbers.get(past), std::system_error);
    });
  }

  // --- kills and timeouts -------------------------------------------------

  // GEVENT.md 3.2, 35
  TEST_CASE("of two waiters one dies, and the other gets the item") {
    for (const bool first_dies : {true, false}) {
      CAPTURE(first_dies);
      in_hub([&] {
        queue<int> numbers;
        ints taken;
        const auto get = [&] { taken.push_back(numbers.get()); };
        const any_greenlet first = spawn(get);
        const any_greenlet second = spawn(get);
        yield();
        (first_dies ? first : second).kill();
        numbers.put(1);
        (first_dies ? second : first).join();
        CHECK(taken == ints{1});
      });
    }
  }

  // GEVENT.md 3.2, 35
  TEST_CASE("getters that have timed out eat no item") {
    in_hub([] {
      queue<int> numbers;
      const auto bogus = [&] {
        return timeout{0s}.run([&] { numbers.get(); });
      };
      const auto first = spawn(bogus);
      const auto waiting = spawn([&] { return numbers.get(); });
      const auto second = spawn(bogus);
      sleep(100ms);
      numbers.put(1);
      numbers.put(2);
      CHECK_FALSE(first.get());
      CHECK_FALSE(second.get());
      CHECK(waiting.get() == 1);
      CHECK(contents(numbers) == ints{2});
    });
  }

  // GEVENT.md 1.2: the wake-up was queued first
  TEST_CASE("a kill after the put finds the getter with its item") {
    in_hub([] {
      queue<int> numbers;
      int taken = 0;
      const auto first = spawn([&] {
        taken = numbers.get();
        sleep(1s);
      });
      const auto second = spawn([&] { numbers.get(); });
      yield();
      numbers.put(1);
      first.kill();
      CHECK(first.killed());
      CHECK(taken == 1);
      CHECK(numbers.empty());
      CHECK_FALSE(second.dead());
      second.kill();
    });
  }

  TEST_CASE("a getter killed by a greenlet that runs before its turn") {
    in_hub([] {
      queue<int> numbers;
      int taken = 0;
      const auto first = spawn([&] { taken = numbers.get(); });
      yield();
      spawn([&] { first.kill_soon(); });
      numbers.put(1);
      first.join();
      CHECK(first.successful());
      CHECK(taken == 1);
      CHECK(numbers.empty());
    });
  }

  TEST_CASE("a killed getter's place goes to nobody else") {
    in_hub([] {
      queue<int> numbers;
      std::string order;
      std::vector<any_greenlet> getters;
      for (char name = 'a'; name <= 'd'; ++name)
        getters.push_back(spawn(
            [&, name] { order += name + std::to_string(numbers.get()); }));
      yield();
      getters[1].kill();
      for (int i = 0; i < 3; ++i)
        numbers.put(i);
      yield();
      CHECK(order == "a0c1d2");
    });
  }

  TEST_CASE("a putter killed while it waits adds nothing") {
    in_hub([] {
      queue<int> numbers{1};
      numbers.put(0);
      std::vector<any_greenlet> putters;
      for (int i = 1; i <= 3; ++i)
        putters.push_back(spawn([&, i] { numbers.put(i); }));
      yield();
      SUBCASE("when killed while it waits") {
        putters[0].kill();
        CHECK(numbers.get() == 0);
      }
      SUBCASE("when killed after room was made") {
        CHECK(numbers.get() == 0);
        putters[0].kill(); // too late
        CHECK(numbers.get() == 1);
      }
      CHECK(numbers.get() == 2);
      CHECK(numbers.get() == 3);
      yield();
      CHECK(numbers.empty());
    });
  }

  TEST_CASE("a timeout in get and in put loses no item") {
    in_hub([] {
      queue<int> numbers{1};
      CHECK_FALSE(timeout{1s}.run([&] { numbers.get(); }));
      numbers.put(1);
      CHECK_FALSE(timeout{1s}.run([&] { numbers.put(2); }));
      CHECK(contents(numbers) == ints{1});
      CHECK(timeout{1s}.run([&] { numbers.put(3); }));
      CHECK(contents(numbers) == ints{3});
    });
  }

  TEST_CASE("a getter whose timeout was withdrawn does not upset the serving") {
    in_hub([] {
      queue<int> items;
      timeout limit{1s};
      int got = 0;
      int noticed = 0;
      bool others_run = false;
      const auto putter = spawn([&] { // runs between the timeout and the getter
        sleep(1s);
        limit.cancel();
        items.put(1); // behind the first watch the queue itself goes on
        items.put(2);
        spawn([&] { others_run = true; });
      });
      const auto getter = spawn([&] {
        limit.start();
        got = items.get();
      });
      for (int i = 0; i < 2; ++i)
        spawn([&] { noticed += wait({items}).empty() ? 0 : 1; });
      sleep(2s);
      CHECK(got == 1);
      CHECK(noticed == 2);
      CHECK(others_run);
      CHECK(items.get() == 2);
    });
  }
}
