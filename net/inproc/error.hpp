#pragma once

#include <system_error>

namespace greenroom::inproc {

/// What the patterns have errors of their own for. The others compare with
/// `greenroom::errc`, or with `std::errc` as those of `zmq::socket` do.
enum class errc {
  wrong_state = 1, ///< not this socket's turn: send and receive alternate
  incompatible     ///< sockets of these two types do not talk to each other
};

const std::error_category& error_category() noexcept;
std::error_code make_error_code(errc code) noexcept;

} // namespace greenroom::inproc

template <>
struct std::is_error_code_enum<greenroom::inproc::errc> : std::true_type {};
