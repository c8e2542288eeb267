// What every waiting call of this room owes: see every_wait.hpp.

#include "every_wait.hpp"
#include "io/full_sockets.hpp"
#include "io/poll_support.hpp"
#include "io/tcp_support.hpp"
#include "io/temporary_file.hpp"
#include "io/unix_support.hpp"

#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/poll.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/io/udp.hpp>
#include <greenroom/io/unix.hpp>

#include <unistd.h>

#include <array>
#include <string>
#include <system_error>
#include <utility>

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

template <class Ends>
struct stream_read {
  bool call(deadline until) {
    target.near.read(part, until);
    return true;
  }
  bool left_clean() { return target.near.is_open(); }
  std::array<char, 8> part;
  Ends target;
};

template <class Ends>
struct stream_write {
  bool call(deadline until) {
    target.near.write(test::more_than_fits(), until);
    return true;
  }
  bool left_clean() { return target.near.is_open(); }
  Ends target;
};

struct unix_ends {
  std::pair<unix_socket, unix_socket> both = greenroom::socketpair();
  stream& near = both.first;
};

using tcp_read = stream_read<test::connection>;
using tcp_write = stream_write<test::connection>;
using unix_read = stream_read<unix_ends>;
using unix_write = stream_write<unix_ends>;

struct tcp_accept {
  bool call(deadline until) { return target.accept(until).is_open(); }
  bool left_clean() { return target.is_open(); }
  tcp_listener target{{"127.0.0.1", 0}};
};

struct file_send {
  bool call(deadline until) {
    to.near.send_file(file.descriptor(), 0, test::more_than_fits().size(),
                      until);
    return true;
  }
  bool left_clean() { return to.near.is_open(); }
  test::temporary_file file{test::more_than_fits()};
  test::connection to;
};

struct unix_connect {
  bool call(deadline until) {
    return unix_socket::connect(at, until).is_open();
  }
  bool left_clean() { return true; }
  const unix_address at = unix_address::abstract("greenroom-every-wait-" +
                                                 std::to_string(::getpid()));
  test::full_door full{at};
};

struct line_read {
  bool call(deadline until) { return lines.read_line(until).has_value(); }
  bool left_clean() { return from.near.is_open(); }
  test::connection from;
  buffered_reader lines{from.near};
};

} // namespace

TEST_CASE_TEMPLATE("every wait: io", Wait, udp_receive, udp_send, readable_wait,
                   writable_wait, poll_wait, select_wait, tcp_read, tcp_write,
                   unix_read, unix_write, tcp_accept, file_send, unix_connect,
                   line_read) {
  test::every_wait<Wait>();
}
