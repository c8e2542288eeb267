#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/latch.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

TEST_SUITE("mailbox") {
  TEST_CASE("a latch lets everybody through when it has been counted down") {
    in_hub([] {
      latch two{2};
      std::string order;
      for (const char name : {'a', 'b'})
        spawn([&, name] {
          two.wait();
          order += name;
        });
      yield();
      two.count_down();
      CHECK(two.count() == 1);
      CHECK_FALSE(two.ready());
      yield();
      CHECK(order == "");
      two.count_down();
      CHECK(two.ready());
      CHECK(order == "");
      {
        const no_wait guard;
        CHECK(two.wait(0s));
      }
      yield();
      CHECK(order == "ab");
    });
  }

  TEST_CASE("a latch of nothing is ready, one of less is refused") {
    in_hub([] {
      latch none{0};
      CHECK(none.ready());
      CHECK(none.wait(0s));
      CHECK_THROWS_WITH_AS(latch{-1}, "latch: a count of -1",
                           std::invalid_argument);
    });
  }

  TEST_CASE("a latch counted down too far says so and stays as it is") {
    in_hub([] {
      latch three{3};
      three.count_down(2);
      CHECK_THROWS_WITH_AS(three.count_down(2),
                           "latch: 2 counted down, with 1 left",
                           std::logic_error);
      CHECK_THROWS_AS(three.count_down(-1), std::logic_error);
      CHECK(three.count() == 1);
      three.count_down(0);
      three.count_down();
      CHECK_THROWS_AS(three.count_down(), std::logic_error);
      CHECK(three.ready());
    });
  }

  TEST_CASE("those who arrive and wait go on together, the last without "
            "waiting") {
    in_hub([] {
      latch three{3};
      std::string order;
      for (const char name : {'a', 'b'})
        spawn([&, name] {
          three.arrive_and_wait();
          order += name;
        });
      yield();
      {
        const no_wait guard;
        CHECK(three.arrive_and_wait());
      }
      CHECK(order == "");
      yield();
      CHECK(order == "ab");
    });
  }

  TEST_CASE("an arrival counts also when its wait is cut short") {
    in_hub([] {
      latch three{3};
      CHECK(time_of([&] { CHECK_FALSE(three.arrive_and_wait(1s)); }) == 1s);
      const auto killed = spawn([&] { three.arrive_and_wait(); });
      yield();
      killed.kill();
      CHECK(three.count() == 1);
      CHECK_FALSE(three.wait(1s));
      three.count_down();
      CHECK(three.wait());
    });
  }

  TEST_CASE("a latch may be destroyed as soon as it is ready") {
    in_hub([] {
      auto gone = std::make_unique<latch>(1);
      int through = 0;
      std::string error;
      std::vector<any_greenlet> all;
      for (int i = 0; i < 2; ++i)
        all.push_back(spawn([&] {
          error = error_of([&] { through += gone->wait() ? 1 : 0; });
        }));
      yield();
      SUBCASE("and not before") {
        gone.reset();
        joinall(all);
        CHECK(through == 0);
        CHECK(error.find("latch::wait: the object was destroyed") !=
              std::string::npos);
      }
      SUBCASE("and its waiters have not run") {
        gone->count_down();
        gone.reset();
        joinall(all);
        CHECK(through == 2);
      }
    });
  }

  TEST_CASE("a callback may count a latch down") {
    in_hub([] {
      latch one{1};
      hub::current().post([&] { one.count_down(); });
      CHECK(one.wait(1s));
    });
  }

  TEST_CASE("a latch can be waited for with others") {
    in_hub([] {
      latch one{1};
      spawn_later(1s, [&] { one.count_down(); });
      CHECK(time_of([&] { CHECK(wait({one}).size() == 1); }) == 1s);
    });
  }

  TEST_CASE("a latch refuses the thread of another hub") {
    in_hub([] {
      latch one{1};
      std::thread([&] {
        CHECK_THROWS_AS(one.wait(), wrong_hub);
#ifndef NDEBUG
        CHECK_THROWS_AS(one.count_down(), wrong_hub);
#endif
      }).join();
      CHECK(one.count() == 1);
    });
  }
}
