// What every waiting call of this room owes: see every_wait.hpp.

#include "every_wait.hpp"
#include "tls/tls_support.hpp"

#include <greenroom/tls/tls_socket.hpp>

#include <array>
#include <cstddef>
#include <system_error>

using namespace greenroom;

namespace {

struct established {
  bool left_clean() { return target.near.is_open(); }
  test::tls_pair target;
};

struct tls_read : established {
  bool call(deadline until) {
    std::array<char, 8> part;
    return target.near.read_some(part, until) > 0;
  }
};

struct tls_write : established {
  tls_write() {
    std::error_code ignored;
    while (target.near.write(test::more_than_fits(), steady_time(), ignored) >
           0) {
    }
  }
  bool call(deadline until) {
    target.near.write(test::more_than_fits(), until);
    return true;
  }
};

struct tls_shutdown : established {
  bool call(deadline until) {
    target.near.shutdown(until);
    return true;
  }
};

/// Each with a client of its own, which says nothing.
struct tls_handshake {
  bool call(deadline until) {
    tls_socket::server(server, std::move(clients.at(calls++).far), until);
    return true;
  }
  bool left_clean() { return true; }
  const tls_context server = test::usual_server();
  std::array<test::connection, 5> clients;
  std::size_t calls = 0;
};

} // namespace

TEST_CASE_TEMPLATE("every wait: tls", Wait, tls_read, tls_write, tls_shutdown,
                   tls_handshake) {
  test::every_wait<Wait>();
}
