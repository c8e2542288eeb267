// A server that is destroyed while it is started.

#include <greenroom/net/stream_server.hpp>

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/queue.hpp>

#include "hub/support.hpp"
#include "net/server_support.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("net") {
  TEST_CASE("a server destroyed while started stops at once, and waits") {
    in_hub([] {
      std::string trace;
      queue<bool> inside;
      std::optional<tcp_socket> visitor;
      tcp_address at;
      {
        stream_server server{anywhere, [&](stream& peer) {
                               test::at_exit unwound{trace, "unwound"};
                               inside.put(true);
                               listen_to(peer);
                             }};
        server.start();
        at = server.local();
        visitor = tcp_socket::connect(at);
        inside.get();
      }
      CHECK(trace == "unwound");
      CHECK(read_all(*visitor) == "");
      std::error_code failed;
      tcp_socket::connect(at, {}, failed);
      CHECK(failed == std::errc::connection_refused);
    });
  }

  TEST_CASE("an exception that passes a server stops it") {
    in_hub([] {
      queue<bool> inside;
      std::optional<tcp_socket> visitor;
      const auto fail = [&] {
        stream_server server{anywhere, [&](stream& peer) {
                               inside.put(true);
                               listen_to(peer);
                             }};
        server.start();
        visitor = tcp_socket::connect(server.local());
        inside.get();
        throw std::runtime_error("no luck");
      };
      CHECK(test::error_of(fail) == "std::runtime_error: no luck");
      CHECK(read_all(*visitor) == "");
    });
  }

  TEST_CASE("destroyed before its first handler has begun") {
    in_hub([] {
      std::optional<tcp_socket> visitor;
      {
        stream_server server{anywhere, listen_to};
        server.start();
        visitor = tcp_socket::connect(server.local());
        while (server.connections() == 0)
          yield();
      }
      CHECK(read_all(*visitor) == "");
    });
  }

  TEST_CASE("destroyed by one of its handlers, which goes on") {
    test::captured_log log;
    in_hub([&] {
      queue<bool> inside;
      std::unique_ptr<stream_server> server;
      server = std::make_unique<stream_server>(anywhere, [&](stream& peer) {
        inside.put(true);
        std::array<char, 1> order;
        if (peer.read_some(order) == 0) return;
        server.reset();
        sleep(1s);
        peer.write("done");
      });
      server->start();
      tcp_socket silent = tcp_socket::connect(server->local());
      tcp_socket commander = tcp_socket::connect(server->local());
      inside.get();
      inside.get();
      commander.write("!");
      CHECK(read_all(silent) == "");
      CHECK(read_all(commander) == "done");
      CHECK(log.count("was destroyed by one of its handlers") == 1);
    });
  }

  TEST_CASE("destroyed where nobody may wait: its handlers are killed") {
    test::captured_log log;
    in_hub([&] {
      std::string trace;
      queue<bool> inside;
      auto server =
          std::make_unique<stream_server>(anywhere, [&](stream& peer) {
            test::at_exit unwound{trace, "unwound"};
            inside.put(true);
            listen_to(peer);
          });
      server->start();
      tcp_socket visitor = tcp_socket::connect(server->local());
      inside.get();
      {
        const no_wait scope;
        server.reset();
      }
      CHECK(log.count("was destroyed where it cannot wait") == 1);
      CHECK(read_all(visitor) == "");
      CHECK(trace == "unwound");
    });
  }

  TEST_CASE("who serves forever returns when the server is destroyed") {
    in_hub([] {
      auto server = std::make_unique<stream_server>(anywhere, greet);
      const auto keeper = spawn([&] { server->serve_forever(); });
      yield();
      server.reset();
      keeper.get();
    });
  }

  TEST_CASE("destroyed while its start looks up a name") {
    test::captured_log log;
    test::in_hub_on(clock_kind::real, [] {
      auto server = std::make_unique<stream_server>(
          listen_address{"localhost", 0}, greet);
      const auto starter = spawn([&] { server->start(); });
      yield();
      server.reset();
      try {
        starter.get();
        FAIL("it has started");
      } catch (const std::system_error& error) {
        CHECK(error.code() == errc::destroyed);
      }
    });
  }

  TEST_CASE("killed while its start looks up a name") {
    test::in_hub_on(clock_kind::real, [] {
      stream_server server{{"localhost", 0}, greet};
      const auto starter = spawn([&] { server.start(); });
      yield();
      starter.kill();
      CHECK(starter.killed());
      CHECK(!server.started());
      server.start();
      tcp_socket visitor = tcp_socket::connect(server.local());
      CHECK(read_all(visitor) == "hello");
    });
  }
}
