#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

std::exception_ptr failure(const char* text) {
  return std::make_exception_ptr(std::runtime_error(text));
}

} // namespace

TEST_SUITE("mailbox") {
  TEST_CASE("a result is waited for and then read any number of times") {
    in_hub([] {
      async_result<std::string> answer;
      CHECK_FALSE(answer.ready());
      CHECK_FALSE(answer.successful());
      spawn([=]() mutable {
        sleep(3s);
        answer.set("Hello!");
      });
      CHECK(time_of([&] { CHECK(answer.get() == "Hello!"); }) == 3s);
      CHECK(answer.get() == "Hello!");
      CHECK(answer.ready());
      CHECK(answer.successful());
      CHECK_FALSE(answer.exception());
    });
  }

  TEST_CASE("an exception set is thrown in every reader") {
    in_hub([] {
      async_result<int> answer;
      std::string errors;
      for (int i = 0; i < 2; ++i)
        spawn([&] { errors += error_of([&] { answer.get(); }) + ";"; });
      yield();
      answer.set_exception(failure("no luck"));
      yield();
      CHECK(errors ==
            "std::runtime_error: no luck;std::runtime_error: no luck;");
      CHECK(answer.ready());
      CHECK_FALSE(answer.successful());
      CHECK(describe(answer.exception()) == "std::runtime_error: no luck");
      CHECK(answer.wait());
    });
  }

  TEST_CASE("the same exception object is thrown each time") {
    in_hub([] {
      async_result<void> answer;
      answer.set_exception(failure("one"));
      const std::exception* first = nullptr;
      for (int i = 0; i < 2; ++i)
        try {
          answer.get();
        } catch (const std::exception& caught) {
          CHECK((!first || first == &caught));
          first = &caught;
        }
      CHECK(first);
    });
  }

  TEST_CASE("a second value overwrites the first") {
    in_hub([] {
      async_result<int> answer;
      int seen = 0;
      spawn([&] { seen = answer.get(); });
      yield();
      answer.set(1);
      answer.set(2);
      yield();
      CHECK(seen == 2);
      CHECK(answer.get() == 2);
    });
  }

  TEST_CASE("a second exception overwrites the first") {
    in_hub([] {
      async_result<int> answer;
      answer.set_exception(failure("one"));
      answer.set_exception(failure("two"));
      CHECK(error_of([&] { answer.get(); }) == "std::runtime_error: two");
    });
  }

  TEST_CASE("a value wins over an exception in either order") {
    in_hub([] {
      async_result<int> first;
      first.set(1);
      first.set_exception(failure("late"));
      CHECK(first.get() == 1);
      CHECK_FALSE(first.exception());

      async_result<int> second;
      second.set_exception(failure("early"));
      second.set(2);
      CHECK(second.get() == 2);
      CHECK_FALSE(second.exception());
    });
  }

  TEST_CASE("a missing exception is refused") {
    in_hub([] {
      async_result<int> answer;
      CHECK_THROWS_AS(answer.set_exception({}), std::invalid_argument);
      CHECK_FALSE(answer.ready());
    });
  }

  TEST_CASE("a value that throws while it replaces another fails the result") {
    struct brittle {
      explicit brittle(bool is_broken) : broken(is_broken) {}
      brittle(const brittle&) = default;
      brittle(brittle&& other) : broken(other.broken) {
        if (broken) throw std::runtime_error("it broke");
      }
      bool broken;
    };
    in_hub([] {
      async_result<brittle> answer;
      brittle broken{true};
      CHECK(error_of([&] { answer.set(broken); }) ==
            "std::runtime_error: it broke");
      CHECK_FALSE(answer.ready());
      answer.set(brittle{false});
      CHECK(answer.successful());
      CHECK(error_of([&] { answer.set(broken); }) ==
            "std::runtime_error: it broke");
      CHECK(answer.ready());
      CHECK_FALSE(answer.successful());
      CHECK(error_of([&] { answer.get(); }) == "std::runtime_error: it broke");
    });
  }

  TEST_CASE("many readers wake oldest first, and set does not switch") {
    in_hub([] {
      async_result<int> answer;
      std::string order;
      for (char name = 'a'; name <= 'e'; ++name)
        spawn([&, name] { order += name + std::to_string(answer.get()); });
      yield();
      answer.set(7);
      order += "set ";
      yield();
      CHECK(order == "set a7b7c7d7e7");
    });
  }

  TEST_CASE("get and wait give up at their deadline") {
    in_hub([] {
      async_result<int> answer;
      CHECK(time_of([&] { CHECK_FALSE(answer.wait(1s)); }) == 1s);
      CHECK(time_of([&] {
              CHECK(error_of([&] { answer.get(2s); }) ==
                    "std::system_error: async_result::get: timed out");
            }) == 2s);
      CHECK_THROWS_AS(answer.take(1s), std::system_error);
      answer.set(1); // nobody is disturbed by it
      CHECK(answer.get(0s) == 1);
    });
  }

  TEST_CASE("a killed reader leaves the others waiting in order") {
    in_hub([] {
      async_result<int> answer;
      std::string order;
      const auto reader = [&](char name) {
        return spawn(
            [&, name] { order += name + std::to_string(answer.get()); });
      };
      reader('a');
      const auto victim = reader('b');
      reader('c');
      yield();
      victim.kill();
      CHECK(victim.killed());
      answer.set(1);
      yield();
      CHECK(order == "a1c1");
    });
  }

  TEST_CASE("a timeout around get is thrown there") {
    in_hub([] {
      async_result<int> answer;
      CHECK_FALSE(timeout{1s}.run([&] { answer.get(); }));
      answer.set(1);
      CHECK(timeout{1s}.run([&] { CHECK(answer.get() == 1); }));
    });
  }

  TEST_CASE("copies refer to the same result") {
    in_hub([] {
      async_result<int> first;
      const async_result<int> second = first;
      async_result<int> other;
      CHECK(first == second);
      CHECK(first != other);
      first.set(1);
      CHECK(second.get() == 1);
      other = first;
      CHECK(other.get() == 1);
      other = std::move(first);
      CHECK(other == second);
    });
  }

  TEST_CASE("the value ends with the last copy") {
    in_hub([] {
      const auto value = std::make_shared<int>(1);
      {
        async_result<std::shared_ptr<int>> answer;
        const auto copy = answer;
        answer.set(value);
        CHECK(value.use_count() == 2);
      }
      CHECK(value.use_count() == 1);
    });
  }

  TEST_CASE("a reader whose result loses its last copy is told") {
    in_hub([] {
      auto answer = std::make_unique<async_result<int>>();
      std::string error;
      for (int i = 0; i < 2; ++i)
        spawn([&] { error += error_of([&] { answer->get(); }) + ";"; });
      yield();
      answer.reset();
      yield();
      const std::string each = "std::system_error: async_result: the object "
                               "was destroyed while waited on;";
      CHECK(error == each + each);
    });
  }

  TEST_CASE("a value set just before the last copy goes is still read") {
    in_hub([] {
      auto answer = std::make_unique<async_result<std::string>>();
      std::string read;
      for (int i = 0; i < 2; ++i)
        spawn([&] { read += answer->get(); });
      yield();
      answer->set("a text longer than the small buffer of a string;");
      answer.reset();
      yield();
      CHECK(read == "a text longer than the small buffer of a string;"
                    "a text longer than the small buffer of a string;");
    });
  }

  TEST_CASE("an exception set just before the last copy goes is thrown") {
    in_hub([] {
      auto answer = std::make_unique<async_result<void>>();
      std::string error;
      spawn([&] { error = error_of([&] { answer->get(); }); });
      yield();
      answer->set_exception(failure("late"));
      answer.reset();
      yield();
      CHECK(error == "std::runtime_error: late");
    });
  }

  TEST_CASE("a reader killed or timed out after the last copy went") {
    in_hub([] {
      auto answer = std::make_unique<async_result<int>>();
      const auto killed = spawn([&] { answer->get(); });
      std::string error;
      spawn([&] { error = error_of([&] { answer->get(1s); }); });
      yield();
      answer->set(1);
      answer.reset();
      killed.kill_soon();
      yield();
      CHECK(error == "");
      CHECK(killed.successful());
    });
  }

  TEST_CASE("a result without a value only says when") {
    in_hub([] {
      async_result<void> done;
      spawn_later(1s, [done]() mutable { done.set(); });
      CHECK(time_of([&] { done.get(); }) == 1s);
      CHECK(done.successful());
      done.get();
    });
  }

  TEST_CASE("a value that can only be moved is taken") {
    in_hub([] {
      async_result<std::unique_ptr<int>> answer;
      spawn_later(1s, [=]() mutable { answer.set(std::make_unique<int>(3)); });
      const std::unique_ptr<int> taken = answer.take();
      CHECK(*taken == 3);
      answer.set_exception(failure("late"));
      CHECK(answer.successful());

      async_result<std::unique_ptr<int>> failed;
      failed.set_exception(failure("no luck"));
      CHECK_THROWS_AS(failed.take(), std::runtime_error);
    });
  }

  TEST_CASE("a hub callback may set a result and read a ready one") {
    in_hub([] {
      async_result<int> answer;
      asio::post(hub::current().context(), [&] {
        CHECK_THROWS_AS(answer.get(), wait_refused);
        answer.set(1);
        CHECK(answer.get() == 1);
      });
      CHECK(answer.get() == 1);
    });
  }

  // GEVENT.md 3.2, 11
  TEST_CASE("a result linked to a greenlet takes over its value") {
    in_hub([] {
      const auto worker = spawn([] { return 100; });
      async_result<int> answer;
      worker.link(answer);
      CHECK(answer.get() == 100);
      for (int i = 0; i < 3; ++i) {
        async_result<int> late;
        worker.link(late);
        CHECK_FALSE(late.ready());
        CHECK(late.get() == 100);
      }
      async_result<void> end;
      worker.link(end);
      end.get();
    });
  }

  // GEVENT.md 3.2, 11
  TEST_CASE("a result linked to a greenlet takes over its exception object") {
    in_hub([] {
      const auto worker =
          spawn([]() -> int { throw std::runtime_error("no luck"); });
      async_result<int> answer;
      worker.link(answer);
      CHECK(error_of([&] { answer.get(); }) == "std::runtime_error: no luck");
      CHECK(answer.exception() == worker.exception());
      async_result<void> late;
      worker.link(late);
      CHECK_THROWS_AS(late.get(), std::runtime_error);
      CHECK(late.exception() == worker.exception());
    });
  }

  TEST_CASE("a result linked to a killed greenlet fails") {
    in_hub([] {
      const auto worker = spawn({.name = "victim"}, [] { return 1; });
      async_result<int> answer;
      worker.link(answer);
      worker.kill();
      CHECK(error_of([&] { answer.get(); }) ==
            "std::system_error: greenlet 'victim': the greenlet was killed");
    });
  }

  TEST_CASE("a result linked to a greenlet of another type fails") {
    in_hub([] {
      const auto worker = spawn({.name = "poet"}, [] { return "a text"; });
      async_result<int> answer;
      worker.link(answer);
      CHECK(error_of([&] { answer.get(); }) ==
            "std::invalid_argument: async_result: greenlet 'poet', which it is "
            "linked to, returns something else");
    });
  }

  TEST_CASE("a greenlet's link can set a result") {
    in_hub([] {
      async_result<bool> answer;
      const auto worker = spawn([] { sleep(1s); });
      worker.link([answer](greenlet_base& ended) mutable {
        answer.set(ended.successful());
      });
      CHECK(answer.get());
    });
  }

  TEST_CASE("a deadlock report names the result waited for") {
    in_hub([] {
      async_result<int> answer;
      CHECK(error_of([&] { answer.get(); }).find("async_result") !=
            std::string::npos);
      answer.set(2);
      CHECK(answer.get() == 2);
    });
  }
}
