#include <greenroom/tls/tls_error.hpp>

#include "openssl.hpp"

#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include <cerrno>
#include <string>

namespace greenroom {
namespace {

/// Packed as OpenSSL packs it; the reasons of libssl itself stand alone.
unsigned long packed(int value) {
  const auto code = static_cast<unsigned long>(value);
  return ERR_GET_LIB(code) == 0 ? ERR_PACK(ERR_LIB_SSL, 0, code) : code;
}

class reason_category final : public std::error_category {
  const char* name() const noexcept override { return "greenroom.tls"; }

  std::string message(int value) const override {
    const char* text = ERR_reason_error_string(packed(value));
    return text ? text : "TLS error " + std::to_string(value);
  }

  std::error_condition
  default_error_condition(int value) const noexcept override {
    switch (value) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return tls_errc::verify_failed;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return tls_errc::truncated;
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL:
      return tls_errc::no_common_protocol;
    default:
      return {value, *this};
    }
  }
};

class verify_category final : public std::error_category {
  const char* name() const noexcept override { return "greenroom.tls.verify"; }

  std::string message(int value) const override {
    return std::string("certificate verify failed: ") +
           X509_verify_cert_error_string(value);
  }

  std::error_condition default_error_condition(int) const noexcept override {
    return tls_errc::verify_failed;
  }
};

class condition_category final : public std::error_category {
  const char* name() const noexcept override { return "greenroom.tls.errc"; }

  std::string message(int value) const override {
    switch (static_cast<tls_errc>(value)) {
    case tls_errc::verify_failed:
      return "certificate verify failed";
    case tls_errc::truncated:
      return "ended without the peer's goodbye";
    case tls_errc::no_common_protocol:
      return "no common ALPN protocol";
    }
    return "unknown error";
  }
};

} // namespace

const std::error_category& tls_category() noexcept {
  static const reason_category category;
  return category;
}

const std::error_category& tls_verify_category() noexcept {
  static const verify_category category;
  return category;
}

std::error_condition make_error_condition(tls_errc code) noexcept {
  static const condition_category category;
  return {static_cast<int>(code), category};
}

std::error_code openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  if (code == 0) return std::make_error_code(std::errc::io_error);
  if (ERR_SYSTEM_ERROR(code))
    return {ERR_GET_REASON(code), std::system_category()};
  const bool own = ERR_GET_LIB(code) == ERR_LIB_SSL;
  const auto value = own ? static_cast<unsigned long>(ERR_GET_REASON(code))
                         : ERR_PACK(ERR_GET_LIB(code), 0, ERR_GET_REASON(code));
  return {static_cast<int>(value), tls_category()};
}

} // namespace greenroom
