#pragma once

// Certificates made here and now.

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace test {

template <auto Free>
struct freed {
  template <class Object>
  void operator()(Object* object) const {
    Free(object);
  }
};

using certificate = std::unique_ptr<X509, freed<X509_free>>;
using private_key = std::unique_ptr<EVP_PKEY, freed<EVP_PKEY_free>>;

/// PEM of a certificate and its key.
struct identity {
  std::string certificate;
  std::string key;
};

struct wanted_certificate {
  const char* subject = "somebody";
  const char* names = ""; // "DNS:example.org,IP:127.0.0.1"
  long begins = -3600;    // seconds from now
  long ends = 3600;
};

template <class Write>
std::string pem_of(Write&& write) {
  const std::unique_ptr<BIO, freed<BIO_free>> memory{BIO_new(BIO_s_mem())};
  write(memory.get());
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(bytes)};
}

inline std::string pem_of(X509& made) {
  return pem_of([&](BIO* into) { PEM_write_bio_X509(into, &made); });
}

/// Locked with `password`, unless that is empty.
inline std::string pem_of(EVP_PKEY& key, std::string password = "") {
  return pem_of([&](BIO* into) {
    PEM_write_bio_PKCS8PrivateKey(
        into, &key, password.empty() ? nullptr : EVP_aes_128_cbc(),
        password.data(), static_cast<int>(password.size()), nullptr, nullptr);
  });
}

inline private_key make_key() {
  return private_key{EVP_EC_gen("P-256")};
}

inline void extend(X509& made, int kind, const char* value) {
  const std::unique_ptr<X509_EXTENSION, freed<X509_EXTENSION_free>> extension{
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value)};
  if (!extension || X509_add_ext(&made, extension.get(), -1) != 1)
    throw std::runtime_error(std::string("no such extension: ") + value);
}

/// Who signs, and what it has signed.
class authority {
public:
  explicit authority(const char* name = "The tests' authority")
      : name_(name), key_(make_key()),
        own_(make(*key_, {.subject = name}, true)) {}

  std::string pem() const { return pem_of(*own_); }

  identity sign(const wanted_certificate& wanted) const {
    const private_key key = make_key();
    return {pem_of(*make(*key, wanted, false)), pem_of(*key)};
  }

  identity for_host(const char* names) const { return sign({.names = names}); }

private:
  certificate make(EVP_PKEY& key, const wanted_certificate& wanted,
                   bool signs) const {
    static long serial = 0;
    certificate made{X509_new()};
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), wanted.begins);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), wanted.ends);
    X509_set_pubkey(made.get(), &key);
    add_name(*X509_get_subject_name(made.get()), wanted.subject);
    add_name(*X509_get_issuer_name(made.get()), name_);
    extend(*made, NID_basic_constraints,
           signs ? "critical,CA:TRUE" : "CA:FALSE");
    if (*wanted.names) extend(*made, NID_subject_alt_name, wanted.names);
    X509_sign(made.get(), key_.get(), EVP_sha256());
    return made;
  }

  static void add_name(X509_NAME& to, const char* name) {
    X509_NAME_add_entry_by_txt(&to, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name), -1,
                               -1, 0);
  }

  const char* name_;
  private_key key_;
  certificate own_;
};

} // namespace test
