#include "ws/support.hpp"

#include <greenroom/http/error.hpp>
#include <greenroom/http/server.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <system_error>
#include <vector>

namespace test {
namespace {

using namespace std::chrono_literals;
using greenroom::errc;
using greenroom::sleep;

TEST_SUITE("ws") {
  TEST_CASE("messages go there and back, texts and bytes") {
    in_hub([] {
      served server{echo};
      auto peer = server.client();
      for (const std::size_t size :
           {0, 1, 125, 126, 65'535, 65'536, 1'000'000}) {
        CAPTURE(size);
        peer.send(std::string(size, 'x'));
        auto came = peer.receive();
        REQUIRE(came);
        CHECK(came->is_text);
        CHECK(came->data == std::string(size, 'x'));
        peer.send_bytes(std::string(size, '\xff'));
        came = peer.receive();
        REQUIRE(came);
        CHECK_FALSE(came->is_text);
        CHECK(came->data == std::string(size, '\xff'));
      }
      peer.close();
      server.join();
    });
  }

  TEST_CASE("compressed messages do, too") {
    in_hub([] {
      ws::options how;
      how.compress = true;
      served server{echo, how};
      auto peer = server.client(how);
      for (const std::size_t size : {0, 1, 1000, 500'000}) {
        std::string text;
        while (text.size() < size)
          text += std::to_string(text.size() * 7919 % 1000);
        peer.send(text);
        const auto came = peer.receive();
        REQUIRE(came);
        CHECK(came->data == text);
      }
      peer.close();
    });
  }

  TEST_CASE("both ends see who closed, with what code and reason") {
    in_hub([] {
      served server{[](ws::socket& peer) {
        CHECK_FALSE(peer.receive());
        CHECK(peer.peer_close_code() == 1001);
        CHECK(peer.peer_close_reason() == "gone");
        CHECK_FALSE(peer.is_open());
      }};
      auto peer = server.client();
      peer.close(ws::close_code::going_away, "gone");
      CHECK_FALSE(peer.is_open());
      CHECK(peer.peer_close_code() == 1001); // echoed
      server.join();
      peer.close();
    });
  }

  TEST_CASE("the server may close, also while the client is about to send") {
    in_hub([] {
      served server{[](ws::socket& peer) {
        peer.receive();
        peer.close(ws::close_code::policy_error, "no");
      }};
      auto peer = server.client();
      peer.send("a");
      peer.send("b"); // is dropped
      CHECK_FALSE(peer.receive());
      CHECK(peer.peer_close_code() == 1008);
      CHECK(peer.peer_close_reason() == "no");
      std::error_code failed;
      peer.send("c", {}, failed);
      CHECK(failed == errc::closed);
      CHECK_FALSE(peer.receive({}, failed));
      CHECK(failed == errc::closed);
    });
  }

  TEST_CASE("one greenlet closes what another receives from") {
    in_hub([] {
      served server{echo};
      auto peer = server.client();
      const auto reader = spawn([&] { return peer.receive().has_value(); });
      greenroom::yield();
      CHECK(time_of([&] { peer.close(); }) == 0s);
      CHECK_FALSE(reader.get());
    });
  }

  TEST_CASE("a connection that breaks off is an error of receiving") {
    in_hub([] {
      served server{[](ws::socket&) {}};
      auto peer = server.client();
      std::error_code failed;
      CHECK_FALSE(peer.receive({}, failed));
      CHECK(failed == errc::closed);
      CHECK_THROWS_AS(peer.receive(), std::system_error);
    });
  }

  TEST_CASE("a receive that came to its deadline loses nothing") {
    in_hub([] {
      served server{[](ws::socket& peer) {
        sleep(5s);
        peer.send("late");
        peer.receive();
      }};
      auto peer = server.client();
      std::error_code failed;
      for (int i = 0; i < 3; ++i) {
        CHECK(time_of([&] { peer.receive(1s, failed); }) == 1s);
        CHECK(failed == errc::timed_out);
      }
      const auto came = peer.receive(10s, failed);
      CHECK_FALSE(failed);
      REQUIRE(came);
      CHECK(came->data == "late");
    });
  }

  TEST_CASE("a receive that is killed loses nothing, either") {
    in_hub([] {
      served server{[](ws::socket& peer) {
        sleep(5s);
        peer.send("late");
        peer.receive();
      }};
      auto peer = server.client();
      const auto reader = spawn([&] { peer.receive(); });
      sleep(1s);
      reader.kill();
      const auto came = peer.receive();
      REQUIRE(came);
      CHECK(came->data == "late");
    });
  }

  TEST_CASE("a second receiver is refused") {
    in_hub([] {
      served server{echo};
      auto peer = server.client();
      const auto reader = spawn([&] { return peer.receive()->data; });
      greenroom::yield();
      std::error_code failed;
      CHECK_FALSE(peer.receive({}, failed));
      CHECK(failed == errc::busy);
      peer.send("x");
      CHECK(reader.get() == "x");
    });
  }

  TEST_CASE("many send while one receives, and every message arrives whole") {
    in_hub([] {
      served server{echo};
      auto peer = server.client();
      constexpr int senders = 4;
      constexpr int each = 50;
      std::vector<greenroom::any_greenlet> all;
      for (int i = 0; i < senders; ++i)
        all.push_back(spawn([&peer, i] {
          for (int n = 0; n < each; ++n) {
            peer.send(std::string(static_cast<std::size_t>(n * 997), 'a' + i));
            if (n % 5 == 0) peer.ping();
          }
        }));
      for (int n = 0; n < senders * each; ++n) {
        const auto came = peer.receive();
        REQUIRE(came);
        CHECK(came->data ==
              std::string(came->data.size(),
                          came->data.empty() ? 'x' : came->data.front()));
      }
      joinall(all);
      peer.close();
    });
  }

  TEST_CASE("a silent peer is asked, and lives on when it answers") {
    in_hub([] {
      ws::options patient;
      patient.ping_time = 10s;
      served server{[](ws::socket& peer) { CHECK(peer.receive()); }, patient};
      auto peer = server.client();
      std::error_code failed;
      CHECK_FALSE(peer.receive(65s, failed)); // answers the pings
      CHECK(failed == errc::timed_out);
      peer.send("still here");
      server.join();
    });
  }

  TEST_CASE("one that does not answer is given up") {
    in_hub([] {
      ws::options patient;
      patient.ping_time = 10s;
      std::error_code failed;
      served server{
          [&](ws::socket& peer) { CHECK_FALSE(peer.receive({}, failed)); },
          patient};
      auto peer = server.client();
      CHECK(time_of([&] { server.join(); }) >= 20s);
      CHECK(failed == errc::timed_out);
    });
  }

  TEST_CASE("a client connects to a server by its URL") {
    in_hub_on(greenroom::clock_kind::real, [] {
      http::server here{{"127.0.0.1", 0},
                        [](http::request& asked, http::response& answer) {
                          auto peer = ws::socket::accept(asked, answer);
                          peer.send(asked.target());
                          echo(peer);
                        }};
      here.start();
      const std::string at = "://" + here.local().text() + "/a?b";
      auto peer = ws::socket::connect("ws" + at);
      CHECK(peer.receive()->data == "/a?b");
      CHECK_THROWS_AS(ws::socket::connect("wss" + at), std::system_error);
      CHECK_THROWS_AS(ws::socket::connect("http" + at), std::system_error);
      peer.close();
      here.stop();
    });
  }

  TEST_CASE("a server that does not answer the handshake is given up") {
    in_hub([] {
      auto [near, far] = greenroom::socketpair();
      auto over = std::make_unique<greenroom::unix_socket>(std::move(near));
      const auto connect = [&](greenroom::deadline until) {
        ws::socket::client(std::move(over), "a", "/", {}, until);
      };
      CHECK(time_of([&] { CHECK_THROWS_AS(connect(5s), std::system_error); }) ==
            5s);
    });
  }

  TEST_CASE("a server that refuses is an error that says so") {
    in_hub([] {
      served server{echo};
      auto over = server.stream();
      over->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); // is answered first
      CHECK_THROWS_AS(ws::socket::client(std::move(over), "a"),
                      std::system_error);
    });
  }

  TEST_CASE("a subprotocol is the server's first that the client offers") {
    in_hub([] {
      ws::options speaks;
      speaks.subprotocols = {"v3", "v2", "v1"};
      ws::options offers;
      offers.subprotocols = {"v1", "v2"};
      served server{[](ws::socket& peer) { CHECK(peer.subprotocol() == "v2"); },
                    speaks};
      auto peer = server.client(offers);
      CHECK(peer.subprotocol() == "v2");
    });
  }
}

} // namespace
} // namespace test
