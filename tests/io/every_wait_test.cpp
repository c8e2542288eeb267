// What every waiting call of this room owes: see every_wait.hpp.

#include "every_wait.hpp"
#include "io/full_sockets.hpp"

#include <greenroom/io/udp.hpp>

#include <array>

using namespace greenroom;

namespace {

struct udp_receive {
  bool call(deadline until) { return target.receive(part, until) > 0; }
  bool left_clean() { return target.is_open(); }
  std::array<char, 8> part;
  udp_socket target{{"127.0.0.1", 0}};
};

struct udp_send {
  bool call(deadline until) {
    target.send_to("x", target.local(), until);
    return true;
  }
  bool left_clean() { return target.is_open(); }
  test::full_sockets no_room;
  udp_socket target{{"127.0.0.1", 0}};
};

} // namespace

TEST_CASE_TEMPLATE("every wait: io", Wait, udp_receive, udp_send) {
  test::every_wait<Wait>();
}
