#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/asio.hpp>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/buffer.hpp>
#include <asio/compose.hpp>
#include <asio/dispatch.hpp>
#include <asio/io_context.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using test::at_exit;
using test::error_of;
using test::in_hub;
using test::in_hub_on;
using test::time_of;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool counts_allocations = false;
#else
constexpr bool counts_allocations = true;
#endif

namespace {

thread_local std::size_t allocations = 0;

} // namespace

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

// Not inlined: g++ would see one half of a pair and call it mismatched.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* made = std::malloc(bytes)) return made;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* freed) noexcept {
  std::free(freed);
}
[[gnu::noinline]] void operator delete(void* freed, std::size_t) noexcept {
  std::free(freed);
}

#endif

namespace {

using local_socket = asio::local::stream_protocol::socket;

asio::io_context& context() {
  return hub::current().context();
}

/// An operation that completes with these values, in the next poll.
template <class... Values, class Token>
auto complete_later(Token&& token, asio::error_code error, Values... values) {
  return asio::async_initiate<Token, void(asio::error_code, Values...)>(
      [&](auto handler) {
        asio::post(context(), [handler = std::move(handler), error,
                               bound = std::make_tuple(
                                   std::move(values)...)]() mutable {
          std::apply([&](auto&... each) { handler(error, std::move(each)...); },
                     bound);
        });
      },
      token);
}

/// An operation under the test's control.
template <class... Values>
class manual_operation {
public:
  using handler_type = greenroom::operation_handler<Values...>;

  /// Told when it is asked to end; may call `complete`.
  std::function<void()> on_cancel;

  typename greenroom::returned<Values...>::type
  start(const use_greenlet_t& token) {
    return asio::async_initiate<const use_greenlet_t,
                                void(asio::error_code, Values...)>(
        [this](auto handler) {
          if (on_cancel)
            asio::get_associated_cancellation_slot(handler).assign(
                [this](asio::cancellation_type kind) {
                  CHECK(kind == asio::cancellation_type::terminal);
                  on_cancel();
                });
          handler_.emplace(std::move(handler));
        },
        token);
  }

  void complete(asio::error_code error, Values... values) {
    auto handler = std::move(*handler_);
    handler_.reset();
    handler(error, std::move(values)...);
  }
  void drop() { handler_.reset(); }

private:
  std::optional<handler_type> handler_;
};

const auto aborted = asio::error_code(asio::error::operation_aborted);
const auto refused = asio::error_code(asio::error::connection_refused);

struct pair_of_sockets {
  pair_of_sockets() { asio::local::connect_pair(left, right); }
  local_socket left{context()};
  local_socket right{context()};
};

} // namespace

