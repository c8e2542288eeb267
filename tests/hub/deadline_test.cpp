#include "hub/support.hpp"

#include <greenroom/hub/deadline.hpp>

#include <chrono>
#include <limits>
#include <ratio>

using namespace greenroom;
using namespace std::chrono_literals;
using test::in_hub;

TEST_SUITE("hub") {
  TEST_CASE("a deadline made from nothing is never") {
    static_assert(deadline{}.is_never());
    static_assert(deadline::never() == deadline{});
    static_assert(deadline{steady_time{5ns}} < deadline::never());
    CHECK(deadline{steady_time::max()}.is_never());
  }

  TEST_CASE("a deadline from a duration counts from the hub's now") {
    in_hub([] {
      const deadline both{5s};
      CHECK(both == deadline{now() + 5s});
      sleep(2s);
      CHECK(both == deadline{now() + 3s});
    });
  }

  TEST_CASE("a deadline takes durations of any unit and type") {
    in_hub([] {
      CHECK(deadline{1.5s} == deadline{1500ms});
      CHECK(deadline{0.25ms} == deadline{250us});
      CHECK(deadline{std::chrono::duration<int, std::ratio<1, 4>>(3)} ==
            deadline{750ms});
      CHECK(deadline{std::chrono::duration<float>(2)} == deadline{2s});
    });
  }

  TEST_CASE("a duration below zero is over now") {
    in_hub([] {
      CHECK(deadline{-5s} == deadline{now()});
      CHECK(deadline{0s} == deadline{now()});
    });
  }

  TEST_CASE("a duration too long to be counted means never") {
    in_hub([] {
      CHECK(deadline{std::chrono::hours::max()}.is_never());
      CHECK(deadline{std::chrono::nanoseconds::max()}.is_never());
      const auto infinite = std::numeric_limits<double>::infinity();
      CHECK(deadline{std::chrono::duration<double>(infinite)}.is_never());
      const auto nonsense = std::numeric_limits<double>::quiet_NaN();
      CHECK(deadline{std::chrono::duration<double>(nonsense)}.is_never());
    });
  }

  TEST_CASE("a time point before the clock's epoch has passed") {
    in_hub([] {
      const auto slept = test::time_of([] {
        sleep_until(steady_time::min());
        sleep_until(steady_time{-1ns});
      });
      CHECK(slept == 0s);
    });
  }

  TEST_CASE("one deadline serves several calls") {
    in_hub([] {
      const auto first = spawn([] { sleep(2s); });
      const auto second = spawn([] { sleep(9s); });
      const deadline both{5s};
      CHECK(first.join(both));
      CHECK(test::time_of([&] { CHECK_FALSE(second.join(both)); }) == 3s);
      second.kill();
    });
  }
}
