#include "hub/support.hpp"

#include <greenroom/mailbox/alarm_clock.hpp>

#include <optional>
#include <thread>

using namespace greenroom;
using namespace std::chrono_literals;
using test::in_hub;
using test::time_of;

TEST_CASE("an alarm wakes its waiters when its moment comes") {
  in_hub([] {
    alarm_clock bell{2s};
    auto other = spawn([&] { bell.wait(); });
    CHECK_FALSE(bell.ready());
    CHECK(time_of([&] { CHECK(bell.wait()); }) == 2s);
    CHECK(bell.ready());
    other.join();
    CHECK(time_of([&] { CHECK(bell.wait()); }) == 0ns);
  });
}

TEST_CASE("an alarm that was not set never rings") {
  in_hub([] {
    alarm_clock bell;
    CHECK(time_of([&] { CHECK_FALSE(bell.wait(1h)); }) == 1h);
  });
}

TEST_CASE("an alarm is set to another moment while somebody waits") {
  in_hub([] {
    alarm_clock bell{2s};
    spawn([&] {
      sleep(1s);
      bell.set(4s);
    });
    CHECK(time_of([&] { bell.wait(); }) == 5s);
    bell.set(1s);
    CHECK_FALSE(bell.ready());
    bell.cancel();
    CHECK_FALSE(bell.wait(1h));
  });
}

TEST_CASE("an alarm may end while it is set, and its waiters hear of it") {
  in_hub([] {
    std::optional<alarm_clock> bell{std::in_place, 2s};
    auto waiter = spawn([&] { bell->wait(); });
    yield();
    bell.reset();
    waiter.join();
    CHECK(test::error_of([&] { waiter.get(); }).find("destroyed") !=
          std::string::npos);
    sleep(3s);
  });
}

TEST_CASE("an alarm cannot be set from another thread") {
  in_hub([] {
    alarm_clock bell;
    std::thread([&] {
      CHECK_THROWS_AS(bell.set(deadline{}), wrong_hub);
    }).join();
  });
}
