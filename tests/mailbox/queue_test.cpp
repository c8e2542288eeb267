#include "hub/support.hpp"
#include "mailbox/queue_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::contents;
using test::in_hub;
using test::ints;
using test::time_of;
using test::trace;

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
      CHECK_THROWS_WITH_AS(queue<int>{-1}, "queue: a capacity of -1 items",
                           std::invalid_argument);
      CHECK_THROWS_AS(queue<int>{std::size_t{0}}, std::invalid_argument);
      CHECK(queue<int>{std::size_t{3}}.capacity() == 3);
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

  // GEVENT.md 3.2, 33
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
      CHECK(order == trace{"put 0", "put 1", "put 2"});
      CHECK(contents(numbers) == ints{1, 2});
      putter.join();
      CHECK(contents(numbers) == ints{3});
    });
  }

  // GEVENT.md 3.2, 40
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

  // GEVENT.md 3.2, 12
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
}
