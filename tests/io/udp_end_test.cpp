// Sockets for datagrams that several use, that are closed and killed at.

#include "hub/support.hpp"
#include "io/full_sockets.hpp"
#include "io/hanging_resolver.hpp"
#include "io/tcp_support.hpp"
#include "io/udp_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/udp.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("udp") {
  // --- several greenlets ----------------------------------------------------

  TEST_CASE("one greenlet receives while another sends, not two the same") {
    in_real_hub([] {
      udp_socket socket{anywhere};
      socket.connect(socket.local());
      std::array<char, 8> part;
      const auto reader = spawn([&] { socket.receive(part); });
      yield();
      std::error_code failed;
      socket.receive(part, {}, failed);
      CHECK(failed == errc::busy);
      {
        const full_sockets here;
        const auto writer = spawn([&] { socket.send("one"); });
        yield();
        socket.send("two", {}, failed);
        CHECK(failed == errc::busy);
        socket.send_to("two", socket.local(), {}, failed);
        CHECK(failed == errc::busy);
        CHECK_THROWS_AS(socket.send("two"), std::system_error);
        writer.kill();
      }
      socket.send("three");
      reader.join();
      CHECK(part[0] == 't');
    });
  }

  TEST_CASE("one who sends without a wait lets others run") {
    in_real_hub([] {
      udp_socket socket;
      socket.connect(silent_port());
      int turns = 0;
      const auto other = spawn([&] {
        for (;; yield())
          ++turns;
      });
      std::error_code refused;
      for (int i = 0; i < 1000; ++i)
        socket.send("x", {}, refused);
      CHECK(turns >= 1000 / 64);
      other.kill();
    });
  }

  TEST_CASE("one who always finds a datagram lets others run") {
    in_real_hub([] {
      udp_socket socket{anywhere};
      socket.connect(socket.local());
      for (int i = 0; i < 100; ++i)
        socket.send("x");
      int turns = 0;
      const auto other = spawn([&] {
        for (;; yield())
          ++turns;
      });
      std::array<char, 8> part;
      for (int i = 0; i < 100; ++i)
        socket.receive(part, 5s);
      CHECK(turns > 0);
      other.kill();
    });
  }

  TEST_CASE("a sender that waits goes on when there is room") {
    in_real_hub([] {
      udp_socket server{anywhere};
      udp_socket client{anywhere};
      greenlet<void> writer;
      {
        const full_sockets here;
        writer = spawn([&] { client.send_to("at last", server.local()); });
        yield();
        idle();
        CHECK_FALSE(writer.dead());
      }
      client.set_send_buffer_size(10'000); // looks again
      CHECK(receive_text(server) == "at last");
      writer.join();
    });
  }

  // --- the end --------------------------------------------------------------

  TEST_CASE("closing wakes whoever waits, with closed") {
    for (const udp_call& call : udp_calls()) {
      CAPTURE(call.name);
      in_real_hub([&] {
        udp_socket socket{anywhere};
        socket.connect({"127.0.0.1", 9});
        std::error_code failed;
        const auto waiter = spawn([&] { call.wait(socket, {}, failed); });
        yield();
        CHECK(waiter.started());
        socket.close();
        waiter.join();
        CHECK(failed == errc::closed);
        call.wait(socket, {}, failed);
        CHECK(failed == errc::closed);
        CHECK_FALSE(socket.is_open());
      });
    }
  }

  TEST_CASE("moving, assigning over and destroying a socket") {
    in_real_hub([] {
      std::error_code failed;
      std::array<char, 8> part;
      {
        udp_socket socket{anywhere};
        const auto reader = spawn([&] { socket.receive(part, {}, failed); });
        yield();
        udp_socket moved = std::move(socket);
        CHECK_FALSE(socket.is_open());
        udp_socket client;
        client.send_to("x", moved.local());
        reader.join();
        CHECK_FALSE(failed);
        const auto next = spawn([&] { moved.receive(part, {}, failed); });
        yield();
        moved = std::move(client);
        next.join();
        CHECK(failed == errc::closed);
      }
      greenlet<void> last;
      {
        udp_socket socket{anywhere};
        last = spawn([&] { socket.receive(part, {}, failed); });
        yield();
      }
      last.join();
      CHECK(failed == errc::closed);
    });
  }

  TEST_CASE("a socket that is not open, or is closed, reports closed") {
    in_real_hub([] {
      udp_socket socket;
      std::array<char, 8> part;
      std::error_code failed;
      const auto reports_closed = [&] {
        socket.receive(part, {}, failed);
        CHECK(failed == errc::closed);
        socket.send("x", {}, failed);
        CHECK(failed == errc::closed);
      };
      reports_closed();
      socket.close();
      reports_closed();
      socket.send_to("x", udp_address{"127.0.0.1", 9}, {}, failed);
      CHECK(failed == errc::closed);
      socket.connect({"127.0.0.1", 9}, {}, failed);
      CHECK(failed == errc::closed);
      CHECK(socket.peer() == udp_address{});
      CHECK_THROWS_AS(socket.set_broadcast(true), std::system_error);
    });
  }

  TEST_CASE("a socket closed during its lookup is not opened again") {
    in_real_hub([] {
      hanging_resolver resolver;
      udp_socket socket;
      std::error_code failed;
      const auto connecting = spawn([&] {
        socket.connect({"hangs.test", 9}, {}, failed);
      });
      const auto sending = spawn([&] {
        std::error_code ignored;
        socket.send_to("x", udp_address{"hangs.test", 9}, {}, ignored);
      });
      yield();
      socket.close();
      resolver.release();
      connecting.join();
      sending.join();
      CHECK(failed == errc::closed);
      CHECK_FALSE(socket.is_open());
    });
  }

  // --- kills ----------------------------------------------------------------

  TEST_CASE("a kill or timeout at any call loses no datagram") {
    in_real_hub([] {
      const std::size_t before = open_descriptors();
      for (const udp_call& call : udp_calls()) {
        CAPTURE(call.name);
        udp_socket socket{anywhere};
        socket.connect(socket.local());
        std::error_code failed;
        const auto victim = spawn([&] { call.wait(socket, {}, failed); });
        yield();
        idle();
        victim.kill();
        CHECK(victim.killed());
        CHECK_FALSE(timeout{1ms}.run([&] { call.wait(socket, {}, failed); }));
        socket.send("still");
        CHECK(receive_text(socket) == "still");
      }
      CHECK(open_descriptors() == before);
    });
  }

  TEST_CASE("a datagram that comes with a kill is not lost") {
    in_real_hub([] {
      udp_socket socket{anywhere};
      socket.connect(socket.local());
      std::size_t got = 0;
      const auto victim = spawn([&] {
        std::array<char, 8> part;
        got = socket.receive(part);
      });
      yield();
      idle();
      socket.send("x");
      victim.kill();
      if (got == 0) CHECK(receive_text(socket) == "x");
    });
  }
}
