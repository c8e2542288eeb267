#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

using trace = std::vector<std::string>;

/// Everything in the queue, oldest first.
template <class Item>
std::vector<Item> contents(queue<Item>& from) {
  std::vector<Item> all;
  while (auto item = from.try_get())
    all.push_back(std::move(*item));
  return all;
}

/// Its moves and copies throw, each when its countdown reaches zero.
struct fragile {
  explicit fragile(int identity) : id(identity) {}
  fragile(const fragile& other) : id(other.id) { strike(); }
  fragile(fragile&& other) : id(other.id) {
    strike();
    other.id = -1;
  }
  fragile& operator=(const fragile&) = delete;

  static void strike() {
    if (countdown > 0 && --countdown == 0) throw std::runtime_error("it broke");
  }

  static inline int countdown = 0;
  int id;
};

using ints = std::vector<int>;
using namespace std::string_literals;

} // namespace

TEST_SUITE("mailbox") {
  // --- what it holds ------------------------------------------------------

  TEST_CASE("items come out in the order in which they went in") {
    in_hub([] {
      queue<int> numbers;
      for (int i = 0; i < 1000; ++i)
        numbers.put(i);
      CHECK(numbers.size() == 1000);
      for (int i = 0; i < 1000; ++i)
        CHECK(numbers.get() == i);
      CHECK(numbers.empty());
    });
  }

  TEST_CASE("a queue without a capacity is never full") {
    in_hub([] {
      queue<int> numbers;
      CHECK(numbers.capacity() == queue<int>::unbounded);
      for (int i = 0; i < 100'000; ++i)
        CHECK(numbers.try_put(i));
      CHECK_FALSE(numbers.full());
    });
  }

  TEST_CASE("a queue for no items is refused") {
    in_hub([] {
      CHECK_THROWS_WITH_AS(queue<int>{0}, "queue: a capacity of 0 items",
                           std::invalid_argument);
    });
  }

  TEST_CASE("a queue holds what can only be moved") {
    in_hub([] {
      queue<std::unique_ptr<int>> boxes{1};
      boxes.put(std::make_unique<int>(1));
      const auto putter = spawn([&] { boxes.put(std::make_unique<int>(2)); });
      yield();
      CHECK(*boxes.get() == 1);
      CHECK(*boxes.get() == 2);
      putter.join();
      CHECK(boxes.try_put(std::make_unique<int>(3)));
      CHECK(**boxes.try_get() == 3);
    });
  }

  TEST_CASE("a queue keeps the alignment of its items") {
    struct alignas(64) line {
      std::array<std::uint64_t, 8> words;
    };
    in_hub([] {
      queue<line> lines{2};
      const auto check = [](const line& taken) {
        CHECK(reinterpret_cast<std::uintptr_t>(&taken) % 64 == 0);
      };
      const auto reader = spawn([&] {
        for (std::uint64_t i = 0; i < 20; ++i) {
          const line taken = lines.get();
          check(taken);
          CHECK(taken.words[7] == i);
        }
      });
      for (std::uint64_t i = 0; i < 20; ++i)
        lines.put(line{{0, 0, 0, 0, 0, 0, 0, i}});
      reader.join();
    });
  }

  TEST_CASE("pop drops the oldest item and lets a putter in") {
    in_hub([] {
      queue<int> numbers{1};
      numbers.put(1);
      const auto putter = spawn([&] { numbers.put(2); });
      yield();
      numbers.pop();
      putter.join();
      CHECK(contents(numbers) == ints{2});
    });
  }

  TEST_CASE("items still in a queue end with it") {
    in_hub([] {
      const auto item = std::make_shared<int>(1);
      {
        queue<std::shared_ptr<int>> shared;
        shared.put(item);
        shared.put(item);
        CHECK(item.use_count() == 3);
      }
      CHECK(item.use_count() == 1);
    });
  }

  // --- waiting ------------------------------------------------------------

  TEST_CASE("an empty queue suspends the getter until an item comes") {
    in_hub([] {
      queue<int> numbers;
      trace order;
      const auto getter = spawn([&] {
        order.push_back("get");
        order.push_back("got " + std::to_string(numbers.get()));
      });
      yield();
      order.push_back("put");
      numbers.put(7);
      order.push_back("put is back");
      getter.join();
      CHECK(order == trace{"get", "put", "put is back", "got 7"});
    });
  }

  TEST_CASE("a full queue suspends the putter until an item is taken") {
    in_hub([] {
      queue<int> numbers{2};
      trace order;
      const auto putter = spawn([&] {
        for (int i = 0; i < 4; ++i) {
          numbers.put(i);
          order.push_back("put " + std::to_string(i));
        }
      });
      yield();
      CHECK(order == trace{"put 0", "put 1"});
      CHECK(numbers.full());
      CHECK(numbers.get() == 0);
      CHECK(order.size() == 2);
      yield();
      CHECK(order.back() == "put 2");
      CHECK(contents(numbers) == ints{1, 2});
      putter.join();
      CHECK(contents(numbers) == ints{3});
    });
  }

  TEST_CASE("getters are served oldest first") {
    in_hub([] {
      queue<int> numbers;
      std::string order;
      for (char name = 'a'; name <= 'e'; ++name)
        spawn([&, name] { order += name + std::to_string(numbers.get()); });
      yield();
      for (int i = 0; i < 5; ++i)
        numbers.put(i);
      yield();
      CHECK(order == "a0b1c2d3e4");
    });
  }

  TEST_CASE("putters are served oldest first") {
    in_hub([] {
      queue<char> letters{1};
      letters.put('-');
      for (char name = 'a'; name <= 'e'; ++name)
        spawn([&, name] { letters.put(name); });
      yield();
      std::string order;
      for (int i = 0; i < 6; ++i)
        order += letters.get();
      CHECK(order == "-abcde");
    });
  }

  TEST_CASE("three blocked putters all deliver") {
    in_hub([] {
      queue<int> numbers{1};
      numbers.put(0);
      std::vector<any_greenlet> putters;
      for (int i = 1; i <= 3; ++i)
        putters.push_back(spawn([&, i] { numbers.put(i); }));
      yield();
      ints taken;
      const auto getter = spawn([&] {
        for (int i = 0; i < 4; ++i)
          taken.push_back(numbers.get());
      });
      CHECK(joinall(putters).size() == 3);
      getter.join();
      CHECK(taken == ints{0, 1, 2, 3});
      CHECK(numbers.empty());
    });
  }

  TEST_CASE("a putter and a getter take turns when both can go on") {
    in_hub([] {
      queue<int> numbers{3};
      trace order;
      for (int i = 0; i < 3; ++i)
        numbers.put(i);
      for (int i = 3; i < 6; ++i)
        spawn([&, i] {
          numbers.put(i);
          order.push_back("put " + std::to_string(i));
        });
      yield();
      contents(numbers);
      for (int i = 0; i < 3; ++i)
        spawn(spawn_options{.order = start_order::next},
              [&] { order.push_back("got " + std::to_string(numbers.get())); });
      yield();
      yield();
      CHECK(order ==
            trace{"put 3", "got 3", "put 4", "got 4", "put 5", "got 5"});
    });
  }

  TEST_CASE("a putter and a getter that never end let others have a turn") {
    in_hub([] {
      queue<int> numbers{1};
      const auto putter = spawn([&] {
        for (;;)
          numbers.put(1);
      });
      const auto getter = spawn([&] {
        for (;;)
          numbers.get();
      });
      for (int i = 0; i < 10; ++i)
        yield();
      putter.kill();
      getter.kill();
    });
  }

  TEST_CASE("put never switches to the getter it serves") {
    in_hub([] {
      queue<int> numbers;
      trace order;
      for (int i = 0; i < 2; ++i)
        spawn([&, i] {
          order.push_back(std::to_string(i) + ":" +
                          std::to_string(numbers.get()));
        });
      yield();
      numbers.put(10);
      order.push_back("put 10");
      numbers.put(11);
      order.push_back("put 11");
      CHECK(numbers.size() == 2);
      yield();
      CHECK(order == trace{"put 10", "put 11", "0:10", "1:11"});
    });
  }

  TEST_CASE("a blocked item enters the queue in the drain, not in get") {
    in_hub([] {
      queue<int> numbers{1};
      numbers.put(1);
      spawn([&] { numbers.put(2); });
      yield();
      CHECK(numbers.get() == 1);
      CHECK(numbers.size() == 0);
      yield();
      CHECK(numbers.size() == 1);
      CHECK(numbers.get() == 2);
    });
  }

  TEST_CASE("a get that finds an item goes ahead of those that wait") {
    in_hub([] {
      queue<int> numbers;
      int late = 0;
      const auto waiting = spawn([&] { late = numbers.get(); });
      yield();
      numbers.put(1);
      CHECK(numbers.get() == 1);
      yield();
      CHECK(late == 0);
      numbers.put(2);
      waiting.join();
      CHECK(late == 2);
    });
  }

  TEST_CASE("a put that finds room goes ahead of those that wait") {
    in_hub([] {
      queue<int> numbers{1};
      numbers.put(1);
      const auto waiting = spawn([&] { numbers.put(2); });
      yield();
      CHECK(numbers.get() == 1);
      numbers.put(3);
      yield();
      CHECK(waiting.started());
      CHECK(numbers.get() == 3);
      CHECK(numbers.get() == 2);
    });
  }

  TEST_CASE("a getter overtaken by another keeps its place") {
    in_hub([] {
      queue<int> numbers;
      std::string order;
      for (char name = 'a'; name <= 'c'; ++name)
        spawn([&, name] { order += name + std::to_string(numbers.get()); });
      yield();
      for (int i = 0; i < 5; ++i) {
        numbers.put(0);
        numbers.get();
        yield();
      }
      CHECK(order.empty());
      for (int i = 1; i <= 3; ++i)
        numbers.put(i);
      yield();
      CHECK(order == "a1b2c3");
    });
  }

  TEST_CASE("gevent's tutorial: three workers share 24 tasks in turn") {
    in_hub([] {
      queue<int> tasks;
      trace order;
      const auto worker = [&](const std::string& name) {
        while (!tasks.empty()) {
          order.push_back(name + " " + std::to_string(tasks.get()));
          yield();
        }
        order.push_back("quitting");
      };
      spawn([&] {
        for (int i = 1; i < 25; ++i)
          tasks.put(i);
      }).join();
      joinall(std::vector<any_greenlet>{spawn(worker, "steve"),
                                        spawn(worker, "john"),
                                        spawn(worker, "nancy")});
      trace expected;
      const std::array<std::string, 3> names{"steve", "john", "nancy"};
      for (int i = 1; i < 25; ++i)
        expected.push_back(names[(i - 1) % 3] + " " + std::to_string(i));
      expected.insert(expected.end(), 3, "quitting");
      CHECK(order == expected);
    });
  }

  TEST_CASE("gevent's tutorial: a boss waits until a worker is free") {
    in_hub([] {
      queue<int> tasks{3};
      trace order;
      const auto worker = [&](const std::string& name) {
        std::error_code failed;
        while (const auto task = tasks.get(1s, failed)) {
          order.push_back(name + " " + std::to_string(*task));
          yield();
        }
        CHECK(failed == errc::timed_out);
        order.push_back("quitting");
      };
      const auto boss = [&] {
        for (int i = 1; i < 10; ++i)
          tasks.put(i);
        order.push_back("assigned 1");
        for (int i = 10; i < 20; ++i)
          tasks.put(i);
        order.push_back("assigned 2");
      };
      CHECK(time_of([&] {
              joinall(std::vector<any_greenlet>{
                  spawn(boss), spawn(worker, "steve"), spawn(worker, "john"),
                  spawn(worker, "bob")});
            }) == 1s);
      CHECK(order == trace{"steve 1",  "john 2",   "bob 3",      "steve 4",
                           "john 5",   "bob 6",    "assigned 1", "steve 7",
                           "john 8",   "bob 9",    "steve 10",   "john 11",
                           "bob 12",   "steve 13", "john 14",    "bob 15",
                           "steve 16", "john 17",  "bob 18",     "assigned 2",
                           "steve 19", "quitting", "quitting",   "quitting"});
    });
  }

  // --- deadlines ----------------------------------------------------------

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

  TEST_CASE("a getter killed after the put leaves the item to the next") {
    in_hub([] {
      queue<int> numbers;
      int taken = 0;
      const auto first = spawn([&] { taken = numbers.get(); });
      const auto second = spawn([&] { taken = 10 * numbers.get(); });
      yield();
      numbers.put(1);
      first.kill();
      CHECK(first.killed());
      second.join();
      CHECK(taken == 10);
    });
  }

  TEST_CASE("a getter killed by a greenlet that runs before the hand-on") {
    in_hub([] {
      queue<int> numbers;
      int taken = 0;
      const auto first = spawn([&] { taken = numbers.get(); });
      yield();
      spawn([&] { first.kill_soon(); });
      numbers.put(1);
      first.join();
      CHECK(first.killed());
      CHECK(taken == 0);
      CHECK(contents(numbers) == ints{1});
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

  TEST_CASE("a killed putter adds nothing and the next takes its place") {
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
        putters[0].kill();
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

  // --- outside greenlets --------------------------------------------------

  TEST_CASE("a hub callback may use the try_ forms but not wait") {
    in_hub([] {
      queue<int> numbers{1};
      ints taken;
      const auto getter = spawn([&] { taken.push_back(numbers.get()); });
      yield();
      asio::post(hub::current().context(), [&] {
        CHECK_THROWS_AS(numbers.get(), wait_refused);
        CHECK(numbers.try_put(1));
        CHECK_FALSE(numbers.try_put(2));
        CHECK_THROWS_AS(numbers.put(2), wait_refused);
      });
      getter.join();
      CHECK(taken == ints{1});
      CHECK(numbers.empty());
      bool empty = false;
      hub::current().post([&] { empty = !numbers.try_get(); });
      idle();
      CHECK(empty);
    });
  }

  TEST_CASE("a callback may take the item that a getter was woken for") {
    in_hub([] {
      queue<int> numbers;
      ints taken;
      const auto getter = spawn([&] { taken.push_back(numbers.get()); });
      yield();
      hub::current().post([&] {
        numbers.try_put(1);
        CHECK(numbers.try_get() == 1);
        numbers.try_put(2);
      });
      getter.join();
      CHECK(taken == ints{2});
    });
  }

  TEST_CASE("a queue refuses the thread of another hub") {
    in_hub([] {
      queue<int> numbers{1};
      std::thread([&] { CHECK_THROWS_AS(numbers.get(), wrong_hub); }).join();
      numbers.put(1);
      std::thread([&] {
        CHECK_THROWS_AS(numbers.put(2), wrong_hub);
#ifndef NDEBUG
        CHECK_THROWS_AS(numbers.get(), wrong_hub);
        CHECK_THROWS_AS(numbers.try_get(), wrong_hub);
#endif
      }).join();
      CHECK(contents(numbers) == ints{1});
    });
  }

  TEST_CASE("the try_ forms never wait and leave a refused item alone") {
    in_hub([] {
      const no_wait guard;
      queue<std::string> texts{1};
      CHECK_FALSE(texts.try_get());
      std::string first = "first";
      CHECK(texts.try_put(first));
      CHECK(first == "first");
      std::string second = "second";
      CHECK_FALSE(texts.try_put(std::move(second)));
      CHECK(second == "second");
      CHECK(texts.try_get() == "first");
    });
  }

  TEST_CASE("waiting on a queue in a no_wait scope is refused") {
    in_hub([] {
      queue<int> numbers{1};
      const no_wait guard;
      CHECK_THROWS_AS(numbers.get(), wait_refused);
      numbers.put(1);
      CHECK_THROWS_AS(numbers.put(2), wait_refused);
      CHECK(numbers.get() == 1);
    });
  }

  TEST_CASE("a deadlock report names the queue call") {
    in_hub([] {
      queue<int> numbers{1};
      CHECK(error_of([&] { numbers.get(); }).find("queue::get") !=
            std::string::npos);
      numbers.put(1);
      CHECK(error_of([&] { numbers.put(2); }).find("queue::put") !=
            std::string::npos);
      CHECK(contents(numbers) == ints{1});
    });
  }

  // --- the end of the queue -----------------------------------------------

  TEST_CASE("a queue destroyed while waited on wakes everybody") {
    in_hub([] {
      auto numbers = std::make_unique<queue<int>>(1);
      trace errors;
      const auto get = [&] {
        errors.push_back(error_of([&] { numbers->get(); }));
      };
      const auto put = [&] {
        errors.push_back(error_of([&] { numbers->put(1); }));
      };
      SUBCASE("when getters wait") {
        spawn(get);
        spawn(get);
      }
      SUBCASE("when putters wait") {
        numbers->put(0);
        spawn(put);
        spawn(put);
      }
      yield();
      numbers.reset();
      yield();
      REQUIRE(errors.size() == 2);
      for (const std::string& error : errors)
        CHECK(error.find("destroyed while waited on") != std::string::npos);
    });
  }

  TEST_CASE("a queue may be destroyed with an item about to be handed on") {
    in_hub([] {
      auto numbers = std::make_unique<queue<int>>();
      std::string error;
      spawn([&] { error = error_of([&] { numbers->get(); }); });
      yield();
      numbers->put(1);
      numbers.reset();
      yield();
      CHECK(error.find("destroyed while waited on") != std::string::npos);
    });
  }

  TEST_CASE("a queue may be destroyed by a callback that runs just before the "
            "getter it woke") {
    // Callbacks come between two items of ready work every 64 items: try
    // every offset.
    for (int before = 0; before < 70; ++before)
      in_hub([&] {
        auto numbers = std::make_unique<queue<int>>();
        std::string error = "none";
        int taken = 0;
        spawn([&] { error = error_of([&] { taken = numbers->get(); }); });
        yield();
        for (int i = 0; i < before; ++i)
          spawn([] {});
        spawn([&] { hub::current().post([&] { numbers.reset(); }); });
        numbers->put(1);
        idle();
        if (taken == 1)
          CHECK(error == "");
        else
          CHECK(error.find("destroyed while waited on") != std::string::npos);
      });
  }

  TEST_CASE("a queue may be destroyed before those run whose deadline passed") {
    in_hub([] {
      auto full = std::make_unique<queue<int>>(1);
      auto drained = std::make_unique<queue<int>>();
      full->put(1);
      auto destroyer = spawn([&] {
        sleep(1s);
        full.reset();
        drained.reset();
      });
      std::error_code put_failed, get_failed, peek_failed;
      auto putter = spawn([&] { full->put(2, 1s, put_failed); });
      auto getter = spawn([&] { drained->get(1s, get_failed); });
      auto peeker = spawn([&] { drained->peek(1s, peek_failed); });
      joinall(std::vector<any_greenlet>{destroyer, putter, getter, peeker});
      CHECK(put_failed == errc::timed_out);
      CHECK(get_failed == errc::timed_out);
      CHECK(peek_failed == errc::timed_out);
    });
  }

  TEST_CASE("the getter may destroy the queue it was served by") {
    in_hub([] {
      auto numbers = std::make_unique<queue<int>>();
      int taken = 0;
      spawn([&] {
        taken = numbers->get();
        numbers.reset();
      });
      yield();
      numbers->put(1);
      numbers->put(2);
      yield();
      CHECK(taken == 1);
      CHECK_FALSE(numbers);
    });
  }

  // --- items that throw ---------------------------------------------------

  TEST_CASE("an item that throws when moved is delivered once or is still "
            "there") {
    const auto take_by_get = [](queue<fragile>& from) {
      return std::optional<fragile>{std::in_place, from.get()};
    };
    const auto take_by_error_form = [](queue<fragile>& from) {
      std::error_code failed;
      return from.get({}, failed);
    };
    const auto take_by_try = [](queue<fragile>& from) {
      return from.try_get();
    };
    const auto check = [](auto take) {
      for (int strike = 1; strike < 6; ++strike) {
        CAPTURE(strike);
        queue<fragile> items{1};
        items.try_put(fragile{1});
        fragile::countdown = strike;
        std::optional<int> taken;
        try {
          taken = take(items)->id;
        } catch (const std::runtime_error&) {
        }
        fragile::countdown = 0;
        CHECK(items.size() == (taken ? 0 : 1));
        if (taken) CHECK(taken == 1);
      }
    };
    in_hub([&] {
      check(take_by_error_form);
      check(take_by_try);
      queue<fragile> items{1};
      items.try_put(fragile{1});
      fragile::countdown = 1;
      CHECK_THROWS_AS(take_by_get(items), std::runtime_error);
      CHECK(items.size() == 1);
      fragile::countdown = 0;
    });
  }

  TEST_CASE("a getter whose item throws leaves it to the next getter") {
    in_hub([] {
      queue<fragile> items;
      std::string order;
      const auto first =
          spawn([&] { order += error_of([&] { items.get(); }); });
      const auto second =
          spawn([&] { order += " then " + std::to_string(items.get().id); });
      yield();
      items.try_put(fragile{5});
      fragile::countdown = 1;
      yield();
      CHECK(order == "std::runtime_error: it broke then 5");
      first.join();
      second.join();
    });
  }

  TEST_CASE("a putter whose item throws makes way for the next putter") {
    in_hub([] {
      queue<fragile> items{1};
      items.try_put(fragile{0});
      std::string error;
      spawn([&] { error = error_of([&] { items.put(fragile{1}); }); });
      spawn([&] { items.put(fragile{2}); });
      yield();
      CHECK(items.get().id == 0);
      fragile::countdown = 1;
      yield();
      CHECK(error == "std::runtime_error: it broke");
      CHECK(items.size() == 1);
      CHECK(items.get().id == 2);
      CHECK(items.empty());
    });
  }
}
