// Operations that deadlines, kills and timeouts end.

#include "hub/support.hpp"
#include "io/asio_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/asio.hpp>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("io") {
  // --- deadlines, kills, timeouts -----------------------------------------

  TEST_CASE("the deadline of until cancels the operation") {
    in_hub([] {
      asio::steady_timer timer{context(), 1h};
      CHECK(time_of([&] {
              CHECK(error_of([&] {
                      timer.async_wait(use_greenlet.until(2s));
                    }).find("timed out") != std::string::npos);
            }) == 2s);
      asio::error_code error;
      timer.async_wait(use_greenlet[error].until(1s));
      CHECK(error == errc::timed_out);
    });
  }

  TEST_CASE("an operation that is done before its deadline disarms it") {
    in_hub([] {
      complete_later<>(use_greenlet.until(1h), {});
      // Nothing is left that could ever end this: no timer either.
      manual_operation<> never;
      never.on_cancel = [&] { never.complete(aborted); };
      CHECK(time_of([&] {
              CHECK_THROWS_AS(never.start(use_greenlet), loop_exit);
            }) == 0s);
    });
  }

  TEST_CASE("an operation cancelled by somebody else is aborted, not late") {
    in_hub([] {
      asio::steady_timer timer{context(), 1h};
      spawn([&] { timer.cancel(); });
      asio::error_code error;
      timer.async_wait(use_greenlet[error].until(1h));
      CHECK(error == aborted);
    });
  }

  TEST_CASE("a kill cancels the operation and unwinds after its handler") {
    in_hub([] {
      std::string trace;
      manual_operation<> slow;
      slow.on_cancel = [&] {
        trace += "cancelled ";
        spawn_later(1s, [&] {
          trace += "completes ";
          slow.complete(aborted);
        });
      };
      const auto victim = spawn([&] {
        at_exit mark{trace, "unwound "};
        slow.start(use_greenlet);
        trace += "never ";
      });
      yield();
      CHECK(time_of([&] { victim.kill(); }) == 1s);
      CHECK(victim.killed());
      CHECK(trace == "cancelled completes unwound ");
    });
  }

  TEST_CASE("a timeout cancels the operation and is thrown after it ended") {
    in_hub([] {
      asio::steady_timer timer{context(), 1h};
      timeout_scope limit{1s};
      try {
        timer.async_wait(use_greenlet.until(10s));
        CHECK(false);
      } catch (const timeout_expired& caught) {
        CHECK(caught.is_from(limit));
      }
      asio::error_code error;
      timer.async_wait(use_greenlet[error].until(1s));
      CHECK(error == errc::timed_out);
    });
  }

  TEST_CASE("a kill ends an operation that reports by exception_ptr") {
    in_hub([] {
      using handler_type = greenroom::operation_handler<>;
      std::optional<handler_type> kept;
      const auto start = [&](const use_greenlet_t& token) {
        asio::async_initiate<const use_greenlet_t, void(std::exception_ptr)>(
            [&](auto handler) {
              auto slot = asio::get_associated_cancellation_slot(handler);
              kept.emplace(std::move(handler));
              slot.assign([&](asio::cancellation_type) {
                asio::post(context(), [&] {
                  auto called = std::move(*kept);
                  kept.reset();
                  called(std::make_exception_ptr(asio::system_error(aborted)));
                });
              });
            },
            token);
      };
      const auto victim = spawn([&] { start(use_greenlet); });
      yield();
      victim.kill();
      CHECK(victim.killed());
      CHECK(error_of([&] {
              start(use_greenlet.until(1s));
            }).find("timed out") != std::string::npos);
    });
  }

  TEST_CASE("what completes despite the kill keeps its result") {
    in_hub([] {
      std::string trace;
      manual_operation<int> stubborn;
      stubborn.on_cancel = [&] { stubborn.complete({}, 9); };
      const auto victim = spawn([&] {
        trace += std::to_string(stubborn.start(use_greenlet)) + " ";
        at_exit mark{trace, "unwound"};
        yield();
        trace += "never";
      });
      yield();
      victim.kill();
      CHECK(victim.killed());
      CHECK(trace == "9 unwound");
    });
  }

  TEST_CASE("what completes despite its deadline keeps its result") {
    in_hub([] {
      manual_operation<int> stubborn;
      stubborn.on_cancel = [&] { stubborn.complete({}, 9); };
      CHECK(stubborn.start(use_greenlet.until(1s)) == 9);
    });
  }

  TEST_CASE("an error of its own is not hidden by the kill") {
    in_hub([] {
      manual_operation<> failing;
      failing.on_cancel = [&] { failing.complete(refused); };
      asio::error_code error;
      const auto victim = spawn([&] {
        failing.start(use_greenlet[error]);
        yield();
      });
      yield();
      victim.kill();
      CHECK(victim.killed());
      CHECK(error == refused);
    });
  }

  TEST_CASE("an operation that ignores cancellation is waited for") {
    in_hub([] {
      manual_operation<int> deaf;
      int value = 0;
      const auto victim = spawn([&] {
        value = deaf.start(use_greenlet.until(1s));
        yield();
        value = -1;
      });
      yield();
      CHECK_FALSE(victim.kill(5s));
      deaf.complete({}, 4);
      CHECK(victim.join());
      CHECK(victim.killed());
      CHECK(value == 4);
    });
  }

  TEST_CASE("a shielded operation is not cancelled by a kill") {
    in_hub([] {
      manual_operation<> shielded;
      bool cancelled = false;
      shielded.on_cancel = [&] { cancelled = true; };
      const auto victim = spawn([&] {
        {
          const shield guard;
          shielded.start(use_greenlet);
        }
        yield();
      });
      yield();
      CHECK_FALSE(victim.kill(1s));
      CHECK_FALSE(cancelled);
      shielded.complete({});
      victim.join();
      CHECK(victim.killed());
    });
  }

  TEST_CASE("a pending kill is thrown before the operation begins") {
    in_hub([] {
      bool begun = false;
      const auto victim = spawn([&] {
        {
          const shield guard;
          yield();
        }
        asio::async_initiate<const use_greenlet_t, void(asio::error_code)>(
            [&](auto) { begun = true; }, use_greenlet);
      });
      yield();
      victim.kill();
      CHECK(victim.killed());
      CHECK_FALSE(begun);
    });
  }
}
