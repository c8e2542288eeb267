#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/tcp.hpp>

#include <dlfcn.h>
#include <netdb.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::in_hub_on;
using test::time_of;

namespace {

/// While it lives, the host "hangs.test" takes for ever to resolve.
class hanging_resolver {
public:
  hanging_resolver() { current = this; }
  hanging_resolver(const hanging_resolver&) = delete;
  hanging_resolver& operator=(const hanging_resolver&) = delete;
  ~hanging_resolver() { release(); }

  void release() {
    if (!released_) end_.set_value();
    released_ = true;
  }

  static inline hanging_resolver* current = nullptr;
  std::shared_future<void> end() const { return ended_; }

private:
  bool released_ = false;
  std::promise<void> end_;
  std::shared_future<void> ended_{end_.get_future()};
};

} // namespace

// Stands in front of the C library's.
extern "C" int getaddrinfo(const char* host, const char* service,
                           const addrinfo* hints, addrinfo** found) {
  static const auto real =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string_view name = host ? host : "";
  if (name == "hangs.test") {
    hanging_resolver::current->end().wait();
    return EAI_AGAIN;
  }
  if (name == "nowhere.test") return EAI_NONAME;
  return real(host, service, hints, found);
}

namespace {

/// Two ends of a connection.
struct connection {
  tcp_listener door{{"127.0.0.1", 0}};
  tcp_socket near = tcp_socket::connect(door.local());
  tcp_socket far = door.accept();
};

/// A port that answers no connection: its queue is full.
struct full_port {
  full_port() {
    std::error_code failed;
    while (!failed)
      waiting.push_back(tcp_socket::connect(door.local(), 50ms, failed));
    CHECK(failed == errc::timed_out);
  }
  tcp_listener door{{"127.0.0.1", 0}, 0};
  std::vector<tcp_socket> waiting;
};

std::string read_text(tcp_socket& from, std::size_t bytes) {
  std::string text(bytes, ' ');
  from.read(text);
  return text;
}

/// Until the end of the stream.
std::string read_all(tcp_socket& from) {
  std::string text;
  std::array<char, 4096> part;
  while (const std::size_t bytes = from.read_some(part))
    text.append(part.data(), bytes);
  return text;
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::uint16_t closed_port() {
  return tcp_listener{{"127.0.0.1", 0}}.local().port;
}

/// Lets the process open no further descriptor.
class no_descriptors {
public:
  no_descriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(0);
    close(next);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(next);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;
  ~no_descriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

/// What waits on a connection or a door, by name.
struct waiting_call {
  const char* name;
  std::function<void(connection&, deadline, std::error_code&)> wait;
};

const std::string& more_than_fits() {
  static const std::string bytes(32 << 20, 'x');
  return bytes;
}

const std::vector<waiting_call>& waiting_calls() {
  static const std::vector<waiting_call> all{
      {"read_some",
       [](connection& on, deadline until, std::error_code& failed) {
         std::array<char, 8> part;
         on.near.read_some(part, until, failed);
       }},
      {"read",
       [](connection& on, deadline until, std::error_code& failed) {
         std::array<char, 8> part;
         on.near.read(part, until, failed);
       }},
      {"write",
       [](connection& on, deadline until, std::error_code& failed) {
         on.near.write(more_than_fits(), until, failed);
       }},
      {"accept",
       [](connection& on, deadline until, std::error_code& failed) {
         on.door.accept(until, failed);
       }},
  };
  return all;
}

template <class Body>
void in_real_hub(Body&& body) {
  in_hub_on(clock_kind::real, std::forward<Body>(body));
}

} // namespace

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
      CHECK(error_of([&] { c.far.read(part); }).find("read: closed") !=
            std::string::npos);
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

  // --- connecting and listening -------------------------------------------

  TEST_CASE("a refused connect names the address") {
    in_real_hub([] {
      const tcp_address nobody{"127.0.0.1", closed_port()};
      CHECK(error_of([&] { tcp_socket::connect(nobody); }) ==
            "std::system_error: connect to " + nobody.text() +
                ": Connection refused");
      std::error_code failed;
      CHECK_FALSE(tcp_socket::connect(nobody, 1s, failed).is_open());
      CHECK(failed == std::errc::connection_refused);
    });
  }

  TEST_CASE("a host that does not exist is an error that names it") {
    in_real_hub([] {
      CHECK(error_of([] {
              tcp_socket::connect({"nowhere.test", 80});
            }).find("connect to nowhere.test:80: Host not found") !=
            std::string::npos);
    });
  }

  TEST_CASE("connect tries all addresses of a name") {
    in_real_hub([] {
      // localhost may mean ::1 first; only 127.0.0.1 listens.
      tcp_listener door{{"127.0.0.1", 0}};
      auto near = tcp_socket::connect({"localhost", door.local().port}, 10s);
      auto far = door.accept();
      near.write("x");
      CHECK(read_text(far, 1) == "x");
    });
  }

  TEST_CASE("a listener may be given a name") {
    in_real_hub([] {
      tcp_listener door{{"localhost", 0}};
      CHECK(tcp_socket::connect(door.local()).is_open());
    });
  }

  TEST_CASE("connections run over IPv6") {
    in_real_hub([] {
      std::optional<tcp_listener> door;
      try {
        door.emplace(tcp_address{"::1", 0});
      } catch (const std::system_error&) {
        return; // a machine without it
      }
      CHECK(door->local().text() ==
            "[::1]:" + std::to_string(door->local().port));
      auto near = tcp_socket::connect(door->local());
      auto far = door->accept();
      near.write("six");
      CHECK(read_text(far, 3) == "six");
    });
  }

  TEST_CASE("port 0 asks for a free port") {
    in_real_hub([] {
      const tcp_listener first{{"127.0.0.1", 0}};
      const tcp_listener second{{"127.0.0.1", 0}};
      CHECK(first.local().port != 0);
      CHECK(first.local().port != second.local().port);
      CHECK(first.local().host == "127.0.0.1");
    });
  }

  TEST_CASE("a port in use is refused by name, a closed one is free") {
    in_real_hub([] {
      tcp_listener first{{"127.0.0.1", 0}};
      const tcp_address address = first.local();
      CHECK(error_of([&] { tcp_listener second{address}; }) ==
            "std::system_error: listen on " + address.text() +
                ": Address already in use");
      first.close();
      const tcp_listener third{address};
      CHECK(third.local() == address);
    });
  }

  TEST_CASE("connections that came before accept wait for it in order") {
    in_real_hub([] {
      tcp_listener door{{"127.0.0.1", 0}};
      std::vector<tcp_socket> visitors;
      for (int i = 0; i < 5; ++i)
        visitors.push_back(tcp_socket::connect(door.local()));
      for (const tcp_socket& each : visitors)
        CHECK(door.accept().peer() == each.local());
    });
  }

  TEST_CASE("a resolver that hangs holds up neither deadline nor kill") {
    hanging_resolver resolver;
    in_real_hub([&] {
      const tcp_address slow{"hangs.test", 80};
      std::error_code failed;
      tcp_socket::connect(slow, 5ms, failed);
      CHECK(failed == errc::timed_out);
      const auto victim = spawn([&] { tcp_socket::connect(slow); });
      yield();
      CHECK(victim.kill(10s));
      CHECK(victim.killed());
      CHECK_FALSE(timeout{5ms}.run([&] { tcp_socket::connect(slow); }));
      resolver.release();
      CHECK(error_of([&] {
              tcp_socket::connect(slow);
            }).find("connect to hangs.test:80: Host not found") !=
            std::string::npos);
    });
  }

  TEST_CASE("without descriptors accept and connect fail and then recover") {
    in_real_hub([] {
      tcp_listener door{{"127.0.0.1", 0}};
      auto visitor = tcp_socket::connect(door.local());
      std::error_code failed;
      {
        const no_descriptors limit;
        CHECK_FALSE(door.accept(1s, failed).is_open());
        CHECK(failed == std::errc::too_many_files_open);
        CHECK_FALSE(tcp_socket::connect(door.local(), 1s, failed).is_open());
        CHECK(failed == std::errc::too_many_files_open);
        CHECK_THROWS_AS(tcp_listener({"127.0.0.1", 0}), std::system_error);
      }
      // Valgrind closes what the kernel would keep for the next accept.
      const auto second = tcp_socket::connect(door.local());
      CHECK(door.accept(1s).is_open());
    });
  }

  TEST_CASE("the thrown and the stored error are the same") {
    in_hub([] {
      connection c;
      const std::string timed_out = "timed out";
      std::array<char, 8> part;
      CHECK(error_of([&] { c.near.read_some(part, 1s); }) ==
            "std::system_error: read: timed out");
      CHECK(error_of([&] { c.near.read(part, 1s); }) ==
            "std::system_error: read: timed out");
      CHECK(error_of([&] { c.near.write(more_than_fits(), 1s); }) ==
            "std::system_error: write: timed out");
      CHECK(error_of([&] { c.door.accept(1s); }) ==
            "std::system_error: accept on " + c.door.local().text() +
                ": timed out");
    });
  }

  // --- lines --------------------------------------------------------------

  TEST_CASE("lines end with a line feed, with or without a return") {
    in_real_hub([] {
      connection c;
      c.far.write("one\ntwo\r\n\n\r\nfive\rstill five\nlast");
      c.far.close();
      line_reader lines{c.near};
      CHECK(lines.next() == "one");
      CHECK(lines.next() == "two");
      CHECK(lines.next() == "");
      CHECK(lines.next() == "");
      CHECK(lines.next() == "five\rstill five");
      CHECK(lines.next() == "last");
      CHECK(lines.next() == std::nullopt);
      CHECK(lines.next() == std::nullopt);
    });
  }

  TEST_CASE("a stream without text has no lines") {
    in_real_hub([] {
      connection c;
      c.far.close();
      line_reader lines{c.near};
      CHECK(lines.next() == std::nullopt);
    });
  }

  TEST_CASE("a line may come in any number of pieces") {
    in_real_hub([] {
      connection c;
      std::vector<std::string> read;
      const auto reader = spawn([&] {
        line_reader lines{c.near};
        while (const auto line = lines.next())
          read.push_back(*line);
      });
      for (const char byte : std::string("ab\r\ncd\n\r\ne")) {
        c.far.write({&byte, 1});
        idle();
      }
      c.far.close();
      reader.join();
      CHECK(read == std::vector<std::string>{"ab", "cd", "", "e"});
    });
  }

  TEST_CASE("a line as long as the limit is read, a longer one refused") {
    for (const char* end : {"\n", "\r\n", ""}) {
      CAPTURE(end);
      in_real_hub([&] {
        for (const std::size_t length : {9u, 10u, 11u, 5000u}) {
          CAPTURE(length);
          connection c;
          const std::string text(length, 'x');
          c.far.write("short\n" + text + end);
          c.far.close();
          line_reader lines{c.near, 10};
          CHECK(lines.next() == "short");
          std::error_code failed;
          const auto line = lines.next({}, failed);
          if (length <= 10) {
            CHECK(line == text);
            CHECK(lines.next() == std::nullopt);
          } else {
            CHECK_FALSE(line);
            CHECK(failed == std::errc::message_size);
            CHECK_THROWS_AS(lines.next(), std::system_error);
          }
        }
      });
    }
  }

  TEST_CASE("a line longer than the limit is refused before its end comes") {
    in_real_hub([] {
      connection c;
      line_reader lines{c.near, 10};
      std::error_code failed;
      c.far.write("1234567890");
      CHECK_FALSE(lines.next(1ms, failed));
      CHECK(failed == errc::timed_out);
      c.far.write("\r");
      CHECK_FALSE(lines.next(1ms, failed));
      CHECK(failed == errc::timed_out);
      c.far.write("!");
      CHECK_FALSE(lines.next(1s, failed));
      CHECK(failed == std::errc::message_size);
    });
  }

  TEST_CASE("many short lines together may exceed the limit") {
    in_real_hub([] {
      connection c;
      std::string text;
      for (int i = 0; i < 1000; ++i)
        text += std::to_string(i) + "\n";
      c.far.write(text);
      c.far.close();
      line_reader lines{c.near, 5};
      for (int i = 0; i < 1000; ++i)
        CHECK(lines.next() == std::to_string(i));
      CHECK(lines.next() == std::nullopt);
    });
  }

  TEST_CASE("a reader that was killed or late goes on without a loss") {
    in_real_hub([] {
      connection c;
      line_reader lines{c.near};
      c.far.write("first\nsec");
      CHECK(lines.next() == "first");
      std::error_code failed;
      CHECK_FALSE(lines.next(1ms, failed));
      CHECK(failed == errc::timed_out);
      CHECK_FALSE(timeout{1ms}.run([&] { lines.next(); }));
      c.far.write("o");
      const auto victim = spawn([&] { lines.next(); });
      yield();
      idle();
      victim.kill();
      CHECK(victim.killed());
      c.far.write("nd\n");
      CHECK(lines.next() == "second");
    });
  }

  TEST_CASE("an error in the middle of a line is reported") {
    in_real_hub([] {
      connection c;
      line_reader lines{c.near};
      c.far.write("half");
      std::error_code failed;
      CHECK_FALSE(lines.next(1ms, failed));
      c.far.reset();
      CHECK_FALSE(lines.next({}, failed));
      CHECK(failed == std::errc::connection_reset);
    });
  }
}
