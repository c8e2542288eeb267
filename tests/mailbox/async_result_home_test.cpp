// Results whose home hub has ended.

#include "hub/beside.hpp"
#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace greenroom;
using test::beside;
using test::error_of;
using test::in_hub;
using test::mentions;

namespace {

std::exception_ptr failure(const char* text) {
  return std::make_exception_ptr(std::runtime_error(text));
}

/// A result whose home hub has ended, after `prepare` was given it there.
template <class Value, class Prepare>
async_result<Value> stranded(Prepare prepare) {
  std::optional<async_result<Value>> made;
  std::thread([&] { prepare(made.emplace()); }).join();
  return std::move(*made);
}

/// Says whether two threads ever read from the same one at once.
struct turnstile {
  turnstile() = default;
  turnstile(const turnstile& other) : crowded(other.crowded) { pass(other); }
  turnstile(turnstile&& other) noexcept : crowded(other.crowded) {
    pass(other);
  }
  static void pass(const turnstile& source) {
    if (++source.readers > 1) *source.crowded = true;
    for (int i = 0; i < 100; ++i) // so that another comes, if it may
      std::this_thread::yield();
    --source.readers;
  }

  mutable std::atomic<int> readers{0};
  std::shared_ptr<std::atomic<bool>> crowded =
      std::make_shared<std::atomic<bool>>(false);
};

} // namespace

TEST_SUITE("mailbox") {
  // --- home ends ------------------------------------------------------------

  TEST_CASE("a value outlives its home") {
    in_hub([] {
      auto answer = stranded<std::shared_ptr<int>>(
          [](auto& made) { made.set(std::make_shared<int>(8)); });
      CHECK(answer.ready());
      CHECK(answer.wait());
      CHECK(*answer.get() == 8);
      CHECK_FALSE(answer.exception());
      answer.set(nullptr); // too late: nobody sees to it
      CHECK(*answer.get() == 8);
      const std::weak_ptr<int> value = answer.take();
      CHECK(value.expired());

      auto failed = stranded<int>(
          [](auto& made) { made.set_exception(failure("no luck")); });
      CHECK(error_of([&] { failed.get(); }) == "std::runtime_error: no luck");
      CHECK(describe(failed.exception()) == "std::runtime_error: no luck");
    });
  }

  TEST_CASE("threads that read after home has ended take turns") {
    const turnstile value;
    const auto answer =
        stranded<turnstile>([&](auto& made) { made.set(value); });
    std::vector<std::thread> others;
    for (int i = 0; i < 4; ++i)
      others.emplace_back([copy = answer]() mutable {
        for (int n = 0; n < 20; ++n)
          copy.get();
        copy.take();
      });
    for (std::thread& each : others)
      each.join();
    CHECK_FALSE(*value.crowded);
  }

  TEST_CASE("a result not set when its home ended never will be") {
    in_hub([] {
      auto answer = stranded<int>([](auto&) {});
      answer.set(1);
      answer.set_exception(failure("late"));
      CHECK_FALSE(answer.ready());
      CHECK(error_of([&] { answer.get(); }) ==
            "std::system_error: async_result::get: the object was destroyed "
            "while waited on");
      CHECK_THROWS_AS(answer.wait(), std::system_error);
      CHECK_THROWS_AS(answer.take(), std::system_error);
    });
  }

  TEST_CASE("a later hub in the same seat is not home") {
    auto answer = stranded<int>([](auto&) {});
    for (int i = 0; i < 10; ++i)
      std::thread([copy = answer]() mutable {
        hub::current();
        copy.set(1);
        idle();
        CHECK_FALSE(copy.ready());
        CHECK_THROWS_AS(copy.get(), std::system_error);
      }).join();
  }

  TEST_CASE("those who wait elsewhere are told when home ends") {
    in_hub([] {
      for (const bool arrived : {true, false}) {
        std::promise<async_result<int>> made;
        std::promise<void> waiting;
        std::thread home([&] {
          async_result<int> answer;
          made.set_value(answer);
          waiting.get_future().get();
          if (arrived) idle();
        });
        const auto answer = made.get_future().get();
        std::vector<greenlet<std::string>> readers;
        for (int i = 0; i < 3; ++i)
          readers.push_back(
              spawn([&] { return error_of([&] { answer.get(); }); }));
        const auto killed = spawn([&] { answer.get(); });
        yield();
        killed.kill();
        waiting.set_value();
        for (const auto& each : readers)
          CHECK(mentions(each.get(), "destroyed while waited on"));
        home.join();
      }
    });
  }

  TEST_CASE("a value is freed by the last copy after its home has ended") {
    const auto value = std::make_shared<int>(1);
    {
      const auto answer =
          stranded<std::shared_ptr<int>>([&](auto& made) { made.set(value); });
      std::vector<std::thread> others;
      for (int i = 0; i < 4; ++i)
        others.emplace_back([answer] {
          for (int n = 0; n < 1000; ++n) {
            auto copy = answer;
            const auto other = std::move(copy);
          }
        });
      for (std::thread& each : others)
        each.join();
      CHECK(value.use_count() == 2);
    }
    CHECK(value.use_count() == 1);
  }

  TEST_CASE("what was on its way when home ended is freed") {
    const auto value = std::make_shared<int>(1);
    {
      std::promise<async_result<std::shared_ptr<int>>> made;
      std::promise<void> sent;
      std::thread home([&] {
        made.set_value({});
        sent.get_future().get(); // blocks the thread: nothing is seen to
      });
      {
        auto answer = made.get_future().get();
        answer.set(value);
        auto copy = answer;
      }
      sent.set_value();
      home.join();
    }
    CHECK(value.use_count() == 1);
  }

  TEST_CASE("a greenlet abandoned in get keeps the result, harmlessly") {
    std::optional<async_result<int>> answer;
    test::in_hub(
        [&] {
          answer.emplace();
          spawn([copy = *answer] { copy.get(); });
          spawn([&] { answer->get(); });
          yield();
        },
        test::leftovers::allowed);
    CHECK_FALSE(answer->ready());
    answer.reset();
  }

  TEST_CASE("a reader whose own hub ends is forgotten") {
    in_hub([] {
      async_result<int> answer;
      const auto quiet = test::captured_log::active;
      CHECK(quiet);
      beside([answer] {
        spawn([answer] { answer.get(); });
        yield();
      }).join();
      idle();
      answer.set(1);
      CHECK(answer.get() == 1);
    });
  }
}
