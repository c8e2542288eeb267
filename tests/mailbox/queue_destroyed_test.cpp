#include "hub/support.hpp"
#include "mailbox/queue_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::trace;

TEST_SUITE("mailbox") {
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
      auto numbers = std::make_unique<queue<int>>(1);
      std::error_code failed;
      std::optional<any_greenlet> waiter;
      SUBCASE("while they get") {
        waiter = spawn([&] { numbers->get(1s, failed); });
      }
      SUBCASE("while they peek") {
        waiter = spawn([&] { numbers->peek(1s, failed); });
      }
      SUBCASE("while they put") {
        numbers->put(1);
        waiter = spawn([&] { numbers->put(2, 1s, failed); });
      }
      spawn_later(1s, [&] { numbers.reset(); });
      waiter->join();
      CHECK_FALSE(numbers);
      CHECK(failed == errc::timed_out);
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
}
