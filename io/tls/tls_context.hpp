#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace greenroom {

struct tls_options;

/// What many TLS connections have in common: whom they trust, who they are,
/// what they speak. Loaded once; a value, whose copies are the same context.
///
/// Thread     Any.
/// Waits      Never, but it reads files: make it before there is traffic.
/// Errors     `std::system_error` that names the file or option and OpenSSL's
///            reason; `std::invalid_argument` for options that cannot be meant.
/// Source     Python's ssl.SSLContext.
///
///     auto outward = tls_context::client();   // trusts whom the system trusts
///     auto inward = tls_context::server(
///         {.certificate_file = "chain.pem", .key_file = "key.pem"});
class tls_context {
public:
  static tls_context client();
  static tls_context client(const tls_options& options);
  /// Needs a certificate with its key.
  static tls_context server(const tls_options& options);

  /// For what is not offered here; to be used before the first connection.
  ssl_ctx_st* native() const;

  struct state;

private:
  friend class tls_socket;
  explicit tls_context(std::shared_ptr<const state> made);

  std::shared_ptr<const state> state_; // never null, but when moved from
};

enum class tls_version : std::uint8_t { v1_2, v1_3 };

enum class tls_verify : std::uint8_t {
  usual,    ///< required by a client, none by a server
  none,     ///< whoever it is: nothing protects from a man in the middle
  optional, ///< for a server: a client without a certificate is welcome
  required
};

struct tls_options {
  // --- whom to trust; with none of these, whom the system trusts ----------
  std::string ca_file = {};      ///< PEM
  std::string ca_directory = {}; ///< named by hash, as by `openssl rehash`
  std::string ca_pem = {};       ///< text
  tls_verify verify = tls_verify::usual;
  /// A client compares the name in the certificate with the server's.
  bool verify_name = true;

  // --- who one is ---------------------------------------------------------
  std::string certificate_file = {}; ///< PEM: one's own, then those above it
  std::string certificate_pem = {};  ///< or as text
  std::string key_file = {};         ///< PEM; none: it is with the certificate
  std::string key_pem = {};
  std::string key_password = {};
  std::function<std::string()> ask_key_password = {}; ///< if the key needs one

  // --- what to speak ------------------------------------------------------
  std::vector<std::string> alpn = {}; ///< protocols, the best one first
  tls_version least_version = tls_version::v1_2;
  std::string ciphers = {};       ///< of TLS 1.2, as OpenSSL lists them
  std::string cipher_suites = {}; ///< of TLS 1.3
  /// A peer that ends without goodbye has ended, and is no error. Then nobody
  /// notices when somebody on the way cuts off the rest.
  bool accept_truncation = false;

  // --- servers ------------------------------------------------------------
  /// Gives clients tickets to resume with.
  bool resumption = true;
  /// For clients that ask for such a name: certificate, trust, ALPN, version
  /// and ciphers of another context. "*.example.org" stands for one label.
  std::map<std::string, tls_context> hosts = {};
};

} // namespace greenroom
