#pragma once

#include <system_error>

namespace greenroom::zmq {

/// What libzmq has numbers of its own for. Its other failures are those of the
/// system, and compare with `std::errc`; a socket that is closed is
/// `greenroom::errc::closed`.
enum class errc {
  wrong_state = 1,       ///< not this socket's turn: send and receive alternate
  incompatible_protocol, ///< this transport is not for sockets of this type
  no_io_thread           ///< the context has none
};

const std::error_category& error_category() noexcept;
std::error_code make_error_code(errc code) noexcept;

} // namespace greenroom::zmq

template <>
struct std::is_error_code_enum<greenroom::zmq::errc> : std::true_type {};
