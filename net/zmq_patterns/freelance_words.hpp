#pragma once

// Private to the zmq_patterns room: the words of RFC 10 (FLP).

#include <string_view>

namespace greenroom::zmq {

inline constexpr std::string_view freelance_ping = "PING";
inline constexpr std::string_view freelance_pong = "PONG";

} // namespace greenroom::zmq
