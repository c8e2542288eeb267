#include "hub/support.hpp"
#include "mailbox/fragile.hpp"
#include "mailbox/queue_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;
using test::contents;
using test::error_of;
using test::fragile;
using test::in_hub;
using test::ints;

TEST_SUITE("mailbox") {
  TEST_CASE("peek shows the next item and leaves it") {
    in_hub([] {
      queue<std::string> texts;
      texts.put("hi");
      CHECK(texts.peek() == "hi");
      CHECK(*texts.try_peek() == "hi");
      CHECK(texts.size() == 1);
      CHECK(texts.unfinished() == 1);
      CHECK(texts.get() == "hi");
      CHECK(texts.try_peek() == nullptr);
    });
  }

  TEST_CASE("what can only be moved is looked at in its place") {
    in_hub([] {
      queue<std::unique_ptr<int>> boxes;
      boxes.put(std::make_unique<int>(1));
      CHECK(**boxes.try_peek() == 1);
      CHECK(*boxes.get() == 1);
    });
  }

  // GEVENT.md 3.2, 36
  TEST_CASE("peek at an empty queue waits, and gives up as get does") {
    in_hub([] {
      queue<int> numbers;
      CHECK_THROWS_AS(numbers.peek(), loop_exit);
      CHECK(error_of([&] { numbers.peek(1s); }) ==
            "std::system_error: queue::peek: timed out");
      std::error_code failed;
      CHECK_FALSE(numbers.peek(1s, failed));
      CHECK(failed == errc::timed_out);
      spawn_later(1s, [&] { numbers.put(5); });
      CHECK(numbers.peek(2s, failed) == 5);
      CHECK_FALSE(failed);
      CHECK(contents(numbers) == ints{5});
    });
  }

  TEST_CASE("a peeker and the getter behind it both see the item") {
    in_hub([] {
      queue<int> numbers;
      std::string order;
      spawn([&] { order += "peeked " + std::to_string(numbers.peek()); });
      spawn([&] { order += " got " + std::to_string(numbers.get()); });
      yield();
      numbers.put(1);
      yield();
      CHECK(order == "peeked 1 got 1");
    });
  }

  TEST_CASE("a peeker behind a getter waits for the next item") {
    in_hub([] {
      queue<int> numbers;
      std::string order;
      spawn([&] { order += "got " + std::to_string(numbers.get()); });
      spawn([&] { order += " peeked " + std::to_string(numbers.peek()); });
      yield();
      numbers.put(1);
      yield();
      CHECK(order == "got 1");
      numbers.put(2);
      yield();
      CHECK(order == "got 1 peeked 2");
      CHECK(contents(numbers) == ints{2});
    });
  }

  TEST_CASE("a peeker whose copy throws leaves the item to the getters") {
    in_hub([] {
      queue<fragile> items;
      std::string order;
      spawn([&] { order += error_of([&] { items.peek(); }); });
      spawn([&] { order += " then " + std::to_string(items.get().id); });
      yield();
      items.try_put(fragile{5});
      fragile::countdown = 1;
      yield();
      CHECK(order == "std::runtime_error: it broke then 5");
    });
  }
}
