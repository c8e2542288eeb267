#include "hub/support.hpp"
#include "mailbox/queue_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <optional>
#include <string>
#include <thread>
#include <utility>

using namespace greenroom;
using test::contents;
using test::error_of;
using test::in_hub;
using test::ints;

TEST_SUITE("mailbox") {
  // GEVENT.md 3.2, 34
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

  // GEVENT.md 3.2, 34
  TEST_CASE("a hub callback that takes lets a blocked putter in") {
    in_hub([] {
      queue<int> numbers{1};
      numbers.put(1);
      const auto putter = spawn([&] { numbers.put(2); });
      yield();
      std::optional<int> taken;
      hub::current().post([&] { taken = numbers.try_get(); });
      putter.join();
      CHECK(taken == 1);
      CHECK(contents(numbers) == ints{2});
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
}
