#pragma once

#include <cstddef>

namespace greenroom::wire {

/// What is decoded at most; more is a `bad_message`. While it decodes a body
/// needs 16 bytes for each item, and then what the items are as C++ objects.
///
/// How long a frame libzmq reads at all is for `zmq::socket::set_most_bytes`.
struct limits {
  std::size_t bytes = 1 << 20; ///< of a body
  std::size_t items = 100'000; ///< in it: numbers, texts, arrays and so on
  std::size_t depth = 32;      ///< of arrays and maps in each other
};

} // namespace greenroom::wire
