#include <greenroom/net/stream_server.hpp>

#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/queue.hpp>

#include "hub/support.hpp"
#include "net/server_support.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// Connected by the kernel alone: the hub has had no turn.
class raw_client {
public:
  explicit raw_client(const tcp_address& to)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    inet_pton(AF_INET, to.host.c_str(), &address.sin_addr);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address),
                      sizeof address) == 0);
  }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;
  ~raw_client() { ::close(socket_); }

  void write(std::string_view bytes) {
    REQUIRE(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  void reset_at_end() {
    const linger hard{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

private:
  int socket_;
};

/// UBSan opens a pipe to look at a type that it has not met before, so it
/// must meet errors while it can.
void meet_errors() {
  std::error_code failed;
  tcp_socket::connect({"127.0.0.1", 0}, {}, failed);
  REQUIRE(failed != std::errc::connection_aborted);
  REQUIRE(!failed.message().empty());
}

/// Valgrind keeps the limit on open files for itself: accept does not meet it.
bool has_file_limit() {
  const char* preloaded = std::getenv("LD_PRELOAD");
  return !preloaded || !std::strstr(preloaded, "vgpreload");
}

/// While it lives, no file can be opened.
class no_more_files {
public:
  no_more_files() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = ::dup(0);
    REQUIRE(lowest_free >= 0);
    ::close(lowest_free);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    setrlimit(RLIMIT_NOFILE, &none);
  }
  no_more_files(const no_more_files&) = delete;
  no_more_files& operator=(const no_more_files&) = delete;
  ~no_more_files() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

} // namespace

TEST_SUITE("net") {
  TEST_CASE("port 0 takes a free port, and local tells which") {
    in_hub([] {
      stream_server server{anywhere, greet};
      CHECK(!server.started());
      CHECK(server.local() == anywhere);
      server.start();
      CHECK(server.started());
      CHECK(server.local().host == "127.0.0.1");
      CHECK(server.local().port != 0);
      server.stop();
      CHECK(!server.started());
    });
  }

  TEST_CASE("each connection is handled in a greenlet of its own") {
    in_hub([] {
      queue<std::uint32_t> who;
      served here{[&](stream& peer) {
        who.put(current().id());
        listen_to(peer);
      }};
      tcp_socket first = here.visit();
      tcp_socket second = here.visit();
      const auto one = who.get();
      const auto other = who.get();
      CHECK(one != other);
      CHECK(one != current().id());
      CHECK(here.server.connections() == 2);
    });
  }

  TEST_CASE("the connection closes when the handler returns") {
    in_hub([] {
      served here{greet};
      tcp_socket visitor = here.visit();
      CHECK(read_all(visitor) == "hello");
      CHECK(here.server.connections() == 0);
    });
  }

  TEST_CASE("an IPv6 address and a name can be listened on") {
    test::in_hub_on(clock_kind::real, [] {
      for (const char* host : {"::1", "localhost"}) {
        CAPTURE(host);
        stream_server server{{host, 0}, greet};
        try {
          server.start();
        } catch (const std::system_error& error) {
          if (error.code() == std::errc::address_not_available) continue;
          throw; // here without IPv6
        }
        tcp_socket visitor = tcp_socket::connect(server.local());
        CHECK(read_all(visitor) == "hello");
        server.stop();
      }
    });
  }

  // GEVENT.md 3.2, 62
  TEST_CASE("a handler that throws is logged and closes its connection only") {
    test::captured_log log;
    in_hub([&] {
      served here{[](stream& peer) {
        std::array<char, 1> order;
        while (peer.read_some(order) == 1) {
          if (order[0] == '!') throw std::runtime_error("no such order");
          peer.write("ok");
        }
      }};
      tcp_socket calm = here.visit();
      tcp_socket rash = here.visit();
      rash.write("!");
      CHECK(read_all(rash) == "");
      CHECK(log.count("no such order") == 1);
      CHECK(here.server.connections() == 1);
      calm.write("?");
      calm.shutdown_write();
      CHECK(read_all(calm) == "ok");
      tcp_socket later = here.visit();
      later.write("?");
      later.shutdown_write();
      CHECK(read_all(later) == "ok");
    });
  }

  TEST_CASE("a port in use: the error names the address") {
    in_hub([] {
      served here{greet};
      stream_server rival{here.server.local(), greet};
      const std::string error = test::error_of([&] { rival.start(); });
      CHECK(error.find(here.server.local().text()) != error.npos);
      CHECK(error.find("Address already in use") != error.npos);
      CHECK(!rival.started());
      rival.stop();
    });
  }

  TEST_CASE("an address of another machine: the error names it") {
    in_hub([] {
      stream_server server{{"192.0.2.1", 7}, greet};
      const std::string error = test::error_of([&] { server.start(); });
      CHECK(error.find("192.0.2.1:7") != error.npos);
    });
  }

  TEST_CASE("starting what is started does nothing") {
    in_hub([] {
      served here{greet};
      const tcp_address before = here.server.local();
      here.server.start();
      CHECK(here.server.local() == before);
    });
  }

  TEST_CASE("a full server pauses accepting and resumes when one leaves") {
    in_hub([] {
      queue<bool> inside;
      served here{[&](stream& peer) {
                    inside.put(true);
                    peer.write("hello");
                    listen_to(peer);
                  },
                  {.most_connections = 2}};
      std::optional<tcp_socket> first = here.visit();
      tcp_socket second = here.visit();
      inside.get();
      inside.get();
      tcp_socket third = here.visit(); // by the kernel alone
      std::array<char, 5> greeting;
      std::error_code failed;
      third.read(greeting, 1s, failed);
      CHECK(failed == errc::timed_out);
      CHECK(here.server.connections() == 2);
      first.reset();
      third.read(greeting);
      CHECK(std::string_view(greeting.data(), 5) == "hello");
      CHECK(here.server.connections() == 2);
    });
  }

  TEST_CASE("a full server can be stopped") {
    in_hub([] {
      queue<bool> inside;
      served here{[&](stream& peer) {
                    inside.put(true);
                    listen_to(peer);
                  },
                  {.most_connections = 1}};
      const tcp_socket first = here.visit();
      inside.get();
      tcp_socket second = here.visit();
      here.server.stop(1s);
      CHECK(read_all(second) == "");
      CHECK(inside.empty());
    });
  }

  TEST_CASE("too many open files: accepting pauses, logs, and goes on") {
    if (!has_file_limit()) {
      MESSAGE("skipped: no limit on open files");
      return;
    }
    test::captured_log log;
    in_hub([&] {
      meet_errors();
      served here{greet};
      yield();
      for (int round = 1; round <= 2; ++round) {
        raw_client visitor{here.server.local()};
        {
          const no_more_files full;
          sleep(10s);
        }
        const std::string where = "accept on " + here.server.local().text();
        CHECK(log.has(where));
        CHECK(log.has("Too many open files; trying again in 10 ms"));
        CHECK(log.count("again in 20 ms") == round); // begins anew each time
        CHECK(log.count("again in 640 ms") == round);
        CHECK(log.count("again in 1000 ms") == round * 9);
        sleep(1s);
        CHECK(here.server.connections() == 0); // greeted and gone
        tcp_socket next = here.visit();
        CHECK(read_all(next) == "hello");
      }
    });
  }

  TEST_CASE("a server that pauses can be stopped") {
    in_hub([] {
      meet_errors();
      served here{greet};
      yield();
      raw_client visitor{here.server.local()};
      const no_more_files full;
      sleep(2s);
      CHECK(test::time_of([&] { here.server.stop(); }) == 0s);
    });
  }

  TEST_CASE("a peer may reset at every point of a request") {
    const std::string request = "a request of some thirty bytes\n";
    in_hub([&] {
      int served_whole = 0;
      served here{[&](stream& peer) {
        std::string whole(request.size(), '\0');
        std::error_code failed;
        peer.read(whole, {}, failed);
        if (failed) return;
        ++served_whole;
        peer.write(std::string(100'000, 'x'), {}, failed);
      }};
      for (std::size_t bytes = 0; bytes <= request.size(); ++bytes)
        for (const bool in_one_go : {true, false}) {
          tcp_socket visitor = here.visit();
          if (!in_one_go) yield(); // the handler waits
          visitor.write(std::string_view(request).substr(0, bytes));
          if (!in_one_go) idle(); // the handler has read
          visitor.reset();
        }
      for (std::size_t bytes = 0; bytes <= 100'000; bytes += 9973) {
        tcp_socket visitor = here.visit(); // in the middle of the answer
        visitor.write(request);
        std::string part(bytes, '\0');
        visitor.read(part);
        visitor.reset();
      }
      tcp_socket visitor = here.visit();
      visitor.write(request);
      CHECK(read_all(visitor).size() == 100'000);
      CHECK(served_whole > 0);
    });
  }

  TEST_CASE("peers that are gone before they are accepted do no harm") {
    in_hub([] {
      served here{[](stream& peer) {
        std::array<char, 10> some;
        std::error_code failed;
        peer.read_some(some, {}, failed);
        peer.write("hello", {}, failed);
      }};
      for (int round = 0; round < 100; ++round) {
        raw_client visitor{here.server.local()};
        if (round % 3 == 1) visitor.write("x");
        if (round % 2 == 1) visitor.reset_at_end();
      }
      tcp_socket visitor = here.visit();
      visitor.write("x");
      CHECK(read_all(visitor) == "hello");
    });
  }

  TEST_CASE("a handler may be killed: only its connection closes") {
    in_hub([] {
      queue<any_greenlet> inside;
      served here{[&](stream& peer) {
        inside.put(current());
        listen_to(peer);
      }};
      tcp_socket first = here.visit();
      const any_greenlet victim = inside.get();
      tcp_socket second = here.visit();
      inside.get();
      victim.kill();
      CHECK(read_all(first) == "");
      CHECK(here.server.connections() == 1);
    });
  }

  TEST_CASE("a handler may close or move the connection itself") {
    in_hub([] {
      std::optional<tcp_socket> kept;
      served here{[&](stream& peer) {
        std::array<char, 1> order;
        peer.read_some(order);
        if (order[0] == 'c') return peer.close();
        kept = std::move(dynamic_cast<tcp_socket&>(peer));
      }};
      tcp_socket first = here.visit();
      first.write("c");
      CHECK(read_all(first) == "");
      tcp_socket second = here.visit();
      second.write("m");
      while (here.server.connections() > 0 || !kept)
        yield();
      kept->write("still here");
      kept.reset();
      CHECK(read_all(second) == "still here");
    });
  }

  TEST_CASE("a peer that has said all can still be answered") {
    in_hub([] {
      served here{[](stream& peer) {
        const std::string said = read_all(peer);
        peer.write("heard " + said);
      }};
      tcp_socket visitor = here.visit();
      visitor.write("this");
      visitor.shutdown_write();
      CHECK(read_all(visitor) == "heard this");
    });
  }

  TEST_CASE("hundreds of connections at a time") {
    in_hub([] {
      constexpr std::size_t visitors = 400; // two descriptors each
      queue<bool> inside;
      served here{[&](stream& peer) {
        inside.put(true);
        listen_to(peer);
      }};
      std::vector<tcp_socket> all;
      for (std::size_t each = 0; each < visitors; ++each)
        all.push_back(here.visit());
      for (std::size_t each = 0; each < visitors; ++each)
        inside.get();
      CHECK(here.server.connections() == visitors);
      all.clear();
    });
  }
}
