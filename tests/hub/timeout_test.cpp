#include "hub/support.hpp"

#include <greenroom/hub/timeout.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::in_hub_on;
using test::time_of;

namespace {

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Which of the two limits `function` meets: "outer", "inner" or "none".
template <class Function>
std::string met(const timeout& outer, const timeout& inner,
                Function&& function) {
  try {
    function();
  } catch (const timeout_expired& caught) {
    if (caught.is_from(outer)) return "outer";
    return caught.is_from(inner) ? "inner" : "foreign";
  }
  return "none";
}

} // namespace

TEST_SUITE("hub") {
  // GEVENT.md 3.2, 52
  TEST_CASE("a timeout is thrown at the waiting call when its time is up") {
    in_hub([] {
      const auto begin = now();
      timeout limit{2s};
      limit.start();
      CHECK(limit.pending());
      try {
        sleep(5s);
        FAIL("it slept through");
      } catch (const timeout_expired& caught) {
        CHECK(caught.is_from(limit));
        CHECK(limit.threw(caught));
        CHECK(caught.limit() == 2s);
        CHECK(caught.text() == "2 seconds");
      }
      CHECK(now() - begin == 2s);
      CHECK_FALSE(limit.pending());
    });
  }

  TEST_CASE("the text of a timeout says its seconds") {
    in_hub([] {
      const timeout limit{1s};
      CHECK(timeout_expired(limit, 1s).text() == "1 second");
      CHECK(timeout_expired(limit, 1500ms).text() == "1.5 seconds");
      CHECK(timeout_expired(limit, 0s).text() == "0 seconds");
    });
  }

  TEST_CASE("a timeout is no std::exception") {
    in_hub([] {
      timeout_scope limit{1s};
      bool swallowed = false;
      try {
        try {
          sleep(2s);
        } catch (const std::exception&) {
          swallowed = true;
        }
      } catch (const timeout_expired&) {
      }
      CHECK_FALSE(swallowed);
    });
  }

  // GEVENT.md 3.2, 52
  TEST_CASE("work that ends in time meets no timeout") {
    in_hub([] {
      {
        timeout_scope limit{2s};
        sleep(1s);
      }
      CHECK(time_of([] { sleep(5s); }) == 5s);
    });
  }

  // GEVENT.md 3.2, 55
  TEST_CASE("a cancelled timeout is not thrown and may be started again") {
    in_hub([] {
      timeout limit{1s};
      limit.start();
      limit.cancel();
      CHECK_FALSE(limit.pending());
      sleep(2s);
      limit.start();
      CHECK(time_of([&] { CHECK_THROWS_AS(sleep(9s), timeout_expired); }) ==
            1s);
      limit.start();
      CHECK(time_of([&] { CHECK_THROWS_AS(sleep(9s), timeout_expired); }) ==
            1s);
    });
  }

  // GEVENT.md 3.2, 52
  TEST_CASE("a limit may be lifted inside its scope") {
    in_hub([] {
      timeout_scope limit{1s};
      CHECK(limit.pending());
      limit.cancel();
      CHECK_FALSE(limit.pending());
      CHECK(time_of([] { sleep(2s); }) == 2s);
    });
  }

  TEST_CASE("starting a timeout twice is an error") {
    in_hub([] {
      timeout limit{1s};
      limit.start();
      try {
        limit.start();
        FAIL("it started twice");
      } catch (const std::system_error& caught) {
        CHECK(caught.code() == errc::already_started);
      }
    });
  }

  TEST_CASE("cancelling withdraws an expiry that was not thrown yet") {
    in_hub([] {
      timeout limit{1s};
      limit.start();
      {
        const shield guard;
        sleep(2s);
      }
      CHECK(limit.pending());
      limit.cancel();
      CHECK(time_of([] { sleep(1s); }) == 1s);
    });
  }

  TEST_CASE("another greenlet may withdraw a timeout that woke its owner") {
    in_hub([] {
      wait_list list;
      const auto owner = spawn([&] {
        timeout limit{1s};
        limit.start();
        // Due at the same moment, and so before the owner runs again.
        const auto saviour = spawn([&] {
          sleep(1s);
          limit.cancel();
        });
        yield();
        const bool woken = list.wait({}, "list", &list);
        saviour.join();
        return woken;
      });
      sleep(2s);
      list.wake_one();
      CHECK(owner.get());
    });
  }

  // GEVENT.md 3.2, 53
  TEST_CASE("nested timeouts are told apart by identity") {
    in_hub([] {
      timeout outer{2s}, inner{1s};
      outer.start();
      inner.start();
      CHECK(met(outer, inner, [] { sleep(9s); }) == "inner");
      CHECK(outer.pending());
      CHECK_FALSE(inner.pending());
      CHECK(met(outer, inner, [] { sleep(9s); }) == "outer");
      CHECK_FALSE(outer.pending());
    });
  }

  // GEVENT.md 3.2, 53
  TEST_CASE("an outer timeout that is due first leaves the inner pending") {
    in_hub([] {
      timeout outer{1s}, inner{2s};
      outer.start();
      inner.start();
      CHECK(met(outer, inner, [] { sleep(9s); }) == "outer");
      CHECK(inner.pending());
      CHECK(met(outer, inner, [] { sleep(9s); }) == "inner");
    });
  }

  TEST_CASE("of two timeouts due at once the one started first is thrown") {
    in_hub([] {
      timeout outer{1s}, inner{1s};
      outer.start();
      inner.start();
      CHECK(met(outer, inner, [] { sleep(9s); }) == "outer");
      CHECK(inner.pending());
    });
  }

  // GEVENT.md 3.2, 52
  TEST_CASE("a timeout may throw an exception of one's own") {
    in_hub([] {
      timeout_scope limit{1s, failure("too slow")};
      CHECK(error_of([] { sleep(2s); }).find("too slow") != std::string::npos);
    });
  }

  TEST_CASE("a limit of zero is thrown at the next turn of the hub") {
    in_hub([] {
      timeout_scope limit{0s};
      yield();
      CHECK(time_of([&] { CHECK_THROWS_AS(sleep(1s), timeout_expired); }) ==
            0s);
    });
  }

  // GEVENT.md 3.2, 52
  TEST_CASE("a limit that never comes lets everything pass") {
    in_hub([] {
      timeout_scope limit{std::chrono::nanoseconds::max()};
      CHECK(time_of([] { sleep(1000h); }) == 1000h);
    });
  }

  TEST_CASE("a timeout left running is thrown at a later waiting call") {
    in_hub([] {
      timeout limit{1s};
      limit.start();
      const auto other = spawn([] { sleep(5s); });
      CHECK(time_of([&] { CHECK_THROWS_AS(other.join(), timeout_expired); }) ==
            1s);
      other.join();
    });
  }

  TEST_CASE("what is due in the same turn as a timeout wins") {
    in_hub([] {
      timeout_scope limit{1s};
      CHECK(time_of([] { sleep(1s); }) == 1s);
      CHECK(limit.pending());
      limit.cancel();
    });
  }

  TEST_CASE("a wake-up due in the same turn as a deadline wins") {
    in_hub([] {
      wait_list list;
      spawn([&] {
        sleep(1s);
        list.wake_one();
      });
      const auto waiter = spawn([&] { return list.wait(1s, "list", nullptr); });
      // The sleeper wakes first, but only its own turn wakes the list.
      CHECK_FALSE(waiter.get());
      const auto sleeper = spawn([] { sleep(1s); });
      yield();
      CHECK_FALSE(sleeper.join(1s));
      sleeper.join();
    });
  }

  TEST_CASE("a timeout ends with its greenlet") {
    in_hub([] {
      std::optional<timeout> limit{2s};
      spawn([&] { limit->start(); }).join();
      CHECK_FALSE(limit->pending());
      CHECK(time_of([] { sleep(5s); }) == 5s);
      limit->start();
      limit.reset();
      sleep(5s);
    });
  }

  // GEVENT.md 3.2, 56
  TEST_CASE("a timeout is thrown at a greenlet that only yields") {
    in_hub_on(clock_kind::real, [] {
      timeout limit{1ms};
      CHECK_FALSE(limit.run([] {
        for (;;)
          sleep(0s);
      }));
    });
  }

  TEST_CASE("a timeout does not touch other greenlets") {
    in_hub([] {
      const auto limited = spawn([] {
        timeout_scope limit{1s};
        return error_of([] { sleep(5s); });
      });
      const auto other = spawn([] { return time_of([] { sleep(5s); }); });
      CHECK(limited.get() == "greenroom::timeout_expired: 1 second");
      CHECK(other.get() == 5s);
    });
  }

  TEST_CASE("a timeout that leaves a greenlet is its error") {
    test::captured_log log;
    in_hub([] {
      const auto failing = spawn({.name = "slow"}, [] {
        timeout_scope limit{1s};
        sleep(2s);
      });
      CHECK_THROWS_AS(failing.get(), timeout_expired);
      CHECK_FALSE(failing.successful());
    });
    CHECK(log.count("'slow' failed with greenroom::timeout_expired: "
                    "1 second") == 1);
  }

  // --- with_timeout and run -----------------------------------------------

  TEST_CASE("with_timeout returns the result of what ends in time") {
    in_hub([] {
      CHECK(with_timeout(2s, [] {
              sleep(1s);
              return 5;
            }) == 5);
      with_timeout(2s, [] { sleep(1s); });
      CHECK(time_of([] { sleep(5s); }) == 5s);
    });
  }

  TEST_CASE("with_timeout throws when its time is up") {
    in_hub([] {
      CHECK(time_of([] {
              CHECK_THROWS_AS(with_timeout(1s, [] { sleep(5s); }),
                              timeout_expired);
            }) == 1s);
    });
  }

  TEST_CASE("with_timeout returns its fallback when its time is up") {
    in_hub([] {
      const auto slow = [] {
        sleep(5s);
        return 1;
      };
      CHECK(with_timeout(1s, slow, 2) == 2);
      CHECK(with_timeout(9s, slow, 2) == 1);
    });
  }

  // GEVENT.md 3.2, 54
  TEST_CASE("a fallback serves only its own limit") {
    in_hub([] {
      timeout_scope outer{1s};
      try {
        with_timeout(
            3s,
            [] {
              sleep(5s);
              return 1;
            },
            2);
        FAIL("the fallback was returned");
      } catch (const timeout_expired& caught) {
        CHECK(caught.is_from(outer));
      }
    });
  }

  // GEVENT.md 3.2, 54
  TEST_CASE("nested with_timeout: the shorter limit counts") {
    in_hub([] {
      const auto slow = [] {
        sleep(9s);
        return std::string("slow");
      };
      const auto nested = [&](auto outer, auto inner) {
        return with_timeout(
            outer,
            [&] { return with_timeout(inner, slow, std::string("inner")); },
            std::string("outer"));
      };
      CHECK(nested(2s, 1s) == "inner");
      CHECK(nested(1s, 2s) == "outer");
      CHECK(nested(1s, 1s) == "outer");
      CHECK(nested(10s, 10s) == "slow");
    });
  }

  TEST_CASE("what with_timeout's function throws passes through") {
    in_hub([] {
      CHECK_THROWS_AS(with_timeout(
                          1s, []() -> int { throw failure("its own"); }, 3),
                      failure);
      CHECK(time_of([] { sleep(5s); }) == 5s);
    });
  }

  // GEVENT.md 3.2, 52
  TEST_CASE("the silent form tells whether the limit ended the work") {
    in_hub([] {
      timeout limit{1s};
      CHECK_FALSE(limit.run([] { sleep(5s); }));
      CHECK(limit.run([] { sleep(500ms); }));
      CHECK_FALSE(limit.pending());
      CHECK(time_of([] { sleep(5s); }) == 5s);
    });
  }

  TEST_CASE("the silent form is over when its function throws") {
    in_hub([] {
      timeout limit{1s};
      CHECK_THROWS_AS(limit.run([] { throw failure("its own"); }), failure);
      CHECK_FALSE(limit.pending());
      CHECK(time_of([] { sleep(5s); }) == 5s);
    });
  }

  TEST_CASE("the silent form lets the limits around it pass") {
    in_hub([] {
      timeout_scope outer{1s};
      timeout inner{2s};
      CHECK(met(outer, inner, [&] { inner.run([] { sleep(5s); }); }) ==
            "outer");
      CHECK_FALSE(inner.pending());
    });
  }

  // --- shields ------------------------------------------------------------

  TEST_CASE("in a shield no timeout is thrown, but right after it") {
    in_hub([] {
      timeout_scope limit{1s};
      {
        const shield guard;
        CHECK(time_of([] { sleep(2s); }) == 2s);
      }
      CHECK(time_of([&] { CHECK_THROWS_AS(sleep(1s), timeout_expired); }) ==
            0s);
    });
  }

  TEST_CASE("shields nest") {
    in_hub([] {
      timeout_scope limit{1s};
      {
        const shield outer;
        {
          const shield inner;
          sleep(2s);
        }
        CHECK(time_of([] { sleep(2s); }) == 2s);
      }
      CHECK_THROWS_AS(yield(), timeout_expired);
    });
  }

  TEST_CASE("in a shield no kill is thrown, but right after it") {
    in_hub([] {
      std::string trace;
      const auto victim = spawn([&] {
        {
          const shield guard;
          sleep(2s);
          trace += "saved ";
        }
        yield();
        trace += "never ";
      });
      sleep(1s);
      CHECK(time_of([&] { victim.kill(); }) == 1s);
      CHECK(trace == "saved ");
      CHECK(victim.killed());
    });
  }

  TEST_CASE("a deadline passes in a shield as anywhere") {
    in_hub([] {
      const shield guard;
      wait_list list;
      CHECK(time_of([&] { CHECK_FALSE(list.wait(1s, "list", nullptr)); }) ==
            1s);
    });
  }

  TEST_CASE("of a kill and a timeout that both wait the kill is thrown") {
    in_hub([] {
      const auto victim = spawn([] {
        timeout_scope limit{1s};
        {
          const shield guard;
          sleep(2s);
        }
        sleep(1h);
      });
      sleep(1500ms);
      victim.kill();
      CHECK(victim.killed());
    });
  }

  TEST_CASE("a shield protects its own greenlet only") {
    in_hub([] {
      const shield guard;
      const auto other = spawn([] { sleep(1h); });
      yield();
      CHECK(time_of([&] { CHECK(other.kill()); }) == 0s);
      CHECK(other.killed());
    });
  }

  TEST_CASE("during unwinding no timeout is thrown, but after it") {
    in_hub([] {
      struct waits {
        ~waits() { sleep(2s); }
      };
      timeout_scope limit{1s};
      CHECK(time_of([] {
              try {
                const waits cleanup;
                throw failure("on its way");
              } catch (const failure&) {
              }
            }) == 2s);
      CHECK_THROWS_AS(yield(), timeout_expired);
    });
  }
}
