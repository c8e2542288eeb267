#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::http {

/// "http://host:8000/path?query" in parts. The fragment is dropped.
///
/// Ownership  A value.
/// Errors     `std::system_error` with `std::errc::invalid_argument`, which
///            names the text: no scheme or host, a user in it, characters that
///            must be percent-encoded.
/// Source     RFC 3986.
struct url {
  std::string scheme;     ///< lower case: "http"
  std::string host;       ///< without the brackets of an IPv6 address
  std::uint16_t port = 0; ///< else the scheme's: 80, or 443 of https and wss
  std::string target = "/";

  static url parse(std::string_view text);
  /// What `reference` means on the page at this address: "/a", "b", "?c",
  /// "//host/d", or a whole one.
  url resolve(std::string_view reference) const;

  bool is_secure() const { return scheme == "https" || scheme == "wss"; }
  /// For the Host field: "host", "host:8000", "[::1]".
  std::string authority() const;
  std::string text() const { return scheme + "://" + authority() + target; }
};

} // namespace greenroom::http
