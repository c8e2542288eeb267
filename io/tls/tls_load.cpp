// Certificates and keys, from files and texts.

#include "context_state.hpp"

#include <openssl/pem.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {
namespace {

/// PEM text and where it is from, for error texts.
struct pem {
  std::string text;
  std::string name;
};

pem file(const char* option, const std::string& path) {
  const std::string name = std::string(option) + " " + path;
  errno = 0;
  const std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || (text.fail() && errno != 0)) // an empty file fails, too
    throw std::system_error(errno, std::system_category(),
                            "tls_context: " + name);
  return {text.str(), name};
}

bio_ptr reader_of(const std::string& text) {
  bio_ptr made{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
  if (!made) refuse_context("a buffer");
  return made;
}

/// Calls `each` with every certificate. One that cannot be read, or none at
/// all, is an error.
template <class Each>
void for_each_certificate(const pem& from, Each&& each) {
  const bio_ptr in = reader_of(from.text);
  std::size_t count = 0;
  for (;;) {
    const x509_ptr next{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
    if (!next) break;
    if (each(*next, count++) != 1) refuse_context(from.name);
  }
  const bool at_end =
      ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (count == 0 || !at_end) refuse_context(from.name);
  ERR_clear_error();
}

void trust(SSL_CTX& context, const pem& from) {
  for_each_certificate(from, [&](X509& each, std::size_t) {
    SSL_CTX_add_client_CA(&context, &each); // servers name them to clients
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), &each);
  });
}

void use_chain(SSL_CTX& context, const pem& from) {
  for_each_certificate(from, [&](X509& each, std::size_t place) -> long {
    return place == 0 ? SSL_CTX_use_certificate(&context, &each)
                      : SSL_CTX_add1_chain_cert(&context, &each);
  });
}

/// Never asks at the terminal, as OpenSSL's own does.
int give_password(char* into, int room, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.size() > static_cast<std::size_t>(room)) return -1;
  std::copy(text.begin(), text.end(), into);
  return static_cast<int>(text.size());
}

void use_key(SSL_CTX& context, const pem& from, const tls_options& options) {
  std::string password = options.key_password;
  const bool locked = from.text.find("ENCRYPTED") != std::string::npos;
  if (locked && options.ask_key_password) password = options.ask_key_password();
  ERR_clear_error(); // that was the user's code
  const bio_ptr in = reader_of(from.text);
  const pkey_ptr key{
      PEM_read_bio_PrivateKey(in.get(), nullptr, &give_password, &password)};
  if (!key || SSL_CTX_use_PrivateKey(&context, key.get()) != 1 ||
      SSL_CTX_check_private_key(&context) != 1)
    refuse_context(from.name);
}

} // namespace

void load_trust(SSL_CTX& into, const tls_options& options) {
  const bool own = !options.ca_file.empty() || !options.ca_pem.empty() ||
                   !options.ca_directory.empty();
  if (!own && SSL_CTX_set_default_verify_paths(&into) != 1)
    refuse_context("the system's certificates");
  if (!options.ca_file.empty()) trust(into, file("ca_file", options.ca_file));
  if (!options.ca_pem.empty()) trust(into, {options.ca_pem, "ca_pem"});
  if (!options.ca_directory.empty() &&
      SSL_CTX_load_verify_dir(&into, options.ca_directory.c_str()) != 1)
    refuse_context("ca_directory " + options.ca_directory);
  ERR_clear_error();
}

void load_identity(SSL_CTX& into, const tls_options& options) {
  const bool in_file = !options.certificate_file.empty();
  const bool key_in_file = !options.key_file.empty();
  if ((in_file && !options.certificate_pem.empty()) ||
      (key_in_file && !options.key_pem.empty()))
    throw std::invalid_argument("tls_context: both a file and a text");
  if (!in_file && options.certificate_pem.empty()) {
    if (key_in_file || !options.key_pem.empty())
      throw std::invalid_argument("tls_context: a key without a certificate");
    return;
  }
  pem from = in_file ? file("certificate_file", options.certificate_file)
                     : pem{options.certificate_pem, "certificate_pem"};
  use_chain(into, from);
  if (key_in_file)
    from = file("key_file", options.key_file);
  else if (!options.key_pem.empty())
    from = {options.key_pem, "key_pem"};
  use_key(into, from, options);
}

} // namespace greenroom
