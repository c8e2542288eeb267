// HTTP over TLS, both sides of it.

#include "http/support.hpp"
#include "tls/certificates.hpp"

#include <greenroom/http/client.hpp>
#include <greenroom/http/server.hpp>
#include <greenroom/tls/tls_context.hpp>
#include <greenroom/tls/tls_secure.hpp>

#include <doctest/doctest.h>

#include <string>
#include <system_error>

namespace test {
namespace {

using greenroom::tls_context;
using greenroom::http::client;
using greenroom::http::server;

TEST_SUITE("http") {
  TEST_CASE("a server and a client speak https") {
    const authority root;
    const identity who = root.for_host("IP:127.0.0.1");
    in_hub_on(greenroom::clock_kind::real, [&] {
      const auto secret = tls_context::server(
          {.certificate_pem = who.certificate, .key_pem = who.key});
      server here{{"127.0.0.1", 0},
                  [](request& asked, response& to) {
                    to.send(asked.body() + std::string(1 << 20, 'x'));
                  },
                  {.connections = {.secure = tls_acceptor(secret)}}};
      here.start();
      const std::string at = "https://" + here.local().text() + "/";
      client web{{.secure = tls_connector(
                      tls_context::client({.ca_pem = root.pem()}))}};
      for (int i = 0; i < 3; ++i)
        CHECK(web.post(at, "text").body() ==
              "text" + std::string(1 << 20, 'x'));
      CHECK(here.connections() == 1);
      client stranger{{.secure = tls_connector(tls_context::client())}};
      CHECK_THROWS_AS(stranger.get(at), std::system_error);
      here.stop(greenroom::deadline{std::chrono::seconds(0)});
    });
  }
}

} // namespace
} // namespace test
