#pragma once

// What every call that waits owes, written once and run over all of them: its
// own deadline, other people's limits, kills, shields, refusals.
//
// A room's test describes its waiting calls, each as a class, and runs the
// suite over them:
//
//   struct event_wait {
//     // Waits for what never happens. False, or `errc::timed_out`, when
//     // `until` passed.
//     bool call(deadline until) { return target.wait(until); }
//     // Nobody is left waiting in the object.
//     bool left_clean() { return target.watchers().empty(); }
//     event target;
//   };
//   TEST_CASE_TEMPLATE("every wait: mailbox", Wait, event_wait, ...) {
//     test::every_wait<Wait>();
//   }

#include "hub/support.hpp"

#include <greenroom/hub/timeout.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace test {

/// A class as described above, without its type: the suite is compiled once.
class tested_wait {
public:
  virtual ~tested_wait() = default;
  virtual bool call(greenroom::deadline until) = 0;
  virtual bool left_clean() = 0;
};

template <class Wait>
class tested_wait_of final : public tested_wait {
  bool call(greenroom::deadline until) override { return wait_.call(until); }
  bool left_clean() override { return wait_.left_clean(); }
  Wait wait_;
};

using make_call = std::unique_ptr<tested_wait> (*)();

/// True when the call ended by its own deadline.
inline bool times_out(tested_wait& wait, greenroom::deadline until) {
  try {
    return !wait.call(until);
  } catch (const std::system_error& error) {
    return error.code() == greenroom::errc::timed_out;
  }
}

/// Calls `function` during the unwinding of its frame.
template <class Function>
class while_unwinding {
public:
  explicit while_unwinding(Function function)
      : function_(std::move(function)) {}
  while_unwinding(const while_unwinding&) = delete;
  while_unwinding& operator=(const while_unwinding&) = delete;
  ~while_unwinding() { function_(); }

private:
  Function function_;
};

/// Gevent's AbstractGenericWaitTestCase and AbstractGenericGetTestCase
/// (GEVENT.md 3), and what a kill adds in C++.
inline void every_wait_owes(make_call make) {
  using namespace greenroom;
  using namespace std::chrono_literals;

  SUBCASE("ends at its own deadline, and can be repeated") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      for (int i = 0; i < 3; ++i) {
        CHECK(time_of([&] { CHECK(times_out(wait, 2s)); }) == 2s);
        CHECK(wait.left_clean());
      }
    });
  }

  SUBCASE("with a deadline that is past ends at once, and lets others run") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      bool ran = false;
      auto other = spawn([&] { ran = true; });
      CHECK(time_of([&] { CHECK(times_out(wait, 0s)); }) == 0s);
      CHECK(time_of([&] { CHECK(times_out(wait, -5s)); }) == 0s);
      CHECK(ran);
      other.join();
      CHECK(wait.left_clean());
    });
  }

  SUBCASE("never loses an outer timeout") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      timeout outer{1s};
      timeout inner{10s};
      outer.start();
      inner.start();
      try {
        wait.call(5s);
        FAIL("the timeout was lost");
      } catch (const timeout_expired& caught) {
        CHECK(caught.is_from(outer));
      }
      CHECK(inner.pending());
      CHECK(wait.left_clean());
      inner.cancel();
      CHECK(times_out(wait, 1s));
    });
  }

  SUBCASE("throws the exception that a timeout was given") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      timeout_scope limit{1s, std::string("mine")};
      CHECK_THROWS_AS(wait.call({}), std::string);
      CHECK(wait.left_clean());
    });
  }

  SUBCASE("throws at once what is pending before it begins") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      auto victim = spawn([&] {
        {
          const shield held;
          sleep(2s);
        }
        wait.call(5s);
      });
      sleep(1s);
      CHECK(time_of([&] { CHECK(victim.kill()); }) == 1s);
      CHECK(victim.killed());
      CHECK(wait.left_clean());
    });
  }

  SUBCASE("is ended by a kill, and leaves the object as it was") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      auto victim = spawn([&] { wait.call({}); });
      yield();
      yield();
      CHECK(victim.kill(1s));
      CHECK(victim.killed());
      CHECK(wait.left_clean());
      CHECK(times_out(wait, 1s));
    });
  }

  SUBCASE("is not ended by a kill or a timeout within a shield") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      bool done = false;
      auto shielded = spawn([&] {
        timeout_scope limit{1s};
        const shield held;
        CHECK(time_of([&] { CHECK(times_out(wait, 3s)); }) == 3s);
        done = true;
      });
      sleep(2s);
      shielded->kill_soon();
      shielded.join();
      CHECK(done);
      CHECK(wait.left_clean());
    });
  }

  SUBCASE("waits on when the timeout that woke it was withdrawn") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      timeout limit{1s};
      auto waiter = spawn([&] {
        limit.start();
        CHECK(time_of([&] { CHECK(times_out(wait, 3s)); }) == 3s);
      });
      yield();
      // At the same moment, and before the woken one has its turn.
      auto helper = spawn([&] {
        while (limit.pending() && now() < steady_time{} + 1s)
          sleep(1s);
        limit.cancel();
      });
      waiter.join();
      helper.join();
      CHECK(wait.left_clean());
    });
  }

  SUBCASE("throws nothing but its own errors during unwinding") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      bool done = false;
      auto unwound = spawn([&] {
        const while_unwinding cleanup([&] {
          CHECK(time_of([&] { CHECK(times_out(wait, 3s)); }) == 3s);
          done = true;
        });
        sleep(1h);
      });
      yield();
      unwound->kill_soon();
      sleep(1s);
      unwound->kill_soon(); // and again, while it waits in its destructor
      unwound.join();
      CHECK(done);
      CHECK(wait.left_clean());
    });
  }

  SUBCASE("is refused within a no_wait scope") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      const no_wait scope;
      CHECK_THROWS_AS(wait.call(1s), wait_refused);
      CHECK(wait.left_clean());
    });
  }

  SUBCASE("is refused inside a hub callback") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      std::string refused;
      hub::current().post([&] { refused = error_of([&] { wait.call(1s); }); });
      sleep(1ms);
      CHECK(refused.find("greenroom::wait_refused") != std::string::npos);
      CHECK(wait.left_clean());
    });
  }

  SUBCASE("is shown in the listing while it lasts") {
    in_hub([make] {
      const auto made = make();
      tested_wait& wait = *made;
      auto waiter = spawn({.name = "the waiter"}, [&] { wait.call({}); });
      yield();
      yield();
      const std::string listing = hub::current().listing();
      const auto line = listing.find("the waiter");
      REQUIRE(line != std::string::npos);
      CHECK_MESSAGE(listing.find("waits in", line) != std::string::npos,
                    listing);
      waiter.kill();
    });
  }
}

template <class Wait>
void every_wait() {
  every_wait_owes([]() -> std::unique_ptr<tested_wait> {
    return std::make_unique<tested_wait_of<Wait>>();
  });
}

} // namespace test
