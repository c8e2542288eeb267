// Who is who, and what is agreed on.

#include "hub/support.hpp"
#include "tls/tls_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/tls/tls_socket.hpp>

#include <array>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// What a client that expects "server.test" says of this certificate.
std::string refusal_of(const identity& server) {
  tls_pair c{usual_client(), tls_context::server(with(server))};
  CHECK(c.near_failed == tls_errc::verify_failed);
  CHECK(c.near_failed.category() == tls_verify_category());
  CHECK(c.far_failed); // was told
  CHECK_FALSE(c.near.is_open());
  CHECK_FALSE(c.far.is_open());
  return c.near_failed.message();
}

bool accepts(const char* names, tls_connect_options expected) {
  tls_pair c{usual_client(),
             tls_context::server(with(the_authority().for_host(names))),
             std::move(expected)};
  CHECK((!c.near_failed || c.near_failed == tls_errc::verify_failed));
  return !c.near_failed;
}

tls_options verifying(tls_verify how) {
  auto options = trusting(the_authority());
  options.verify = how;
  return options;
}

/// One read of the client, which learns what the server thinks of it.
std::error_code verdict(tls_pair& c) {
  std::array<char, 8> part;
  std::error_code failed = c.near_failed;
  if (!failed) c.near.read_some(part, 10s, failed);
  return failed;
}

} // namespace

