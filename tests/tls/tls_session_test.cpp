#include "hub/support.hpp"
#include "tls/tls_support.hpp"

#include <greenroom/tls/tls_session.hpp>
#include <greenroom/tls/tls_socket.hpp>

#include <array>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// Reads something, with which tickets come, and ends in peace.
tls_session session_after(tls_pair& c) {
  c.far.write("x");
  read_text(c.near, 1);
  tls_session kept = c.near.session();
  c.near.close();
  return kept;
}

tls_connect_options resuming(tls_session kept,
                             std::string name = "server.test") {
  return {.server_name = std::move(name), .session = std::move(kept)};
}

tls_context no_newer_than(int version, tls_context context) {
  SSL_CTX_set_max_proto_version(context.native(), version);
  return context;
}

} // namespace

TEST_SUITE("tls") {
  TEST_CASE("a session is resumed, as often as one likes") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      CAPTURE(version);
      in_real_hub([version] {
        const auto client = no_newer_than(version, usual_client());
        const auto server = usual_server();
        tls_pair first{client, server};
        CHECK_FALSE(first.near.resumed());
        tls_session kept = session_after(first);
        REQUIRE_FALSE(kept.empty());
        for (int i = 0; i < 3; ++i) {
          tls_pair next{client, server, resuming(kept)};
          CHECK_FALSE(next.near_failed);
          CHECK(next.near.resumed());
          CHECK(next.far.resumed());
          CHECK(next.near.peer_certificate()->pem == the_server().certificate);
          kept = session_after(next);
          CHECK_FALSE(kept.empty());
        }
      });
    }
  }

  TEST_CASE("the tickets of TLS 1.3 come with what is read") {
    in_real_hub([] {
      tls_pair c;
      CHECK(c.near.session().empty());
      CHECK(c.far.session().empty());
      CHECK_FALSE(session_after(c).empty());
      CHECK_FALSE(c.near.session().empty());
    });
  }

  TEST_CASE("a session serves its own context and server name only") {
    in_real_hub([] {
      const auto client = usual_client();
      const auto server = usual_server();
      tls_pair first{client, server};
      const tls_session kept = session_after(first);
      tls_pair renamed{client, server, resuming(kept, "127.0.0.1")};
      CHECK_FALSE(renamed.near_failed);
      CHECK_FALSE(renamed.near.resumed());
      tls_pair foreign{usual_client(), server, resuming(kept)};
      CHECK_FALSE(foreign.near_failed);
      CHECK_FALSE(foreign.near.resumed());
      tls_pair elsewhere{client, usual_server(), resuming(kept)};
      CHECK_FALSE(elsewhere.near_failed);
      CHECK_FALSE(elsewhere.near.resumed());
    });
  }

  TEST_CASE("a session of one host is none of a host that verifies") {
    in_real_hub([] {
      for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        tls_options strict = trusting(the_authority());
        strict.verify = tls_verify::required;
        const auto server = usual_server(
            {.hosts = {{"strict.test",
                        tls_context::server(with(the_server(), strict))}}});
        tls_options lax = trusting(the_authority());
        lax.verify_name = false;
        const auto client = no_newer_than(version, tls_context::client(lax));
        tls_pair first{client, server};
        const tls_session kept = session_after(first);
        // A client that keeps to no rule asks for another host than before.
        SSL_CTX_set_info_callback(
            client.native(), [](const SSL* ssl, int at, int) {
              if (at == SSL_CB_HANDSHAKE_START)
                SSL_set_tlsext_host_name(const_cast<SSL*>(ssl), "strict.test");
            });
        tls_pair next{client, server, resuming(kept)};
        CHECK(next.far_failed.message() == "peer did not return a certificate");
      }
    });
  }

  TEST_CASE("a client's certificate is known again") {
    in_real_hub([] {
      tls_options options = trusting(the_authority());
      options.verify = tls_verify::required;
      const auto server = tls_context::server(with(the_server(), options));
      const auto client =
          tls_context::client(with(the_authority().sign({.subject = "visitor"}),
                                   trusting(the_authority())));
      tls_pair first{client, server};
      REQUIRE_FALSE(first.far_failed);
      tls_pair next{client, server, resuming(session_after(first))};
      CHECK(next.far.resumed());
      CHECK(next.far.peer_certificate()->subject == "CN=visitor");
    });
  }

  TEST_CASE("a server may give no tickets") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      in_real_hub([version] {
        const auto client = no_newer_than(version, usual_client());
        const auto server = usual_server({.resumption = false});
        tls_pair first{client, server};
        tls_pair next{client, server, resuming(session_after(first))};
        CHECK_FALSE(next.near_failed);
        CHECK_FALSE(next.near.resumed());
      });
    }
  }
}
