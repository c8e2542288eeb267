// What every waiting call of this room owes: see every_wait.hpp.

#include "every_wait.hpp"
#include "zmq/support.hpp"

using namespace greenroom;
using namespace test;

namespace {

struct zmq_send {
  bool call(deadline until) {
    from.at.send("x", until);
    return true;
  }
  bool left_clean() { return !from.at.try_send("x"); }
  full_push from;
};

struct zmq_send_multipart : zmq_send {
  bool call(deadline until) {
    from.at.send_multipart({"x", "y"}, until);
    return true;
  }
};

struct zmq_receive {
  bool call(deadline until) { return target.receive(until).empty(); }
  bool left_clean() { return !target.try_receive(); }
  zmq_receive() { target.bind(any_port); }
  zmq::context own;
  zmq::socket target = make_socket(own, socket_type::pull);
};

struct zmq_receive_multipart : zmq_receive {
  bool call(deadline until) { return target.receive_multipart(until).empty(); }
};

/// A mandatory router whose peer is full.
struct router_send {
  router_send() {
    router.set_router_mandatory(true);
    router.set_send_limit(1);
    router.bind("inproc://router");
    peer.set_receive_limit(1);
    peer.set_routing_id("peer");
    peer.connect("inproc://router");
    while (router.try_send_multipart({"peer", "x"})) {
    }
  }
  bool call(deadline until) {
    router.send_multipart({"peer", "x"}, until);
    return true;
  }
  bool left_clean() { return !router.try_send_multipart({"peer", "x"}); }
  zmq::context own;
  zmq::socket router = make_socket(own, socket_type::router);
  zmq::socket peer = make_socket(own, socket_type::dealer);
};

} // namespace

TEST_CASE_TEMPLATE("every wait: zmq", Wait, zmq_send, zmq_send_multipart,
                   zmq_receive, zmq_receive_multipart, router_send) {
  test::every_wait<Wait>();
}
