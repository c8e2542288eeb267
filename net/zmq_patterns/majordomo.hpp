#pragma once

// Private to the zmq_patterns room: words of the Majordomo protocol, RFC 7.

#include <string_view>

namespace greenroom::zmq::majordomo {

inline constexpr std::string_view client_header = "MDPC01";
inline constexpr std::string_view worker_header = "MDPW01";

inline constexpr std::string_view ready{"\1", 1};
inline constexpr std::string_view request{"\2", 1};
inline constexpr std::string_view reply{"\3", 1};
inline constexpr std::string_view heartbeat{"\4", 1};
inline constexpr std::string_view disconnect{"\5", 1};

/// What begins so the broker answers itself (RFC 8).
inline constexpr std::string_view internal = "mmi.";

} // namespace greenroom::zmq::majordomo
