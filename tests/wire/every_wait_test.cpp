// What every waiting call of this room owes: see every_wait.hpp.

#include "every_wait.hpp"
#include "wire/support.hpp"

#include <greenroom/wire/typed_socket.hpp>

using namespace greenroom;
using namespace test;

namespace {

struct typed_send {
  bool call(deadline until) {
    target.send(balance{}, until);
    return true;
  }
  bool left_clean() { return !target.try_send(balance{}); }
  full_push from;
  wire::typed_socket<balance> target{std::move(from.at)};
};

struct typed_receive {
  typed_receive() { target.bind(any_port); }
  bool call(deadline until) {
    target.receive(until);
    return true;
  }
  bool left_clean() { return !target.raw().try_receive(); }
  zmq::context own;
  wire::typed_socket<balance> target{make_socket(own, socket_type::pull)};
};

/// Waits for room in the socket.
struct remote_ask {
  remote_ask() : target(with_nobody(own)) {}
  static zmq::socket with_nobody(const zmq::context& in) {
    auto made = make_socket(in, socket_type::dealer);
    made.bind(any_port);
    return made;
  }
  bool call(deadline until) {
    target.ask(balance{}, until);
    return true;
  }
  bool left_clean() { return target.asked() == 0; }
  zmq::context own;
  wire::remote_actor<balance> target;
};

} // namespace

TEST_CASE_TEMPLATE("every wait: wire", Wait, typed_send, typed_receive,
                   remote_ask) {
  test::every_wait<Wait>();
}
