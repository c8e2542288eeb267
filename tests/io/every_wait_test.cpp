// What every waiting call of this room owes: see every_wait.hpp.

#include "every_wait.hpp"
#include "io/full_sockets.hpp"
#include "io/poll_support.hpp"

#include <greenroom/io/poll.hpp>
#include <greenroom/io/udp.hpp>

#include <array>
#include <system_error>

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

struct readable_wait {
  bool call(deadline until) {
    wait_readable(target.number(), until);
    return true;
  }
  bool left_clean() { return true; }
  test::counter target;
};

struct writable_wait {
  writable_wait() { target.fill(); }
  bool call(deadline until) {
    std::error_code failed;
    wait_writable(target.in.number(), until, failed);
    CHECK(failed == errc::timed_out);
    return !failed;
  }
  bool left_clean() { return true; }
  test::pipe_ends target;
};

struct poll_wait : readable_wait {
  bool call(deadline until) {
    pollfd one{target.number(), POLLIN, 0};
    return poll({&one, 1}, until) > 0;
  }
};

struct select_wait : readable_wait {
  bool call(deadline until) {
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(target.number(), &readable);
    return select(target.number() + 1, &readable, nullptr, nullptr, until) > 0;
  }
};

} // namespace

TEST_CASE_TEMPLATE("every wait: io", Wait, udp_receive, udp_send, readable_wait,
                   writable_wait, poll_wait, select_wait) {
  test::every_wait<Wait>();
}
