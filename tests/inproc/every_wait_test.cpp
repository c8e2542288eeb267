// What every waiting call of this room owes: see every_wait.hpp.

#include "every_wait.hpp"
#include "inproc/support.hpp"

using namespace greenroom;
using namespace test;

namespace {

struct push_send {
  push_send() {
    limit_each(from, to, 1);
    from.bind("inproc://jobs");
    to.connect("inproc://jobs");
    from.send(1);
    from.send(2);
  }
  bool call(deadline until) {
    from.send(3, until);
    return true;
  }
  bool left_clean() {
    return from.writable().watchers().empty() && !from.try_send(3);
  }
  test::push<int> from;
  test::pull<int> to;
};

struct push_send_code : push_send {
  bool call(deadline until) {
    std::error_code failed;
    return from.send(3, until, failed);
  }
};

struct pull_receive {
  pull_receive() { target.bind("inproc://jobs"); }
  bool call(deadline until) { return target.receive(until); }
  bool left_clean() {
    return target.readable().watchers().empty() && !target.try_receive();
  }
  test::pull<int> target;
};

struct pull_receive_code : pull_receive {
  bool call(deadline until) {
    std::error_code failed;
    return target.receive(until, failed).has_value();
  }
};

struct sub_receive {
  sub_receive() { target.bind("inproc://news"); }
  bool call(deadline until) { return target.receive(until).empty(); }
  bool left_clean() { return target.readable().watchers().empty(); }
  sub<std::string> target;
};

struct req_send {
  bool call(deadline until) {
    target.send(1, until);
    return true;
  }
  bool left_clean() { return target.writable().watchers().empty(); }
  req<int, int> target;
};

struct req_receive {
  req_receive() {
    target.connect("inproc://server");
    target.send(1);
  }
  bool call(deadline until) { return target.receive(until); }
  bool left_clean() { return target.readable().watchers().empty(); }
  req<int, int> target;
};

struct rep_receive {
  rep_receive() { target.bind("inproc://server"); }
  bool call(deadline until) { return target.receive(until); }
  bool left_clean() { return target.readable().watchers().empty(); }
  rep<int, int> target;
};

struct dealer_send {
  bool call(deadline until) {
    target.send(1, until);
    return true;
  }
  bool left_clean() { return target.writable().watchers().empty(); }
  dealer<int, int> target;
};

struct dealer_receive : dealer_send {
  bool call(deadline until) { return target.receive(until); }
  bool left_clean() { return target.readable().watchers().empty(); }
};

/// A mandatory router whose peer is full.
struct router_send {
  router_send() {
    limit_each(target, peer, 1);
    target.set_router_mandatory(true);
    target.bind("inproc://router");
    peer.set_routing_id("peer");
    peer.connect("inproc://router");
    target.send({"peer", 1});
    target.send({"peer", 2});
  }
  bool call(deadline until) {
    target.send({"peer", 3}, until);
    return true;
  }
  bool left_clean() {
    return target.writable().watchers().empty() &&
           !target.try_send({"peer", 3});
  }
  router<int, int> target;
  dealer<int, int> peer;
};

struct router_receive : router_send {
  bool call(deadline until) { return target.receive(until).message; }
  bool left_clean() { return target.readable().watchers().empty(); }
};

} // namespace

TEST_CASE_TEMPLATE("every wait: inproc", Wait, push_send, push_send_code,
                   pull_receive, pull_receive_code, sub_receive, req_send,
                   req_receive, rep_receive, dealer_send, dealer_receive,
                   router_send, router_receive) {
  test::every_wait<Wait>();
}
