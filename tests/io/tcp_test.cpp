#include "hub/support.hpp"
#include "io/stream_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/tcp.hpp>

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("io") {
  // --- reading and writing ------------------------------------------------

  TEST_CASE("what one end writes the other reads") {
    in_real_hub([] {
      connection c;
      c.near.write("hello");
      CHECK(read_text(c.far, 5) == "hello");
      c.far.write("hi ");
      c.far.write("there");
      CHECK(read_text(c.near, 8) == "hi there");
      CHECK(c.near.peer() == c.far.local());
      CHECK(c.far.peer() == c.near.local());
      CHECK(c.near.peer() == c.door.local());
    });
  }

  TEST_CASE("read_some returns what has come, read waits for all") {
    in_real_hub([] {
      connection c;
      std::array<char, 100> part;
      c.near.write("abc");
      CHECK(c.far.read_some(part) == 3);
      std::string text;
      const auto reader = spawn([&] { text = read_text(c.far, 6); });
      c.near.write("abc");
      yield();
      CHECK(reader.started());
      c.near.write("def");
      reader.join();
      CHECK(text == "abcdef");
    });
  }

  TEST_CASE("reading at the end of the stream gives 0, each time") {
    in_real_hub([] {
      connection c;
      c.near.write("last");
      c.near.close();
      CHECK(read_all(c.far) == "last");
      std::array<char, 8> part;
      CHECK(c.far.read_some(part, 1s) == 0);
      std::error_code failed;
      CHECK(c.far.read_some(part, 1s, failed) == 0);
      CHECK_FALSE(failed);
    });
  }

  TEST_CASE("a stream that ends inside read is an error") {
    in_real_hub([] {
      connection c;
      c.near.write("abc");
      c.near.shutdown_write();
      std::array<char, 8> part;
      std::error_code failed;
      CHECK(c.far.read(part, {}, failed) == 3);
      CHECK(failed == errc::closed);
      CHECK(error_of([&] { c.far.read(part); }).find(": closed") !=
            std::string::npos);
    });
  }

  TEST_CASE("readers that take from one another wait again, and lose nothing") {
    in_real_hub([] {
      connection c;
      constexpr int bytes = 500;
      int taken = 0;
      const auto read_on = [&](int descriptor) {
        tcp_socket own = tcp_socket::adopt(descriptor);
        std::array<char, 1> part;
        while (own.read_some(part) == 1) // mostly told in vain: EAGAIN
          ++taken;
      };
      std::vector<any_greenlet> readers;
      for (int i = 0; i < 10; ++i)
        readers.push_back(spawn(read_on, ::dup(c.near.native_handle())));
      for (int i = 0; i < bytes; ++i) {
        c.far.write("x");
        for (int turns = 0; turns < 3; ++turns)
          idle(); // until all wait again
      }
      c.far.close();
      joinall(readers);
      CHECK(taken == bytes);
    });
  }

  TEST_CASE("a half-closed connection still carries the other direction") {
    in_real_hub([] {
      connection c;
      c.near.shutdown_write();
      CHECK(read_all(c.far) == "");
      c.far.write("still here");
      CHECK(read_text(c.near, 10) == "still here");
    });
  }

  TEST_CASE("a reset by the peer is an error of reading and of writing") {
    in_real_hub([] {
      connection c;
      c.far.reset();
      std::array<char, 8> part;
      std::error_code failed;
      CHECK(c.near.read_some(part, {}, failed) == 0);
      CHECK(failed == std::errc::connection_reset);
      c.near.write("x", {}, failed);
      CHECK(failed == std::errc::broken_pipe);
      CHECK_THROWS_AS(c.near.write("x"), std::system_error);
    });
  }

  TEST_CASE("64 MiB arrive whole at a slow reader") {
    in_real_hub([] {
      connection c;
      constexpr std::size_t size = std::size_t{64} << 20;
      const auto byte_at = [](std::size_t at) {
        return static_cast<char>(at * 2654435761u >> 13);
      };
      const auto writer = spawn([&] {
        std::string bytes(size, ' ');
        for (std::size_t i = 0; i < size; ++i)
          bytes[i] = byte_at(i);
        c.near.write(bytes);
        c.near.close();
      });
      std::string part(1 << 20, ' ');
      std::size_t at = 0;
      bool same = true;
      while (const std::size_t bytes = c.far.read_some(part)) {
        for (std::size_t i = 0; i < bytes; ++i)
          same = same && part[i] == byte_at(at + i);
        at += bytes;
        yield();
      }
      CHECK(at == size);
      CHECK(same);
      writer.join();
    });
  }

  TEST_CASE("one greenlet reads while another writes, not two the same") {
    in_real_hub([] {
      connection c;
      std::array<char, 8> part;
      const auto reader = spawn([&] { c.near.read(part); });
      const auto writer = spawn([&] { c.near.write(more_than_fits()); });
      yield();
      std::error_code failed;
      c.near.read_some(part, {}, failed);
      CHECK(failed == errc::busy);
      c.near.read(part, {}, failed);
      CHECK(failed == errc::busy);
      c.near.write("x", {}, failed);
      CHECK(failed == errc::busy);
      CHECK_THROWS_AS(c.near.read_some(part), std::system_error);
      const auto acceptor = spawn([&] { c.door.accept(); });
      yield();
      c.door.accept({}, failed);
      CHECK(failed == errc::busy);
      acceptor.kill();
      c.far.write("12345678");
      reader.join();
      CHECK(reader.successful());
      writer.kill();
      c.near.read_some(part, 1ms, failed);
      CHECK(failed == errc::timed_out);
    });
  }

  TEST_CASE("a socket that is not connected reports closed") {
    in_real_hub([] {
      tcp_socket socket;
      std::array<char, 8> part;
      CHECK_FALSE(socket.is_open());
      std::error_code failed;
      socket.read_some(part, {}, failed);
      CHECK(failed == errc::closed);
      socket.read(part, {}, failed);
      CHECK(failed == errc::closed);
      socket.write("x", {}, failed);
      CHECK(failed == errc::closed);
      socket.shutdown_write();
      socket.close();
      CHECK(socket.local() == tcp_address{});
      CHECK(socket.peer() == tcp_address{});
    });
  }

  TEST_CASE("a socket may be moved while a greenlet waits on it") {
    in_real_hub([] {
      connection c;
      std::string text;
      const auto reader = spawn([&] { text = read_text(c.near, 4); });
      yield();
      const tcp_socket moved = std::move(c.near);
      c.far.write("text");
      reader.join();
      CHECK(text == "text");
      CHECK(moved.is_open());
      CHECK_FALSE(c.near.is_open());
    });
  }

  // --- closing under a waiting call ---------------------------------------

  TEST_CASE("closing wakes whoever waits, with closed") {
    for (const waiting_call& call : waiting_calls()) {
      CAPTURE(call.name);
      in_real_hub([&] {
        connection c;
        std::error_code failed;
        const auto waiter = spawn([&] { call.wait(c, {}, failed); });
        yield();
        CHECK(waiter.started());
        c.near.close();
        c.door.close();
        waiter.join();
        CHECK(failed == errc::closed);
        call.wait(c, {}, failed);
        CHECK(failed == errc::closed);
      });
    }
  }

  TEST_CASE("destroying the object wakes whoever waits, with closed") {
    for (const waiting_call& call : waiting_calls()) {
      CAPTURE(call.name);
      in_real_hub([&] {
        auto c = std::make_unique<connection>();
        std::error_code failed;
        const auto waiter = spawn([&] { call.wait(*c, {}, failed); });
        yield();
        CHECK(waiter.started());
        c.reset();
        waiter.join();
        CHECK(failed == errc::closed);
      });
    }
  }

  TEST_CASE("assigning over a socket closes it") {
    in_real_hub([] {
      connection c;
      connection other;
      std::error_code failed;
      std::array<char, 8> part;
      const auto reader = spawn([&] { c.near.read_some(part, {}, failed); });
      yield();
      c.near = std::move(other.near);
      reader.join();
      CHECK(failed == errc::closed);
      other.far.write("x");
      CHECK(c.near.read_some(part) == 1);
    });
  }

  TEST_CASE("connections outlive the listener that accepted them") {
    in_real_hub([] {
      connection c;
      c.door.close();
      CHECK_FALSE(c.door.is_open());
      c.near.write("x");
      CHECK(read_text(c.far, 1) == "x");
    });
  }

  // --- deadlines, timeouts, kills -----------------------------------------

  TEST_CASE("every call gives up at its deadline and can go on after") {
    for (const waiting_call& call : waiting_calls()) {
      CAPTURE(call.name);
      in_hub([&] {
        connection c;
        std::error_code failed;
        CHECK(time_of([&] { call.wait(c, 2s, failed); }) == 2s);
        CHECK(failed == errc::timed_out);
        CHECK(time_of([&] { call.wait(c, 1s, failed); }) == 1s);
        CHECK(failed == errc::timed_out);
        CHECK(c.near.is_open());
        CHECK(c.door.is_open());
      });
    }
  }

  TEST_CASE("a deadline counts for the whole call") {
    in_hub([] {
      connection c;
      const auto dribble = spawn([&] {
        for (int i = 0; i < 10; ++i) {
          sleep(400ms);
          c.far.write("x");
        }
      });
      std::array<char, 8> part;
      std::error_code failed;
      CHECK(time_of([&] { CHECK(c.near.read(part, 1s, failed) == 2); }) == 1s);
      CHECK(failed == errc::timed_out);
      dribble.join();
    });
  }

  TEST_CASE("a timeout around a call is thrown there and leaves it usable") {
    for (const waiting_call& call : waiting_calls()) {
      CAPTURE(call.name);
      in_hub([&] {
        connection c;
        std::error_code failed;
        CHECK_FALSE(timeout{1s}.run([&] { call.wait(c, {}, failed); }));
        call.wait(c, 1s, failed);
        CHECK(failed == errc::timed_out);
      });
    }
  }

  TEST_CASE("a kill at any call leaks no descriptor") {
    in_real_hub([] {
      std::array<char, 1> part;
      const std::size_t before = open_descriptors();
      for (const waiting_call& call : waiting_calls()) {
        CAPTURE(call.name);
        connection c;
        std::error_code failed;
        const auto victim = spawn([&] { call.wait(c, {}, failed); });
        yield();
        victim.kill();
        CHECK(victim.killed());
        c.far.write("x");
        CHECK(c.near.read_some(part) == 1);
        auto next = tcp_socket::connect(c.door.local());
        CHECK(c.door.accept().is_open());
      }
      CHECK(open_descriptors() == before);
    });
  }

  TEST_CASE("a kill or timeout in connect leaks no descriptor") {
    in_real_hub([] {
      const full_port port;
      const std::size_t before = open_descriptors();
      const auto victim =
          spawn([&] { tcp_socket::connect(port.door.local()); });
      yield();
      idle();
      victim.kill();
      CHECK(victim.killed());
      CHECK_FALSE(
          timeout{1ms}.run([&] { tcp_socket::connect(port.door.local()); }));
      std::error_code failed;
      CHECK_FALSE(
          tcp_socket::connect(port.door.local(), 1ms, failed).is_open());
      CHECK(failed == errc::timed_out);
      CHECK(open_descriptors() == before);
    });
  }

  TEST_CASE("a connection made in the moment of the kill is not lost") {
    in_real_hub([] {
      tcp_listener door{{"127.0.0.1", 0}};
      const std::size_t before = open_descriptors();
      const auto victim = spawn([&] { door.accept(); });
      yield();
      {
        auto visitor = tcp_socket::connect(door.local());
        victim.kill();
        std::error_code failed;
        door.accept(1ms, failed); // where it went depends on the kernel
      }
      CHECK(open_descriptors() == before);
    });
  }

  TEST_CASE("try_accept takes who has come, and never waits") {
    in_real_hub([] {
      tcp_listener door{{"127.0.0.1", 0}};
      std::error_code failed;
      {
        const no_wait here;
        CHECK(!door.try_accept(failed));
        CHECK(!failed);
      }
      auto first = tcp_socket::connect(door.local());
      const auto second = tcp_socket::connect(door.local());
      auto one = door.try_accept(failed);
      REQUIRE(one);
      CHECK(door.try_accept(failed));
      CHECK(!door.try_accept(failed));
      CHECK(!failed);
      first.write("hello");
      CHECK(read_text(*one, 5) == "hello");

      const auto third =
          spawn([&] { return tcp_socket::connect(door.local()); });
      CHECK(door.accept().is_open()); // waits, as ever
      third.join();

      const auto waiter = spawn([&] {
        std::error_code ignored;
        door.accept({}, ignored);
      });
      yield();
      CHECK(!door.try_accept(failed));
      CHECK(failed == errc::busy);
      door.close();
      waiter.join();
      CHECK(!door.try_accept(failed));
      CHECK(failed == errc::closed);
    });
  }
}
