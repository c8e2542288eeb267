#include <greenroom/tls/tls_context.hpp>

#include "context_state.hpp"

#include <atomic>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace greenroom {
namespace {

int number_of(tls_version version) {
  return version == tls_version::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

int verify_mode(const tls_options& options, bool is_server) {
  switch (options.verify) {
  case tls_verify::usual:
    return is_server ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
  case tls_verify::none:
    return SSL_VERIFY_NONE;
  case tls_verify::optional:
    return SSL_VERIFY_PEER;
  case tls_verify::required:
    break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

bool has_trust(const tls_options& options) {
  return !options.ca_file.empty() || !options.ca_directory.empty() ||
         !options.ca_pem.empty();
}

void check(const tls_options& options, bool is_server) {
  const char* wrong = nullptr;
  const bool named =
      !options.certificate_file.empty() || !options.certificate_pem.empty();
  if (!is_server && options.verify == tls_verify::optional)
    wrong = "a client verifies the server or does not";
  if (!is_server && !options.hosts.empty()) wrong = "hosts are for servers";
  if (is_server && !named) wrong = "a server needs a certificate";
  if (is_server && verify_mode(options, true) != SSL_VERIFY_NONE &&
      !has_trust(options))
    wrong = "a server that verifies its clients needs to know whom to trust";
  if (wrong) throw std::invalid_argument(std::string("tls_context: ") + wrong);
}

void set_behaviour(SSL_CTX& context, const tls_options& options) {
  SSL_CTX_set_min_proto_version(&context, number_of(options.least_version));
  SSL_CTX_set_options(&context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (options.accept_truncation)
    SSL_CTX_set_options(&context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(&context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
  // A peer that sends nothing but changes of keys must not keep the hub.
  SSL_CTX_clear_mode(&context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(&context, 1); // one system call for a small record
}

void set_ciphers(SSL_CTX& context, const tls_options& options) {
  if (!options.ciphers.empty() &&
      SSL_CTX_set_cipher_list(&context, options.ciphers.c_str()) != 1)
    refuse_context("ciphers \"" + options.ciphers + "\"");
  if (!options.cipher_suites.empty() &&
      SSL_CTX_set_ciphersuites(&context, options.cipher_suites.c_str()) != 1)
    refuse_context("cipher_suites \"" + options.cipher_suites + "\"");
}

/// The newest one that the server gave; where a connection keeps it is its
/// application's data.
int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* kept = static_cast<ssl_session_ptr*>(SSL_get_app_data(ssl));
  if (!kept) return 0;
  kept->reset(session);
  return 1;
}

void keep_sessions(SSL_CTX& context) {
  SSL_CTX_set_session_cache_mode(
      &context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(&context, &keep_session);
}

/// Sessions live in tickets. They are good for the context that they were
/// made in only: another one may verify its clients otherwise.
void give_tickets(SSL_CTX& context, bool wanted) {
  static std::atomic<unsigned> contexts{0};
  const unsigned id = ++contexts;
  SSL_CTX_set_session_id_context(
      &context, reinterpret_cast<const unsigned char*>(&id), sizeof id);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  if (wanted) return;
  SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(&context, 0);
}

std::shared_ptr<const tls_context::state> make(const tls_options& options,
                                               bool is_server) {
  check(options, is_server);
  ERR_clear_error();
  auto made = std::make_shared<tls_context::state>();
  made->is_server = is_server;
  made->verify_name = options.verify_name;
  made->alpn = alpn_list(options.alpn);
  made->context.reset(
      SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method()));
  if (!made->context) refuse_context("a new one");
  SSL_CTX& context = *made->context;
  set_behaviour(context, options);
  set_ciphers(context, options);
  SSL_CTX_set_verify(&context, verify_mode(options, is_server), nullptr);
  if (has_trust(options) || !is_server) load_trust(context, options);
  load_identity(context, options);
  for (const auto& [name, host] : options.hosts)
    made->hosts.emplace(plain_host(name), host);
  if (is_server) {
    give_tickets(context, options.resumption);
    if (!made->alpn.empty()) answer_alpn(context, *made);
    if (!made->hosts.empty()) answer_host_names(context, *made);
  } else {
    keep_sessions(context);
  }
  return made;
}

} // namespace

std::string alpn_list(const std::vector<std::string>& protocols) {
  std::string list;
  for (const std::string& each : protocols) {
    if (each.empty() || each.size() > 255)
      throw std::invalid_argument("an ALPN protocol has 1 to 255 bytes");
    list += static_cast<char>(each.size());
    list += each;
  }
  return list;
}

void refuse_context(const std::string& what) {
  const std::error_code failed = openssl_error();
  ERR_clear_error();
  throw std::system_error(failed, "tls_context: " + what);
}

tls_context::tls_context(std::shared_ptr<const state> made)
    : state_(std::move(made)) {
}

tls_context tls_context::client() {
  return client({});
}

tls_context tls_context::client(const tls_options& options) {
  return tls_context{make(options, false)};
}

tls_context tls_context::server(const tls_options& options) {
  return tls_context{make(options, true)};
}

ssl_ctx_st* tls_context::native() const {
  return state_->context.get();
}

} // namespace greenroom
