#include <greenroom/net/datagram_server.hpp>

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/udp.hpp>
#include <greenroom/io/unix_datagram.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/queue.hpp>

#include "hub/support.hpp"
#include "io/temporary_folder.hpp"
#include "net/server_support.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

template <class Body>
void in_real_hub(Body&& body) {
  test::in_hub_on(clock_kind::real, std::forward<Body>(body));
}

/// Answers every datagram with itself.
class echo {
public:
  explicit echo(listen_address at = {"127.0.0.1", 0},
                datagram_server_options options = {})
      : server(
            std::move(at),
            [this](std::string_view data, const datagram_sender& from) {
              server.send_to(data, from);
            },
            options) {
    server.start();
  }

  datagram_server server;
};

udp_socket visitor_of(const datagram_server& server) {
  udp_socket made;
  made.connect(server.local());
  return made;
}

template <class Socket>
std::string received(Socket& on, deadline until = {}) {
  std::string text(65536, '\0');
  text.resize(on.receive(text, until));
  return text;
}

} // namespace

TEST_SUITE("net") {
  TEST_CASE("a datagram is handled, and its sender answered") {
    in_real_hub([] {
      echo here;
      CHECK(here.server.started());
      CHECK(here.server.local().port != 0);
      CHECK(here.server.local_name() == here.server.local().text());
      udp_socket visitor = visitor_of(here.server);
      for (const std::string& text :
           {std::string("hello"), std::string(), std::string(60'000, 'x')}) {
        visitor.send(text);
        CHECK(received(visitor) == text);
      }
    });
  }

  TEST_CASE("datagrams at a path, from who has a name and who has none") {
    in_real_hub([] {
      const temporary_folder folder;
      const unix_address door{folder.path() + "/door"};
      queue<std::string> heard;
      datagram_server server{
          door, [&](std::string_view data, const datagram_sender& from) {
            heard.put(to_string(from));
            std::error_code failed;
            server.send_to(data, from, {}, failed);
            heard.put(failed ? "unanswered" : "answered");
          }};
      server.start();
      CHECK(server.local() == udp_address{});
      CHECK(server.local_name() == "unix:" + door.path);
      const unix_address at{folder.path() + "/visitor"};
      unix_datagram_socket visitor{at};
      visitor.send_to("hello", door);
      CHECK(received(visitor) == "hello");
      CHECK(heard.get() == "unix:" + at.path);
      CHECK(heard.get() == "answered");
      unix_datagram_socket nobody;
      nobody.send_to("hello", door);
      CHECK(heard.get() == "unix:");
      CHECK(heard.get() == "unanswered");
      server.stop();
      CHECK(::access(door.path.c_str(), F_OK) != 0);
    });
  }

  TEST_CASE("a ready socket of datagrams is served, and its address again") {
    in_real_hub([] {
      udp_socket ready{{"127.0.0.1", 0}};
      const udp_address at = ready.local();
      echo here{std::move(ready)};
      for (int round = 0; round < 2; ++round) {
        CHECK(here.server.local() == at);
        udp_socket visitor = visitor_of(here.server);
        visitor.send("hello");
        CHECK(received(visitor) == "hello");
        here.server.stop();
        CHECK(!here.server.started());
        here.server.start();
      }
    });
  }

  TEST_CASE("what is ready for the other kind of server is refused") {
    in_real_hub([] {
      datagram_server server{tcp_listener{anywhere}, {}};
      CHECK(test::error_of([&] { server.start(); }).find("something else") !=
            std::string::npos);
      stream_server other{udp_socket{{"127.0.0.1", 0}}, greet};
      CHECK(test::error_of([&] { other.start(); }).find("something else") !=
            std::string::npos);
    });
  }

  TEST_CASE("a port in use by another socket: the error names the address") {
    in_real_hub([] {
      const udp_socket taken{{"127.0.0.1", 0}};
      datagram_server server{taken.local(), {}};
      const std::string error = test::error_of([&] { server.start(); });
      CHECK(error.find(taken.local().text()) != std::string::npos);
      CHECK(!server.started());
    });
  }

  TEST_CASE("with one handler, datagrams are handled in order") {
    in_real_hub([] {
      queue<std::string> heard;
      std::size_t most = 0;
      datagram_server server{
          {"127.0.0.1", 0}, [&](std::string_view data, const datagram_sender&) {
            most = std::max(most, server.handling());
            yield();
            heard.put(std::string(data));
          }};
      server.start();
      udp_socket visitor = visitor_of(server);
      for (int n = 0; n < 100; ++n)
        visitor.send(std::to_string(n));
      for (int n = 0; n < 100; ++n)
        CHECK(heard.get() == std::to_string(n));
      CHECK(most == 1);
    });
  }

  TEST_CASE("no more are handled at a time than is allowed") {
    in_real_hub([] {
      event go_on;
      queue<std::string> inside;
      datagram_server server{
          {"127.0.0.1", 0},
          [&](std::string_view data, const datagram_sender&) {
            inside.put(std::string(data));
            go_on.wait();
          },
          {.most_handlers = 2}};
      server.start();
      udp_socket visitor = visitor_of(server);
      for (const char* text : {"a", "b", "c"})
        visitor.send(text);
      inside.get();
      inside.get();
      idle();
      CHECK(server.handling() == 2);
      CHECK(inside.empty());
      go_on.set();
      CHECK(inside.get() == "c");
    });
  }

  TEST_CASE("a handler of datagrams that throws is logged") {
    test::captured_log log;
    in_real_hub([&] {
      datagram_server server{
          {"127.0.0.1", 0},
          [&](std::string_view data, const datagram_sender& from) {
            if (data == "!") throw std::runtime_error("no such order");
            server.send_to(data, from);
          }};
      server.start();
      udp_socket visitor = visitor_of(server);
      visitor.send("!");
      visitor.send("hello");
      CHECK(received(visitor) == "hello");
      CHECK(log.count("no such order") == 1);
    });
  }

  TEST_CASE("datagrams that are too long are dropped, and counted") {
    in_real_hub([] {
      echo here{{"127.0.0.1", 0}, {.longest = 5}};
      udp_socket visitor = visitor_of(here.server);
      visitor.send("too long");
      visitor.send("hello");
      CHECK(received(visitor) == "hello");
      CHECK(here.server.too_long() == 1);
    });
  }

  TEST_CASE("an answer to another kind of address is an error") {
    in_real_hub([] {
      echo here;
      std::error_code failed;
      here.server.send_to("x", unix_address{"/nowhere"}, {}, failed);
      CHECK(failed == std::errc::address_family_not_supported);
      here.server.stop();
      here.server.send_to("x", udp_endpoint{{"127.0.0.1", 9}}, {}, failed);
      CHECK(failed == errc::closed);
    });
  }

  TEST_CASE("a handler answers in the grace of a stop") {
    in_real_hub([] {
      queue<bool> inside;
      event go_on;
      datagram_server server{
          {"127.0.0.1", 0},
          [&](std::string_view data, const datagram_sender& from) {
            inside.put(true);
            go_on.wait();
            server.send_to(data, from);
          }};
      server.start();
      udp_socket visitor = visitor_of(server);
      visitor.send("hello");
      inside.get();
      const auto stopping = spawn([&] { server.stop(1h); });
      yield();
      CHECK(!server.started());
      go_on.set();
      CHECK(received(visitor) == "hello");
      stopping.join();
      CHECK(server.handling() == 0);
    });
  }

  TEST_CASE("a stop kills the handlers of datagrams after the grace") {
    in_hub([] {
      std::string trace;
      queue<bool> inside;
      datagram_server server{{"127.0.0.1", 0},
                             [&](std::string_view, const datagram_sender&) {
                               test::at_exit unwound{trace, "unwound"};
                               inside.put(true);
                               sleep(1h);
                             }};
      server.start();
      udp_socket visitor = visitor_of(server);
      visitor.send("hello");
      inside.get();
      CHECK(test::time_of([&] { server.stop(2s); }) == 2s);
      CHECK(trace == "unwound");
    });
  }

  TEST_CASE("a handler of datagrams may stop its server") {
    in_real_hub([] {
      datagram_server server{
          {"127.0.0.1", 0},
          [&](std::string_view, const datagram_sender&) { server.stop(); }};
      server.start();
      udp_socket visitor = visitor_of(server);
      visitor.send("!");
      server.serve_forever();
      CHECK(!server.started());
    });
  }

  TEST_CASE("a server of datagrams is killed while it serves forever") {
    in_real_hub([] {
      echo here;
      const auto keeper = spawn([&] { here.server.serve_forever(); });
      yield();
      keeper.kill();
      CHECK(keeper.killed());
      CHECK(!here.server.started());
    });
  }

  TEST_CASE("a server of datagrams destroyed where nobody may wait") {
    test::captured_log log;
    in_real_hub([&] {
      queue<bool> inside;
      auto server = std::make_unique<datagram_server>(
          listen_address{"127.0.0.1", 0},
          [&](std::string_view, const datagram_sender&) {
            inside.put(true);
            sleep(1h);
          });
      server->start();
      udp_socket visitor = visitor_of(*server);
      visitor.send("!");
      inside.get();
      {
        const no_wait scope;
        server.reset();
      }
      CHECK(log.count("was destroyed where it cannot wait") == 1);
      idle();
    });
  }

  TEST_CASE("many greenlets send from one server's socket") {
    in_real_hub([] {
      queue<bool> sent;
      datagram_server server{
          {"127.0.0.1", 0},
          [&](std::string_view data, const datagram_sender& from) {
            server.send_to(data, from);
          },
          {.most_handlers = 100}};
      server.start();
      udp_socket visitor = visitor_of(server);
      for (int round = 0; round < 10; ++round) {
        for (int n = 0; n < 50; ++n)
          visitor.send("x");
        for (int n = 0; n < 50; ++n)
          CHECK(received(visitor) == "x");
      }
    });
  }
}
