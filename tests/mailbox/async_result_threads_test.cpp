#include "hub/beside.hpp"
#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::beside;
using test::error_of;
using test::in_hub;
using test::mentions;

namespace {

std::exception_ptr failure(const char* text) {
  return std::make_exception_ptr(std::runtime_error(text));
}

/// Time stands while anything can run; then deadlines pass at once.
void use_virtual_clock() {
  hub::current().use_clock(clock_kind::virtual_time);
}

/// Says at the thread where it is copied or moved whether that is allowed.
struct brittle {
  brittle() = default;
  brittle(const brittle& other) { copy(other); }
  brittle(brittle&& other) {
    fails_to_move = other.fails_to_move;
    fails_to_copy = other.fails_to_copy;
    if (--fails_to_move == 0) throw std::runtime_error("it broke in moving");
  }
  void copy(const brittle& other) {
    fails_to_copy = other.fails_to_copy;
    if (fails_to_copy) throw std::runtime_error("it broke in copying");
  }
  int fails_to_move = 0; // at which move
  bool fails_to_copy = false;
};

} // namespace

TEST_SUITE("mailbox") {
  // GEVENT.md 3.2, 46
  TEST_CASE("a result set on another thread wakes its waiter at home") {
    test::in_hub_on(clock_kind::real, [] {
      for (const deadline until : {deadline::never(), deadline{1h}}) {
        async_result<std::string> answer;
        async_result<std::string> failed;
        beside other([=]() mutable {
          answer.set("a text too long for the string itself");
          failed.set_exception(failure("no luck"));
        });
        const work_guard outside;
        CHECK(answer.get(until) == "a text too long for the string itself");
        CHECK(error_of([&] { failed.get(until); }) ==
              "std::runtime_error: no luck");
        other.join();
      }
    });
  }

  // GEVENT.md 3.2, 46
  TEST_CASE("a result set at home wakes its waiters on other threads") {
    in_hub([] {
      async_result<std::string> answer;
      std::atomic<int> read{0};
      std::atomic<int> asked{0};
      const auto reader = [answer, &read, &asked] {
        const auto in_background = spawn([&] {
          ++asked;
          if (answer.get() == "a text too long for the string itself") ++read;
        });
        ++asked;
        if (answer.get() == "a text too long for the string itself") ++read;
        in_background.join();
      };
      beside first(reader);
      beside second(reader);
      {
        const work_guard outside;
        while (asked < 4)
          yield();
      }
      answer.set("a text too long for the string itself");
      first.join();
      second.join();
      CHECK(read == 4);
    });
  }

  TEST_CASE("a ready result is read from another thread") {
    in_hub([] {
      async_result<int> answer;
      async_result<void> done;
      async_result<int> failed;
      answer.set(7);
      done.set();
      failed.set_exception(failure("no luck"));
      beside([=] {
        CHECK(answer.ready());
        CHECK(answer.successful());
        CHECK(answer.wait(0s));
        CHECK(answer.get() == 7);
        CHECK(answer.get() == 7);
        done.get();
        CHECK(failed.wait());
        CHECK_FALSE(failed.successful());
        CHECK(error_of([&] { failed.get(); }) == "std::runtime_error: no luck");
      }).join();
    });
  }

  TEST_CASE("the exception object is the same on every thread") {
    in_hub([] {
      async_result<int> answer;
      const auto set = failure("no luck");
      answer.set_exception(set);
      beside([=] {
        try {
          answer.get();
        } catch (...) {
          CHECK(std::current_exception() == set);
        }
      }).join();
      CHECK(answer.exception() == set);
    });
  }

  TEST_CASE("what a thread has set it reads") {
    in_hub([] {
      async_result<int> answer;
      beside([answer]() mutable {
        answer.set(1);
        CHECK(answer.get() == 1);
        answer.set(2);
        CHECK(answer.get() == 2);
        answer.set_exception(failure("late"));
        CHECK(answer.get() == 2);
      }).join();
      CHECK(answer.get() == 2);
    });
  }

  TEST_CASE("a value that can only be moved is taken on another thread") {
    in_hub([] {
      async_result<std::unique_ptr<int>> answer;
      answer.set(std::make_unique<int>(3));
      beside([answer]() mutable { CHECK(*answer.take() == 3); }).join();
      beside([answer]() mutable {
        answer.set(std::make_unique<int>(4));
      }).join();
      CHECK(*answer.take() == 4);
    });
  }

  TEST_CASE("a missing exception is refused on every thread") {
    in_hub([] {
      async_result<int> answer;
      beside([answer]() mutable {
        CHECK_THROWS_AS(answer.set_exception({}), std::invalid_argument);
      }).join();
      CHECK_FALSE(answer.ready());
    });
  }

  TEST_CASE("what only its hub may ask of a result is refused elsewhere") {
    in_hub([] {
      async_result<int> answer;
      beside([answer] {
        CHECK_THROWS_AS(answer.exception(), wrong_hub);
        CHECK_THROWS_AS(answer.watchers(), wrong_hub);
        hub::current().post([answer] {
          CHECK_THROWS_AS(answer.get(), wait_refused);
          CHECK_THROWS_AS(answer.wait(), wait_refused);
        });
        idle();
      }).join();
    });
  }

  // --- ends of a wait -------------------------------------------------------

  TEST_CASE("a wait on another thread gives up at its deadline") {
    in_hub([] {
      async_result<int> answer;
      beside([answer]() mutable {
        use_virtual_clock();
        for (int i = 0; i < 100; ++i) {
          CHECK_FALSE(answer.wait(1s));
          CHECK(error_of([&] { answer.get(1s); }) ==
                "std::system_error: async_result::get: timed out");
          CHECK(error_of([&] { answer.take(1s); }) ==
                "std::system_error: async_result::take: timed out");
        }
        answer.set(1);
        CHECK(answer.get() == 1);
      }).join();
    });
  }

  TEST_CASE("a killed reader on another thread takes nothing") {
    in_hub([] {
      async_result<std::unique_ptr<int>> answer;
      beside([answer]() mutable {
        const auto victim = spawn([answer]() mutable { answer.take(); });
        const auto limited = spawn([answer]() mutable {
          CHECK_FALSE(timeout{0s}.run([&] { answer.take(); }));
        });
        yield();
        victim.kill();
        CHECK(victim.killed());
        limited.get();
        answer.set(std::make_unique<int>(5));
        CHECK(*answer.take() == 5);
      }).join();
    });
  }

  TEST_CASE("a kill that comes after the value strikes at the next wait") {
    in_hub([] {
      async_result<std::unique_ptr<int>> answer;
      std::promise<void> told;
      std::shared_future<void> set = told.get_future();
      async_result<void> asked;
      beside other([=]() mutable {
        bool got = false;
        bool went_on = false;
        const auto taker = spawn([&] {
          got = *answer.take() == 6;
          yield();
          went_on = true;
        });
        yield();
        asked.set();
        set.wait(); // home has served it, and we have not looked
        taker.kill_soon();
        taker.join();
        CHECK(got);
        CHECK_FALSE(went_on);
        CHECK(taker.killed());
      });
      {
        const work_guard outside;
        asked.get(); // sent behind the call for the value
      }
      answer.set(std::make_unique<int>(6));
      told.set_value();
      other.join();
    });
  }

  TEST_CASE("a wait goes on when what interrupted it is withdrawn") {
    in_hub([] {
      async_result<int> answer;
      async_result<void> disturbed;
      beside other([=]() mutable {
        use_virtual_clock();
        std::optional<timeout> limit;
        const auto culprit = spawn([&] { // runs first of the two at one second
          sleep(1s);
          limit->cancel();
          disturbed.set();
        });
        limit.emplace(1s);
        limit->start();
        CHECK(answer.get() == 3);
      });
      {
        const work_guard outside;
        disturbed.get();
      }
      answer.set(3);
      other.join();
    });
  }

  // --- the last copy --------------------------------------------------------

  TEST_CASE("a reader elsewhere is told when the last copy goes at home") {
    in_hub([] {
      auto answer = std::make_unique<async_result<int>>();
      async_result<void> asked;
      beside other([from = answer.get(), asked]() mutable {
        const auto reader =
            spawn([&] { return error_of([&] { from->get(); }); });
        yield();
        asked.set();
        CHECK(reader.get() ==
              "std::system_error: async_result::get: the object was destroyed "
              "while waited on");
      });
      {
        const work_guard outside;
        asked.get();
      }
      answer.reset();
      other.join();
    });
  }

  TEST_CASE("a reader at home is told when the last copy goes elsewhere") {
    in_hub([] {
      auto answer = std::make_unique<async_result<int>>();
      std::string error;
      const auto reader = spawn([&error, from = answer.get()] {
        error = error_of([&] { from->get(); });
      });
      yield();
      beside other([last = std::move(answer)]() mutable { last.reset(); });
      other.join();
      reader.join();
      CHECK(mentions(error, "the object was destroyed while waited on"));
    });
  }

  TEST_CASE("the value ends once, with the last copy on any thread") {
    in_hub([] {
      const auto value = std::make_shared<int>(1);
      {
        async_result<std::shared_ptr<int>> answer;
        answer.set(value);
        std::vector<std::unique_ptr<beside>> others;
        for (int i = 0; i < 3; ++i)
          others.push_back(std::make_unique<beside>([answer] {
            std::vector<async_result<std::shared_ptr<int>>> copies;
            for (int n = 0; n < 1000; ++n) {
              copies.push_back(answer);
              if (n % 3 == 0) copies.erase(copies.begin());
            }
          }));
        answer = async_result<std::shared_ptr<int>>{};
        for (auto& each : others)
          each->join();
      }
      idle();
      CHECK(value.use_count() == 1);
    });
  }

  TEST_CASE("a result abandoned on another thread fails with the reason") {
    in_hub([] {
      async_result<int> answer;
      async_result<int> answered;
      beside other([answer, answered]() mutable {
        answer.abandon(errc::no_reply);
        answered.set(1);
        answered.abandon(errc::no_reply);
      });
      const work_guard outside;
      CHECK(error_of([&] { answer.get(); }) ==
            "std::system_error: dropped without a reply");
      CHECK(answered.get() == 1);
      other.join();
      async_result<int> here;
      async_result<int> copy = here;
      copy.abandon(errc::dead);
      CHECK(error_of([&] { here.get(); }) ==
            "std::system_error: the actor is not alive");
    });
  }

  // --- values that throw ----------------------------------------------------

  TEST_CASE("what copying the value throws is thrown where it is read") {
    in_hub([] {
      async_result<brittle> answer;
      {
        brittle value;
        value.fails_to_copy = true;
        answer.set(std::move(value));
      }
      beside([answer]() mutable {
        for (int i = 0; i < 2; ++i)
          CHECK(error_of([&] { answer.get(); }) ==
                "std::runtime_error: it broke in copying");
        answer.take();
      }).join();
      CHECK(answer.successful());
    });
  }

  TEST_CASE("a value that breaks in moving is told where that is possible") {
    in_hub([] {
      bool told = false;
      bool failed = false;
      for (int at = 1; at < 10 && !(told && failed); ++at) {
        async_result<brittle> answer;
        beside([&told, answer, at]() mutable {
          brittle value;
          value.fails_to_move = at;
          try {
            answer.set(std::move(value));
          } catch (const std::runtime_error&) {
            told = true;
            answer.set(brittle{}); // nothing was sent
          }
        }).join();
        idle();
        CHECK(answer.ready());
        if (!answer.successful()) failed = true;
      }
      CHECK(told);
      CHECK(failed);
    });
  }
}
