#pragma once

#include <greenroom/wire/bad_message.hpp>
#include <greenroom/zmq/frame.hpp>

#include <functional>

namespace greenroom::wire {

/// Told of each message that could not be decoded, which is then forgotten.
/// Without one it is logged. What it throws ends who calls it.
using error_hook =
    std::function<void(const bad_message& why, const zmq::message& frames)>;

namespace inside {

void tell(const error_hook& hook, const bad_message& why,
          const zmq::message& frames);

} // namespace inside
} // namespace greenroom::wire