TEST_SUITE("tls") {
  // --- the server's certificate -------------------------------------------

  TEST_CASE("a certificate is refused for what is wrong with it") {
    in_real_hub([] {
      const authority stranger{"A stranger"};
      CHECK(refusal_of(stranger.for_host("DNS:server.test")) ==
            "certificate verify failed: unable to get local issuer "
            "certificate");
      CHECK(refusal_of(the_authority().for_host("DNS:other.test")) ==
            "certificate verify failed: hostname mismatch");
      CHECK(refusal_of(the_authority().sign(
                {.names = "DNS:server.test", .begins = -7200, .ends = -60})) ==
            "certificate verify failed: certificate has expired");
      CHECK(refusal_of(the_authority().sign(
                {.names = "DNS:server.test", .begins = 60})) ==
            "certificate verify failed: certificate is not yet valid");
      CHECK(refusal_of(the_authority().for_host("IP:127.0.0.1")) ==
            "certificate verify failed: hostname mismatch");
    });
  }

  TEST_CASE("the name must be that of the certificate") {
    in_real_hub([] {
      CHECK(accepts("DNS:server.test", {"server.test"}));
      CHECK(accepts("DNS:server.test", {"SERVER.test."}));
      CHECK(accepts("DNS:*.server.test", {"a.server.test"}));
      CHECK_FALSE(accepts("DNS:*.server.test", {"b.a.server.test"}));
      CHECK_FALSE(accepts("DNS:*.test", {"server.test"}));
      CHECK_FALSE(accepts("DNS:a*.server.test", {"ab.server.test"}));
      CHECK_FALSE(accepts("DNS:server.test", {"test"}));
      CHECK(accepts("IP:10.1.2.3", {"10.1.2.3"}));
      CHECK_FALSE(accepts("IP:10.1.2.3", {"10.1.2.4"}));
      CHECK_FALSE(accepts("DNS:10.1.2.3", {"10.1.2.3"}));
      CHECK(accepts("IP:fe80::1", {"fe80::1"}));
      CHECK(accepts("IP:fe80::1", {"fe80::1%eth0"}));
    });
  }

  TEST_CASE("connect expects the host it was given, or another by option") {
    in_real_hub([] {
      tcp_listener door{{"127.0.0.1", 0}};
      const auto server = usual_server();
      const auto doorman = spawn([&] {
        for (int i = 0; i < 3; ++i) {
          std::error_code ignored;
          auto visitor = door.accept();
          auto peer =
              tls_socket::server(server, std::move(visitor), 10s, ignored);
        }
      });
      auto c = tls_socket::connect(usual_client(), door.local(), 10s);
      CHECK(c.native());
      c = tls_socket::connect(usual_client(), door.local(), 10s,
                              {"server.test"});
      CHECK(c.peer() == door.local());
      CHECK(error_of([&] {
              tls_socket::connect(usual_client(), door.local(), 10s,
                                  {"other.test"});
            }) == "std::system_error: TLS handshake with " +
                      door.local().text() +
                      ": certificate verify failed: hostname mismatch");
      doorman.join();
      const tcp_address gone = door.local();
      door.close();
      CHECK(mentions(
          error_of([&] { tls_socket::connect(usual_client(), gone, 10s); }),
          "connect to " + gone.text() + ": Connection refused"));
      std::error_code failed;
      CHECK_FALSE(
          tls_socket::connect(usual_client(), gone, 10s, failed).is_open());
      CHECK(failed == std::errc::connection_refused);
    });
  }

  TEST_CASE("whom to expect must be known, unless nobody asks") {
    in_real_hub([] {
      tls_pair c{usual_client(), usual_server(), {}};
      CHECK(c.near_failed == std::errc::invalid_argument);
      tls_pair zero{usual_client(),
                    usual_server(),
                    {std::string("server.test\0.evil", 17)}};
      CHECK(zero.near_failed == std::errc::invalid_argument);
      tls_options lax = trusting(the_authority());
      lax.verify_name = false;
      CHECK_FALSE(
          tls_pair{tls_context::client(lax), usual_server(), {}}.near_failed);
      const authority stranger{"A stranger"};
      CHECK_FALSE(tls_pair{tls_context::client({.verify = tls_verify::none}),
                           tls_context::server(with(stranger.for_host("")))}
                      .near_failed);
    });
  }

  TEST_CASE("the peer's certificate can be looked at") {
    in_real_hub([] {
      tls_pair c;
      const auto shown = c.near.peer_certificate();
      REQUIRE(shown);
      CHECK(shown->subject == "CN=somebody");
      CHECK(shown->issuer == "CN=The tests' authority");
      CHECK(shown->pem == the_server().certificate);
      CHECK(shown->fingerprint.size() == 64);
      CHECK_FALSE(c.far.peer_certificate());
    });
  }

  // --- the client's certificate -------------------------------------------

  TEST_CASE("a server that requires a certificate gets one or hangs up") {
    in_real_hub([] {
      const auto server = tls_context::server(
          with(the_server(), verifying(tls_verify::required)));
      const auto visitor = the_authority().sign({.subject = "visitor"});
      tls_pair known{
          tls_context::client(with(visitor, trusting(the_authority()))),
          server};
      REQUIRE_FALSE(known.far_failed);
      CHECK(known.far.peer_certificate()->subject == "CN=visitor");

      tls_pair nameless{usual_client(), server};
      CHECK(nameless.far_failed.message() ==
            "peer did not return a certificate");
      CHECK(mentions(verdict(nameless).message(), "certificate required"));

      const authority stranger{"A stranger"};
      tls_pair unknown{
          tls_context::client(with(stranger.sign({.subject = "visitor"}),
                                   trusting(the_authority()))),
          server};
      CHECK(unknown.far_failed == tls_errc::verify_failed);
      CHECK(mentions(verdict(unknown).message(), "alert"));
    });
  }

  TEST_CASE("a server may leave it to the client, but takes no wrong one") {
    in_real_hub([] {
      const auto server = tls_context::server(
          with(the_server(), verifying(tls_verify::optional)));
      tls_pair nameless{usual_client(), server};
      CHECK_FALSE(nameless.far_failed);
      CHECK_FALSE(nameless.far.peer_certificate());
      const authority stranger{"A stranger"};
      tls_pair unknown{tls_context::client(
                           with(stranger.sign({}), trusting(the_authority()))),
                       server};
      CHECK(unknown.far_failed == tls_errc::verify_failed);
    });
  }

  // --- ALPN, SNI, versions ------------------------------------------------

  TEST_CASE("the server chooses the protocol that it likes best") {
    in_real_hub([] {
      const auto server = usual_server({.alpn = {"h2", "http/1.1"}});
      tls_pair both{usual_client({.alpn = {"http/1.1", "h2"}}), server};
      CHECK(both.near.alpn() == "h2");
      CHECK(both.far.alpn() == "h2");
      tls_pair one{usual_client({.alpn = {"http/1.1"}}), server};
      CHECK(one.far.alpn() == "http/1.1");
      tls_pair none{usual_client(), server};
      CHECK(none.near.alpn() == "");
      tls_pair own{usual_client({.alpn = {"imap"}}),
                   server,
                   {.server_name = "server.test", .alpn = {"h2"}}};
      CHECK(own.near.alpn() == "h2");
      tls_pair deaf{usual_client({.alpn = {"h2"}}), usual_server()};
      CHECK_FALSE(deaf.near_failed);
      CHECK(deaf.near.alpn() == "");
    });
  }

  TEST_CASE("without a common protocol there is no connection") {
    in_real_hub([] {
      tls_pair c{usual_client({.alpn = {"imap"}}),
                 usual_server({.alpn = {"h2"}})};
      CHECK(c.far_failed == tls_errc::no_common_protocol);
      CHECK(c.near_failed == tls_errc::no_common_protocol);
    });
  }

  TEST_CASE("a server shows the certificate of the host it is asked for") {
    in_real_hub([] {
      const auto for_host = [](const char* names) {
        return tls_context::server(with(the_authority().for_host(names),
                                        tls_options{.alpn = {names + 4}}));
      };
      const auto server =
          usual_server({.hosts = {{"one.test", for_host("DNS:one.test")},
                                  {"*.two.test", for_host("DNS:*.two.test")}}});
      const auto client =
          usual_client({.alpn = {"one.test", "*.two.test", "three"}});
      tls_pair one{client, server, {"One.test"}};
      CHECK_FALSE(one.near_failed);
      CHECK(one.near.alpn() == "one.test");
      tls_pair two{client, server, {"a.two.test"}};
      CHECK_FALSE(two.near_failed);
      CHECK(two.far.server_name() == "a.two.test");
      CHECK_FALSE(tls_pair(client, server, {"server.test"}).near_failed);
      CHECK_FALSE(tls_pair(client, server, {"127.0.0.1"}).near_failed);
      CHECK(tls_pair(client, server, {"b.a.two.test"}).near_failed ==
            tls_errc::verify_failed);
    });
  }

  TEST_CASE("a host may verify its clients though others do not") {
    in_real_hub([] {
      const auto strict =
          tls_context::server(with(the_authority().for_host("DNS:strict.test"),
                                   verifying(tls_verify::required)));
      const auto server = usual_server({.hosts = {{"strict.test", strict}}});
      const auto client = usual_client();
      tls_pair lax{client, server};
      CHECK_FALSE(lax.far_failed);
      CHECK(tls_pair(client, server, {"strict.test"}).far_failed.message() ==
            "peer did not return a certificate");
    });
  }

  TEST_CASE("a version below the least one is refused") {
    in_real_hub([] {
      const auto old = usual_client();
      SSL_CTX_set_max_proto_version(old.native(), TLS1_2_VERSION);
      tls_pair c{old, usual_server()};
      CHECK(c.near.version() == "TLSv1.2");
      tls_pair refused{old, usual_server({.least_version = tls_version::v1_3})};
      CHECK(refused.far_failed.message() == "unsupported protocol");
      CHECK(refused.near_failed);
    });
  }

  // --- peers that do not play along ---------------------------------------

  TEST_CASE("a handshake ends at its deadline when the peer says nothing") {
    in_hub([] {
      connection c;
      std::error_code failed;
      CHECK(time_of([&] {
              tls_socket::server(usual_server(), std::move(c.far), 2s, failed);
            }) == 2s);
      CHECK(failed == errc::timed_out);
      std::array<char, 8> part;
      CHECK(c.near.read_some(part) == 0); // it was closed

      connection other;
      CHECK(time_of([&] {
              tls_socket::client(usual_client(), std::move(other.near),
                                 {"server.test"}, 2s, failed);
            }) == 2s);
      CHECK(failed == errc::timed_out);
      connection third;
      CHECK(error_of([&] {
              tls_socket::server(usual_server(), std::move(third.far), 1s);
            }).find("TLS handshake with 127.0.0.1:") != std::string::npos);
    });
  }

  TEST_CASE("a handshake ends at its deadline when the peer dribbles") {
    in_hub([] {
      connection c;
      const auto dribble = spawn([&] {
        c.near.write(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 9));
        for (std::error_code failed; !failed;) {
          sleep(300ms);
          c.near.write("x", {}, failed);
        }
      });
      std::error_code failed;
      CHECK(time_of([&] {
              tls_socket::server(usual_server(), std::move(c.far), 2s, failed);
            }) == 2s);
      CHECK(failed == errc::timed_out);
      dribble.join();
    });
  }

  TEST_CASE("what is no TLS is told so") {
    in_real_hub([] {
      const std::vector<std::pair<std::string, std::string>> talks{
          {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "http request"},
          {std::string(1000, '\0'), "wrong version number"},
          {std::string(1000, '\xff'), "wrong version number"},
          {"", "unexpected eof while reading"},
          {"\x16\x03\x01", "unexpected eof while reading"}};
      for (const auto& talk : talks) {
        const std::string& said = talk.first;
        const std::string& reason = talk.second;
        CAPTURE(reason);
        connection c;
        c.near.write(said);
        c.near.shutdown_write();
        std::error_code failed;
        tls_socket::server(usual_server(), std::move(c.far), 10s, failed);
        CHECK(failed.category() == tls_category());
        CHECK(failed.message() == reason);
      }
      connection c;
      c.far.write("220 mail.test ESMTP\r\n");
      std::error_code failed;
      tls_socket::client(usual_client(), std::move(c.near), {"server.test"},
                         10s, failed);
      CHECK(failed.message() == "wrong version number");
    });
  }

  TEST_CASE("a client's context makes no server, nor the other way round") {
    in_real_hub([] {
      tls_pair c{usual_server(), usual_client()};
      CHECK(c.near_failed == std::errc::invalid_argument);
      CHECK(c.far_failed == std::errc::invalid_argument);
    });
  }

  TEST_CASE("a kill or timeout in a handshake closes the connection") {
    in_real_hub([] {
      const std::size_t before = open_descriptors();
      {
        connection c;
        const auto server = usual_server();
        const auto victim =
            spawn([&] { tls_socket::server(server, std::move(c.far), 10s); });
        yield();
        victim.kill();
        CHECK(victim.killed());
        std::array<char, 8> part;
        CHECK(c.near.read_some(part) == 0);
        connection other;
        CHECK_FALSE(timeout{1ms}.run([&] {
          tls_socket::client(usual_client(), std::move(other.near),
                             {"server.test"});
        }));
        CHECK_FALSE(other.near.is_open());
      }
      CHECK(open_descriptors() == before);
    });
  }
}
