#include "hub/support.hpp"
#include "mailbox/fragile.hpp"
#include "mailbox/queue_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/lifo_queue.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;
using test::contents;
using test::error_of;
using test::fragile;
using test::in_hub;
using test::ints;

TEST_SUITE("mailbox") {
  TEST_CASE("a lifo_queue gives the newest item first, and shows it") {
    in_hub([] {
      lifo_queue<int> numbers;
      for (int i = 0; i < 100; ++i)
        numbers.put(i);
      CHECK(numbers.peek() == 99);
      CHECK(*numbers.try_peek() == 99);
      numbers.pop();
      for (int i = 98; i >= 0; --i)
        CHECK(numbers.get() == i);
      CHECK(numbers.try_peek() == nullptr);
    });
  }

  TEST_CASE("greenlets that wait on a lifo_queue are served oldest first") {
    in_hub([] {
      lifo_queue<int> numbers{2};
      std::string order;
      for (const char name : {'a', 'b'})
        spawn([&, name] { order += name + std::to_string(numbers.get()); });
      yield();
      numbers.put(1);
      numbers.put(2);
      spawn([&] { numbers.put(3); });
      spawn([&] { numbers.put(4); });
      yield();
      yield();
      CHECK(order == "a2b1");
      CHECK(contents(numbers) == ints{4, 3});
    });
  }

  TEST_CASE("a lifo_queue names itself in what it throws") {
    in_hub([] {
      lifo_queue<int> numbers{1};
      numbers.put(1);
      CHECK(error_of([&] { numbers.put(2, 1s); }) ==
            "std::system_error: lifo_queue::put: timed out");
      numbers.pop();
      CHECK(error_of([&] { numbers.get(1s); }) ==
            "std::system_error: lifo_queue::get: timed out");
      CHECK_THROWS_WITH_AS(lifo_queue<int>{-2},
                           "lifo_queue: a capacity of -2 items",
                           std::invalid_argument);
    });
  }

  TEST_CASE("a lifo_queue holds what can only be moved, well aligned") {
    struct alignas(64) line {
      std::unique_ptr<int> number;
      std::array<std::uint64_t, 7> rest{};
    };
    in_hub([] {
      lifo_queue<line> lines;
      for (int i = 0; i < 20; ++i)
        lines.put(line{std::make_unique<int>(i)});
      for (int i = 19; i >= 0; --i) {
        CHECK(reinterpret_cast<std::uintptr_t>(lines.try_peek()) % 64 == 0);
        CHECK(*lines.get().number == i);
      }
      lines.put(line{std::make_unique<int>(1)}); // ends with the queue
    });
  }

  TEST_CASE("an item of a lifo_queue whose move throws is where it was") {
    in_hub([] {
      lifo_queue<fragile> items;
      items.put(fragile{0});
      for (int strike = 1; strike <= 3; ++strike) {
        CAPTURE(strike);
        fragile item{strike};
        fragile::countdown = 1;
        CHECK_THROWS_AS(items.put(std::move(item)), std::runtime_error);
        CHECK(item.id == strike);
        CHECK(items.size() == 1);
        fragile::countdown = 1;
        CHECK_THROWS_AS(items.try_get(), std::runtime_error);
        CHECK(items.try_peek()->id == 0);
        CHECK(items.size() == 1);
      }
      CHECK(items.unfinished() == 1);
    });
  }
}
