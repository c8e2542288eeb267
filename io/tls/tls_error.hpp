#pragma once

#include <string>
#include <system_error>
#include <type_traits>

namespace greenroom {

/// What a program may want to tell apart among the errors of TLS; compares
/// with the codes of both categories below.
enum class tls_errc {
  verify_failed = 1, ///< the peer's certificate is not to be trusted
  truncated,         ///< the connection ended without the peer's goodbye
  no_common_protocol ///< none of the ALPN protocols is known to both
};

/// OpenSSL's reasons: the number of `SSL_R_...`; what comes from other parts
/// of OpenSSL, with their number in the bits above.
const std::error_category& tls_category() noexcept;

/// Why a certificate was refused: the number of `X509_V_ERR_...`.
const std::error_category& tls_verify_category() noexcept;

std::error_condition make_error_condition(tls_errc code) noexcept;

} // namespace greenroom

template <>
struct std::is_error_condition_enum<greenroom::tls_errc> : std::true_type {};
