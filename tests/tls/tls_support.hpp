#pragma once

// Two ends of a TLS connection.

#include "io/tcp_support.hpp"
#include "io/temporary_folder.hpp"
#include "tls/certificates.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/tls/tls_context.hpp>
#include <greenroom/tls/tls_error.hpp>
#include <greenroom/tls/tls_socket.hpp>

#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace test {

using greenroom::tls_connect_options;
using greenroom::tls_context;
using greenroom::tls_errc;
using greenroom::tls_options;
using greenroom::tls_socket;

inline const authority& the_authority() {
  static const authority made;
  return made;
}

/// For the host "server.test" and 127.0.0.1.
inline const identity& the_server() {
  static const identity made =
      the_authority().for_host("DNS:server.test,IP:127.0.0.1");
  return made;
}

inline tls_options with(const identity& who, tls_options options = {}) {
  options.certificate_pem = who.certificate;
  options.key_pem = who.key;
  return options;
}

inline tls_options trusting(const authority& whom, tls_options options = {}) {
  options.ca_pem = whom.pem();
  return options;
}

inline tls_context usual_client(tls_options options = {}) {
  return tls_context::client(trusting(the_authority(), std::move(options)));
}

inline tls_context usual_server(tls_options options = {}) {
  return tls_context::server(with(the_server(), std::move(options)));
}

/// Both ends after a handshake, or why there was none.
struct tls_pair {
  tls_pair() : tls_pair(usual_client(), usual_server()) {}
  tls_pair(const tls_context& client, const tls_context& server,
           tls_connect_options options = {"server.test"}) {
    connection under;
    auto far_side = greenroom::spawn([&] {
      far = tls_socket::server(server, std::move(under.far), {}, far_failed);
    });
    near = tls_socket::client(client, std::move(under.near), options, {},
                              near_failed);
    far_side.join();
  }

  tls_socket near;
  tls_socket far;
  std::error_code near_failed;
  std::error_code far_failed;
};

/// A temporary one, with files.
class folder : public temporary_folder {
public:
  std::string file(const std::string& name, const std::string& text) const {
    const std::string made = path() + "/" + name;
    std::ofstream(made) << text;
    return made;
  }
};

inline std::string read_text(tls_socket& from, std::size_t bytes) {
  std::string text(bytes, ' ');
  from.read(text);
  return text;
}

} // namespace test
