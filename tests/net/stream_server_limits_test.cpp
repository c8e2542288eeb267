// Limits, ports that fail, and connections that are not secure yet.

#include <greenroom/net/stream_server.hpp>

#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/unix.hpp>
#include <greenroom/mailbox/queue.hpp>

#include "hub/support.hpp"
#include "net/server_support.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

bool is_answered(tcp_socket& visitor, deadline until) {
  std::array<char, 5> greeting;
  std::error_code failed;
  visitor.read(greeting, until, failed);
  return !failed;
}

/// Says hello, and stays until the peer has gone.
void greet_and_stay(stream& peer) {
  peer.write("hello");
  listen_to(peer);
}

/// A port that others can spoil.
struct spoiled_port {
  spoiled_port() : ready(anywhere), copy(::dup(ready.native_handle())) {}
  ~spoiled_port() { ::close(copy); }

  tcp_listener ready;
  const int copy;
};

/// As many open files as the system lets us have; so many are free.
std::size_t raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

/// A handshake: one byte, which must be a "k".
std::unique_ptr<stream> knock(socket_stream&& accepted, deadline until) {
  auto peer = std::make_unique<socket_stream>(std::move(accepted));
  std::array<char, 1> sign;
  peer->read(sign, until);
  if (sign[0] == 'x') throw std::runtime_error("no knock");
  if (sign[0] != 'k') return nullptr;
  return peer;
}

} // namespace

