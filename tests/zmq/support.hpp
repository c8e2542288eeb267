#pragma once

// Sockets of a context of their own, which ends with the test.

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <system_error>

namespace test {

using namespace std::chrono_literals;
using greenroom::deadline;
using greenroom::spawn;
namespace zmq = greenroom::zmq;
using zmq::socket_type;

/// What is unsent at the end is dropped, so that no test waits for it.
inline zmq::socket make_socket(const zmq::context& in, socket_type kind) {
  zmq::socket made{in, kind};
  made.set_linger(0s);
  return made;
}

inline const std::string any_port = "tcp://127.0.0.1:*";

/// Two sockets that are connected; `bound` has bound.
struct zmq_pair {
  zmq_pair(socket_type at_bound, socket_type at_connected,
           const std::string& endpoint = any_port)
      : bound(make_socket(context, at_bound)),
        connected(make_socket(context, at_connected)) {
    if (at_connected == socket_type::sub) connected.subscribe();
    bound.bind(endpoint);
    connected.connect(bound.last_endpoint());
  }

  zmq::context context;
  zmq::socket bound;
  zmq::socket connected;
};

inline std::string receive_text(zmq::socket& from) {
  return from.receive(10s).text();
}

/// Connected, with room for few messages and nobody that takes them.
struct full_push {
  full_push() : at(make_socket(context, socket_type::push)) {
    at.set_send_limit(1);
    at.bind(any_port);
  }
  zmq::context context;
  zmq::socket at; // without a peer every send waits
};

template <class Body>
void in_real_hub(Body&& body) {
  in_hub_on(greenroom::clock_kind::real, std::forward<Body>(body));
}

} // namespace test
