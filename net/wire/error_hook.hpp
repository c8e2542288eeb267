#pragma once

#include <greenroom/wire/bad_message.hpp>
#include <greenroom/zmq/frame.hpp>
#include <greenroom/zmq/socket.hpp>

#include <functional>
#include <system_error>

namespace greenroom::wire {

/// Told of each message that could not be decoded, which is then forgotten.
/// Without one it is logged. What it throws ends who calls it.
using error_hook =
    std::function<void(const bad_message& why, const zmq::message& frames)>;

namespace inside {

void tell(const error_hook& hook, const bad_message& why,
          const zmq::message& frames);

/// The next message. What has more frames than the socket takes is told of as
/// well, and refused where it must be answered.
zmq::message receive_next(zmq::socket& from, const error_hook& hook,
                          std::error_code& failed);

} // namespace inside
} // namespace greenroom::wire
