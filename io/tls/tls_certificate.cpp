#include <greenroom/tls/tls_certificate.hpp>

#include "certificate_of.hpp"

#include <openssl/pem.h>

#include <array>
#include <cstddef>
#include <new>
#include <string>

namespace greenroom {
namespace {

/// What `print` writes into it.
template <class Print>
std::string printed(Print&& print) {
  const bio_ptr memory{BIO_new(BIO_s_mem())};
  if (!memory) throw std::bad_alloc();
  print(memory.get());
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(bytes)};
}

std::string text_of(const X509_NAME* name) {
  return printed([name](BIO* into) {
    X509_NAME_print_ex(into, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  });
}

std::string fingerprint_of(const X509& certificate) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned bytes = 0;
  X509_digest(&certificate, EVP_sha256(), hash.data(), &bytes);
  std::string text;
  for (unsigned i = 0; i < bytes; ++i)
    text += {digits[hash[i] >> 4], digits[hash[i] & 15]};
  return text;
}

} // namespace

tls_certificate certificate_of(X509& certificate) {
  return {text_of(X509_get_subject_name(&certificate)),
          text_of(X509_get_issuer_name(&certificate)),
          fingerprint_of(certificate),
          printed([&](BIO* into) { PEM_write_bio_X509(into, &certificate); })};
}

} // namespace greenroom