TEST_SUITE("net") {
  // GEVENT.md 3.2, 61
  TEST_CASE("two servers share the limit of a pool") {
    in_hub([] {
      pool workers{2};
      const stream_server_options limited{.workers = &workers};
      served one{greet_and_stay, limited};
      served other{greet_and_stay, limited};
      std::optional<tcp_socket> first = one.visit();
      tcp_socket second = other.visit();
      CHECK(is_answered(*first, 1s));
      CHECK(is_answered(second, 1s));
      CHECK(workers.full());
      tcp_socket third = other.visit();
      CHECK(!is_answered(third, 1s));
      first.reset();
      CHECK(is_answered(third, 1s));
      CHECK(workers.size() == 2);
    });
  }

  TEST_CASE("a pool that other work has filled") {
    in_hub([] {
      pool workers{1};
      workers.spawn([] { sleep(5s); });
      served here{greet, {.workers = &workers}};
      tcp_socket visitor = here.visit();
      CHECK(!is_answered(visitor, 4s));
      CHECK(is_answered(visitor, 2s));
    });
  }

  TEST_CASE("a server whose pool is full can be stopped") {
    in_hub([] {
      pool workers{1};
      const auto busy = workers.spawn([] { sleep(1h); });
      served here{greet, {.workers = &workers}};
      tcp_socket visitor = here.visit();
      yield();
      CHECK(test::time_of([&] { here.server.stop(1s); }) <= 1s);
      CHECK(here.server.connections() == 0);
      CHECK(read_all(visitor) == "");
      busy.kill();
    });
  }

  TEST_CASE("a port that is spoiled is closed, and serve_forever throws") {
    test::captured_log log;
    in_hub([&] {
      spoiled_port port;
      stream_server server{std::move(port.ready), greet};
      const std::string name = server.local_name();
      const auto spoiler = spawn([&] {
        sleep(1s);
        ::shutdown(port.copy, SHUT_RDWR); // accepting is EINVAL from now on
      });
      const std::string error = test::error_of([&] { server.serve_forever(); });
      CHECK(error.find("accept on " + name) != std::string::npos);
      CHECK(error.find("Invalid argument") != std::string::npos);
      CHECK(!server.started());
      CHECK(log.count("it is closed") == 1);
      spoiler.join();
    });
  }

  TEST_CASE("connections go on when their server's port is spoiled") {
    test::captured_log log;
    in_hub([] {
      spoiled_port port;
      stream_server server{std::move(port.ready), greet_and_stay};
      server.start();
      const tcp_socket visitor = tcp_socket::connect(server.local());
      while (server.connections() == 0)
        idle();
      ::shutdown(port.copy, SHUT_RDWR);
      while (server.started())
        idle();
      CHECK(server.connections() == 1);
    });
  }

  TEST_CASE("options of TCP are set on each connection") {
    in_hub([] {
      queue<int> found;
      served here{[&](stream& peer) {
                    int value = 0;
                    socklen_t size = sizeof value;
                    getsockopt(dynamic_cast<tcp_socket&>(peer).native_handle(),
                               SOL_SOCKET, SO_KEEPALIVE, &value, &size);
                    found.put(value);
                  },
                  {.tcp = tcp_options{.keep_alive = 60s}}};
      const tcp_socket visitor = here.visit();
      CHECK(found.get() == 1);
    });
  }

  TEST_CASE("a handshake runs in the connection's own greenlet") {
    in_hub([] {
      served here{greet, {.secure = knock, .handshake_time = 10s}};
      tcp_socket silent = here.visit();
      tcp_socket rude = here.visit();
      rude.write("x");
      tcp_socket refused = here.visit();
      refused.write("?");
      tcp_socket polite = here.visit();
      polite.write("k");
      CHECK(read_all(polite) == "hello");
      CHECK(read_all(rude) == "");
      CHECK(read_all(refused) == "");
      CHECK(here.server.connections() == 1);
      CHECK(test::time_of([&] { CHECK(read_all(silent) == ""); }) == 10s);
    });
  }

  TEST_CASE("a stop cuts off who has not shaken hands yet") {
    in_hub([] {
      served here{greet_and_stay, {.secure = knock}};
      tcp_socket silent = here.visit();
      tcp_socket polite = here.visit();
      polite.write("k");
      CHECK(is_answered(polite, 1s));
      polite.shutdown_write();
      CHECK(test::time_of([&] { here.server.stop(1h); }) == 0s);
      CHECK(read_all(silent) == "");
    });
  }

  TEST_CASE("a peer is named, also a process at a path") {
    in_hub([] {
      queue<std::string> names;
      const auto name = [&](stream& peer) { names.put(peer.peer_name()); };
      served here{name};
      const tcp_socket visitor = here.visit();
      CHECK(names.get() == visitor.local().text());
      const std::string door =
          "greenroom-test-peer-" + std::to_string(::getpid());
      stream_server local{"unix:@" + door, name};
      local.start();
      const unix_socket inside =
          unix_socket::connect(unix_address::abstract(door));
      CHECK(names.get() == "process " + std::to_string(::getpid()));
    });
  }

  TEST_CASE("thousands of connections at a time") {
    in_hub([] {
      const std::size_t visitors =
          std::min<std::size_t>(3000, raise_file_limit() / 2 - 50);
      served here{greet_and_stay};
      std::vector<tcp_socket> all;
      for (std::size_t count = 0; count < visitors; ++count)
        all.push_back(here.visit());
      std::size_t answered = 0;
      for (tcp_socket& each : all)
        answered += is_answered(each, 10s);
      CHECK(answered == visitors);
      CHECK(here.server.connections() == visitors);
      here.server.stop(0s);
      CHECK(here.server.connections() == 0);
    });
  }

  TEST_CASE("whatever moment a kill comes in, the server can be used again") {
    for (int turns = 0; turns < 12; ++turns) {
      CAPTURE(turns);
      in_hub([&] {
        stream_server server{anywhere, greet_and_stay};
        const auto keeper = spawn([&] { server.serve_forever(); });
        std::vector<tcp_socket> visitors;
        const auto crowd = spawn([&] {
          yield();
          for (int count = 0; count < 5; ++count)
            visitors.push_back(tcp_socket::connect(server.local()));
        });
        for (int turn = 0; turn < turns; ++turn)
          turn % 2 ? (void)idle() : yield();
        keeper.kill();
        crowd.kill();
        CHECK(!server.started());
        CHECK(server.connections() == 0);
        server.start();
        tcp_socket visitor = tcp_socket::connect(server.local());
        CHECK(is_answered(visitor, 1s));
      });
    }
  }
}
