// What handlers are told when a server stops, and ports that close or rest.

#include <greenroom/net/stream_server.hpp>

#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/queue.hpp>

#include "hub/support.hpp"
#include "net/server_support.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// Answers every byte, a second later; ends between two requests.
struct slow_echo {
  stream_server* server = nullptr;
  int heard = 0;

  void operator()(stream& peer) {
    bool idle = true;
    const std::stop_callback when_stopping{server->stopping(), [&] {
                                             if (idle) peer.shutdown_read();
                                           }};
    std::array<char, 1> order;
    while (!server->stopping().stop_requested()) {
      idle = true;
      if (peer.read_some(order) == 0) break;
      idle = false;
      ++heard;
      sleep(1s);
      peer.write(std::string_view(order.data(), 1));
    }
    peer.write("bye");
  }
};

} // namespace

TEST_SUITE("net") {
  TEST_CASE("a stop ends idle connections at once, and lets others answer") {
    in_hub([] {
      slow_echo echo;
      stream_server server{anywhere, [&](stream& peer) { echo(peer); }};
      echo.server = &server;
      for (int round = 1; round <= 2; ++round) {
        server.start();
        CHECK(!server.stopping().stop_requested());
        tcp_socket resting = tcp_socket::connect(server.local());
        tcp_socket asking = tcp_socket::connect(server.local());
        asking.write("x");
        while (echo.heard < round)
          idle();
        CHECK(test::time_of([&] { server.stop(1h); }) == 1s);
        CHECK(server.stopping().stop_requested());
        CHECK(read_all(resting) == "bye");
        CHECK(read_all(asking) == "xbye");
      }
    });
  }

  TEST_CASE("a stop ends an idle connection at once") {
    in_hub([] {
      queue<bool> inside;
      slow_echo echo;
      stream_server server{anywhere, [&](stream& peer) {
                             inside.put(true);
                             echo(peer);
                           }};
      echo.server = &server;
      server.start();
      tcp_socket resting = tcp_socket::connect(server.local());
      inside.get();
      CHECK(test::time_of([&] { server.stop(1h); }) == 0s);
      CHECK(read_all(resting) == "bye");
    });
  }

  // GEVENT.md 3.2, 63
  TEST_CASE("while a server does not accept, connections wait in the kernel") {
    in_hub([] {
      served here{greet};
      for (int round = 0; round < 2; ++round) {
        here.server.stop_accepting();
        CHECK(here.server.started());
        tcp_socket visitor = here.visit();
        std::array<char, 5> greeting;
        std::error_code failed;
        visitor.read(greeting, 1s, failed);
        CHECK(failed == errc::timed_out);
        here.server.start_accepting();
        CHECK(read_all(visitor) == "hello");
      }
      here.server.start_accepting();
      tcp_socket visitor = here.visit();
      CHECK(read_all(visitor) == "hello");
    });
  }

  TEST_CASE("a port that is closed: connections go on") {
    in_hub([] {
      served here{[](stream& peer) { peer.write(read_all(peer)); }};
      tcp_socket visitor = here.visit();
      while (here.server.connections() == 0)
        idle();
      const tcp_address at = here.server.local();
      here.server.close();
      CHECK(!here.server.started());
      std::error_code failed;
      tcp_socket::connect(at, {}, failed);
      CHECK(failed == std::errc::connection_refused);
      CHECK(test::error_of([&] { here.server.start_accepting(); }) != "");
      visitor.write("still here");
      visitor.shutdown_write();
      CHECK(read_all(visitor) == "still here");
      here.server.start();
      CHECK(here.server.local() == at);
    });
  }

  TEST_CASE("more than a hundred that wait are all accepted") {
    in_hub([] {
      served here{greet};
      here.server.stop_accepting();
      std::vector<tcp_socket> visitors;
      for (int count = 0; count < 250; ++count)
        visitors.push_back(here.visit());
      here.server.start_accepting();
      for (tcp_socket& each : visitors)
        CHECK(read_all(each) == "hello");
    });
  }
}
