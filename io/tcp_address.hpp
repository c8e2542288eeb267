#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom {

/// "127.0.0.1:5000" in parts. The host is a name or a number; to listen, an
/// empty one means every address of this machine, of both kinds. A port of 0
/// asks for a free one.
struct tcp_address {
  std::string host;
  std::uint16_t port = 0;

  /// "host:port", with brackets around an IPv6 host.
  std::string text() const;

  /// From "localhost:80", "[::1]:80", ":80", "*:80" or "80".
  /// Errors     `std::system_error` with `std::errc::invalid_argument`.
  static tcp_address parse(std::string_view text);

  friend bool operator==(const tcp_address&, const tcp_address&) = default;
};

} // namespace greenroom
