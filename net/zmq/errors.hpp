#pragma once

// Private to the zmq room.

#include <string>
#include <system_error>

namespace greenroom::zmq {

/// Of a number that libzmq left in errno.
std::error_code code_of(int number);

[[noreturn]] void throw_last(const std::string& what);

} // namespace greenroom::zmq
