#include "hub/support.hpp"
#include "io/asio_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/asio.hpp>

#include <asio/buffer.hpp>
#include <asio/compose.hpp>
#include <asio/dispatch.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

thread_local std::size_t allocations = 0;

} // namespace

std::size_t test::allocations_made() {
  return allocations;
}

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
      const std::size_t before = allocations_made();
      for (int i = 0; i < 100; ++i)
        round();
      // A round is four composed operations, which need two, and a timer.
      CHECK(allocations_made() - before <= 100 * (4 * 2 + 1));
      stop = true;
      round();
      echo.join();
    });
  }
}
