// A server over TLS, whose clients are strangers.

#include <greenroom/tls/tls_secure.hpp>

#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/net/stream_server.hpp>

#include "hub/support.hpp"
#include "tls/tls_support.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

const tcp_address anywhere{"127.0.0.1", 0};

void echo(stream& peer) {
  copy(peer, peer);
}

std::string echo_of(stream& server, const std::string& text) {
  server.write(text);
  std::string back(text.size(), ' ');
  server.read(back);
  return back;
}

/// Until the server closes or resets.
std::string read_all(stream& from) {
  std::string text;
  std::array<char, 100> piece;
  std::error_code failed;
  while (const std::size_t bytes = from.read_some(piece, {}, failed))
    text.append(piece.data(), bytes);
  return text;
}

std::unique_ptr<stream> visit(const stream_server& server) {
  static const secure_connector secure = tls_connector(usual_client());
  return secure(tcp_socket::connect(server.local()), "server.test", 5s);
}

stream_server_options over_tls(stream_server_options options = {}) {
  options.secure = tls_acceptor(usual_server());
  return options;
}

} // namespace

TEST_SUITE("tls") {
  TEST_CASE("a server speaks TLS, and its handler sees a stream") {
    in_real_hub([] {
      stream_server server{anywhere, echo, over_tls()};
      server.start();
      const auto one = visit(server);
      const auto other = visit(server);
      CHECK(echo_of(*one, "hello") == "hello");
      CHECK(echo_of(*other, std::string(100'000, 'x')).size() == 100'000);
      CHECK(one->peer_name() == server.local().text());
      one->shutdown_write();
      CHECK(read_all(*one) == "");
    });
  }

  TEST_CASE("a handshake that fails harms its connection only") {
    in_real_hub([] {
      int handled = 0;
      stream_server server{anywhere,
                           [&](stream& peer) {
                             ++handled;
                             echo(peer);
                           },
                           over_tls()};
      server.start();
      tcp_socket plain = tcp_socket::connect(server.local());
      plain.write("GET / HTTP/1.0\r\n\r\n");
      read_all(plain);
      std::error_code failed;
      tls_socket::connect(tls_context::client(), server.local(), {}, failed,
                          {"server.test"});
      CHECK(failed == tls_errc::verify_failed);
      CHECK(handled == 0);
      CHECK(echo_of(*visit(server), "hello") == "hello");
      CHECK(handled == 1);
    });
  }

  TEST_CASE("who does not shake hands holds up nobody, and is cut off") {
    in_real_hub([] {
      stream_server server{anywhere, echo, over_tls({.handshake_time = 50ms})};
      server.start();
      tcp_socket silent = tcp_socket::connect(server.local());
      CHECK(echo_of(*visit(server), "hello") == "hello");
      CHECK(read_all(silent) == "");
    });
  }

  TEST_CASE("a stop does not wait for handshakes") {
    in_real_hub([] {
      stream_server server{anywhere, echo, over_tls({.handshake_time = 1h})};
      server.start();
      tcp_socket silent = tcp_socket::connect(server.local());
      while (server.connections() == 0)
        idle();
      server.stop(1h);
      CHECK(read_all(silent) == "");
    });
  }

  TEST_CASE("an idle TLS connection ends at once when the server stops") {
    in_real_hub([] {
      queue<bool> inside;
      std::unique_ptr<stream_server> server;
      server = std::make_unique<stream_server>(
          anywhere,
          [&](stream& peer) {
            const std::stop_callback idle{server->stopping(),
                                          [&] { peer.shutdown_read(); }};
            inside.put(true);
            std::array<char, 1> order;
            CHECK(peer.read_some(order) == 0); // no error
            peer.write("bye");
          },
          over_tls());
      server->start();
      const auto client = visit(*server);
      inside.get();
      server->stop(1h);
      CHECK(read_all(*client) == "bye");
    });
  }

  TEST_CASE("handlers over TLS are killed at the end of the grace") {
    in_real_hub([] {
      queue<bool> inside;
      stream_server server{anywhere,
                           [&](stream& peer) {
                             inside.put(true);
                             echo(peer);
                           },
                           over_tls()};
      server.start();
      const auto client = visit(server);
      inside.get();
      server.stop(0s);
      CHECK(read_all(*client) == "");
    });
  }
}