TEST_SUITE("io") {
  // --- results ------------------------------------------------------------

  TEST_CASE("an operation returns nothing, a value or a tuple") {
    in_hub([] {
      complete_later<>(use_greenlet, {});
      CHECK(complete_later<int>(use_greenlet, {}, 3) == 3);
      const auto both =
          complete_later<int, std::string>(use_greenlet, {}, 3, "three");
      CHECK(both == std::tuple<int, std::string>(3, "three"));
      static_assert(
          std::is_void_v<decltype(complete_later<>(use_greenlet, {}))>);
    });
  }

  TEST_CASE("results that can only be moved, or have no empty value") {
    struct solid {
      explicit solid(int given) : value(given) {}
      int value;
    };
    in_hub([] {
      const auto box = complete_later<std::unique_ptr<int>>(
          use_greenlet, {}, std::make_unique<int>(4));
      CHECK(*box == 4);
      CHECK(complete_later<solid>(use_greenlet, {}, solid{5}).value == 5);
      asio::error_code error;
      CHECK(
          complete_later<solid>(use_greenlet[error], refused, solid{6}).value ==
          6);
      CHECK(error == refused);
    });
  }

  TEST_CASE("an error is thrown, or stored where asked for") {
    in_hub([] {
      CHECK_THROWS_AS(complete_later<>(use_greenlet, refused),
                      asio::system_error);
      asio::error_code error;
      CHECK(complete_later<int>(use_greenlet[error], refused, 7) == 7);
      CHECK(error == refused);
      complete_later<>(use_greenlet[error], {});
      CHECK_FALSE(error);
    });
  }

  TEST_CASE("an operation that reports by exception_ptr") {
    const auto start = [](std::exception_ptr thrown, int value) {
      return asio::async_initiate<const use_greenlet_t,
                                  void(std::exception_ptr, int)>(
          [=](auto handler) {
            asio::post(context(),
                       [handler = std::move(handler), thrown, value]() mutable {
                         handler(thrown, value);
                       });
          },
          use_greenlet);
    };
    in_hub([&] {
      CHECK(start({}, 2) == 2);
      CHECK(error_of([&] {
              start(std::make_exception_ptr(std::runtime_error("no luck")), 2);
            }) == "std::runtime_error: no luck");
    });
  }

  TEST_CASE("post and dispatch give way like any operation") {
    in_hub([] {
      std::string order;
      spawn([&] { order += "other "; });
      asio::post(context(), use_greenlet);
      order += "posted ";
      asio::dispatch(context(), use_greenlet);
      order += "dispatched";
      CHECK(order == "other posted dispatched");
    });
  }

  TEST_CASE("an operation that completes at once does not switch") {
    in_hub([] {
      std::string order;
      const auto other = spawn([&] { order += "other "; });
      const int value = asio::async_initiate<const use_greenlet_t,
                                             void(asio::error_code, int)>(
          [](auto handler) { handler(asio::error_code(), 8); }, use_greenlet);
      order += "done ";
      other.join();
      CHECK(value == 8);
      CHECK(order == "done other ");
    });
  }

  TEST_CASE("a handler that is dropped completes as aborted") {
    in_hub([] {
      asio::error_code error;
      asio::async_initiate<const use_greenlet_t, void(asio::error_code)>(
          [](auto) {}, use_greenlet[error]);
      CHECK(error == aborted);
      manual_operation<int> later;
      spawn([&] { later.drop(); });
      CHECK(later.start(use_greenlet[error]) == 0);
      CHECK(error == aborted);
      spawn([&] { later.drop(); });
      CHECK_THROWS_AS(later.start(use_greenlet), asio::system_error);
    });
  }

  TEST_CASE("an initiation that throws leaves nothing behind") {
    in_hub([] {
      const auto start = [] {
        asio::async_initiate<const use_greenlet_t, void(asio::error_code)>(
            [](auto) { throw std::runtime_error("no start"); }, use_greenlet);
      };
      CHECK(error_of(start) == "std::runtime_error: no start");
      yield();
    });
  }

  TEST_CASE("a timer waits in real time") {
    in_hub_on(clock_kind::real, [] {
      asio::steady_timer timer{context(), 5ms};
      const auto begin = std::chrono::steady_clock::now();
      timer.async_wait(use_greenlet);
      CHECK(std::chrono::steady_clock::now() - begin >= 5ms);
    });
  }

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

  // --- other people's operations ------------------------------------------

  TEST_CASE("a composed operation of a third party waits its greenlet only") {
    const auto echo_twice = [](local_socket& socket, auto&& token) {
      auto buffer = std::make_shared<std::array<char, 4>>();
      int rounds = 0;
      bool reading = false;
      return asio::async_compose<decltype(token), void(asio::error_code, int)>(
          [&socket, buffer, rounds, reading](auto& self,
                                             asio::error_code error = {},
                                             std::size_t = 0) mutable {
            if (error || rounds == 2) {
              self.complete(error, rounds);
              return;
            }
            reading = !reading;
            if (reading) {
              asio::async_read(socket, asio::buffer(*buffer), std::move(self));
            } else {
              ++rounds;
              asio::async_write(socket, asio::buffer(*buffer), std::move(self));
            }
          },
          token, socket);
    };
    in_hub_on(clock_kind::real, [&] {
      pair_of_sockets both;
      const auto echo =
          spawn([&] { return echo_twice(both.right, use_greenlet); });
      for (const char* text : {"ping", "pong"}) {
        std::array<char, 4> reply;
        asio::async_write(both.left, asio::buffer(text, 4), use_greenlet);
        asio::async_read(both.left, asio::buffer(reply), use_greenlet);
        CHECK(std::string(reply.data(), 4) == text);
      }
      CHECK(echo.get() == 2);
      const auto victim =
          spawn([&] { return echo_twice(both.right, use_greenlet); });
      yield();
      victim.kill();
      CHECK(victim.killed());
      asio::error_code error;
      CHECK(echo_twice(both.right, use_greenlet[error].until(1ms)) == 0);
      CHECK(error == errc::timed_out);
    });
  }

  TEST_CASE("one greenlet reads a socket while another writes to it") {
    in_hub_on(clock_kind::real, [] {
      pair_of_sockets both;
      const std::string sent(1 << 20, 'x');
      const auto echo = spawn([&] {
        std::array<char, 8192> part;
        asio::error_code error;
        for (;;) {
          const std::size_t bytes = both.right.async_read_some(
              asio::buffer(part), use_greenlet[error]);
          if (error) return;
          asio::async_write(both.right, asio::buffer(part.data(), bytes),
                            use_greenlet);
        }
      });
      const auto writer = spawn([&] {
        asio::async_write(both.left, asio::buffer(sent), use_greenlet);
        both.left.shutdown(local_socket::shutdown_send);
      });
      std::string received(sent.size(), ' ');
      CHECK(asio::async_read(both.left, asio::buffer(received), use_greenlet) ==
            sent.size());
      CHECK(received == sent);
      writer.join();
      echo.join();
    });
  }

  // --- where it is refused, and what it costs -----------------------------

  TEST_CASE("waiting for an operation is refused outside greenlets") {
    in_hub([] {
      bool begun = false;
      const auto start = [&] {
        asio::async_initiate<const use_greenlet_t, void(asio::error_code)>(
            [&](auto) { begun = true; }, use_greenlet);
      };
      std::string error;
      asio::post(context(), [&] { error = error_of(start); });
      idle();
      CHECK(error.find("inside a hub callback") != std::string::npos);
      const no_wait guard;
      CHECK_THROWS_AS(start(), wait_refused);
      CHECK_FALSE(begun);
    });
  }

  TEST_CASE("a greenlet abandoned in an operation is not touched again") {
    in_hub(
        [] {
          auto* timer = new asio::steady_timer{context(), 1h};
          spawn([timer] {
            const std::unique_ptr<asio::steady_timer> owned{timer};
            owned->async_wait(use_greenlet);
          });
          yield();
        },
        test::leftovers::allowed);
  }

  TEST_CASE("operations allocate only what cancels them, in Asio") {
    in_hub_on(clock_kind::real, [] {
      pair_of_sockets both;
      bool stop = false;
      const auto echo = spawn([&] {
        std::array<char, 64> part;
        while (!stop) {
          const std::size_t bytes = both.right.async_read_some(
              asio::buffer(part), use_greenlet.until(1h));
          asio::async_write(both.right, asio::buffer(part.data(), bytes),
                            use_greenlet);
        }
      });
      std::array<char, 64> part{};
      asio::steady_timer timer{context()};
      const auto round = [&] {
        asio::async_write(both.left, asio::buffer(part), use_greenlet);
        asio::async_read(both.left, asio::buffer(part), use_greenlet);
        timer.expires_after(0s);
        timer.async_wait(use_greenlet);
      };
      for (int i = 0; i < 10; ++i)
        round();
      const std::size_t before = allocations;
      for (int i = 0; i < 100; ++i)
        round();
      // A round is four composed operations, which need two, and a timer.
      if (counts_allocations) CHECK(allocations - before <= 100 * (4 * 2 + 1));
      stop = true;
      round();
      echo.join();
    });
  }
}
