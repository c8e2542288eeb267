#pragma once

#include <greenroom/zmq/frame.hpp>
#include <greenroom/zmq/socket.hpp>

#include <functional>

namespace greenroom::zmq {

/// What a worker does with a request: returns the reply.
using request_handler = std::function<message(message&& request)>;

/// Sets further options of a component's sockets, such as CURVE's keys, before
/// they bind or connect. Where strangers come, `set_most_bytes` is one: limits of
/// the components count messages.
using socket_setup = std::function<void(socket& made)>;

} // namespace greenroom::zmq
