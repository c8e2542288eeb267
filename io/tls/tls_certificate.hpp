#pragma once

#include <string>

namespace greenroom {

/// A peer's certificate, as texts.
struct tls_certificate {
  std::string subject; ///< "CN=example.org,O=Example", as in RFC 2253
  std::string issuer;
  std::string fingerprint; ///< SHA-256, 64 hexadecimal digits
  std::string pem;
};

} // namespace greenroom
