#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/latch.hpp>
#include <greenroom/mailbox/semaphore.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;
using test::in_hub;

namespace {

/// Whether `wait` sees what `wake` does when its greenlet is off the list
/// already, because of a timeout that is withdrawn before it runs.
template <class Wait, class Wake>
bool sees(Wait wait, Wake wake) {
  timeout limit{1s};
  const auto other = spawn([&] { // runs between the timeout and the waiter
    sleep(1s);
    limit.cancel();
    wake();
  });
  bool seen = false;
  const auto waiter = spawn([&] {
    limit.start();
    seen = wait();
  });
  const bool ended = waiter.join(2s);
  waiter.kill();
  other.join();
  return ended && seen;
}

} // namespace

TEST_CASE("what happens while a timeout is withdrawn is seen by the waiter") {
  SUBCASE("async_result") {
    in_hub([] {
      async_result<int> answer;
      CHECK(sees([&] { return answer.get() == 1; }, [&] { answer.set(1); }));
    });
  }
  SUBCASE("the last copy of an async_result goes") {
    in_hub([] {
      auto answer = std::make_unique<async_result<int>>();
      std::string error;
      const auto wait = [&] {
        error = test::error_of([&] { answer->get(); });
        return true;
      };
      CHECK(sees(wait, [&] { answer.reset(); }));
      CHECK(error.find("destroyed while waited on") != std::string::npos);
    });
  }
  SUBCASE("alarm_clock") {
    in_hub([] {
      alarm_clock bell;
      const auto wait = [&] {
        bell.set(1s); // rings just after the timeout
        return bell.wait();
      };
      CHECK(sees(wait, [] {}));
    });
  }
  SUBCASE("event") {
    in_hub([] {
      event done;
      CHECK(sees([&] { return done.wait(); }, [&] { done.set(); }));
      done.clear();
      const auto pulse = [&] {
        done.set();
        done.clear();
      };
      CHECK(sees([&] { return done.wait(); }, pulse));
    });
  }
  SUBCASE("latch") {
    in_hub([] {
      latch open{1};
      CHECK(sees([&] { return open.wait(); }, [&] { open.count_down(); }));
    });
  }
  SUBCASE("semaphore") {
    in_hub([] {
      semaphore one{0};
      CHECK(sees([&] { return one.acquire(); }, [&] { one.release(); }));
    });
  }
}
