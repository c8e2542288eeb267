#pragma once

// Private to the tls room: what is behind a context.

#include "openssl.hpp"

#include <greenroom/tls/tls_context.hpp>

#include <map>
#include <string>
#include <string_view>

namespace greenroom {

/// Constant after construction.
struct tls_context::state {
  ssl_ctx_ptr context;
  std::string alpn; // as it goes over the wire
  std::map<std::string, tls_context> hosts;
  bool is_server = false;
  bool verify_name = true;
};

/// "h2", "http/1.1" as they go over the wire: each after its length.
std::string alpn_list(const std::vector<std::string>& protocols);

/// Throws `std::system_error` of the thread's newest OpenSSL error.
[[noreturn]] void refuse_context(const std::string& what);

// tls_load.cpp
void load_trust(SSL_CTX& into, const tls_options& options);
void load_identity(SSL_CTX& into, const tls_options& options);

// tls_host.cpp: the callbacks of a server
void answer_alpn(SSL_CTX& of, const tls_context::state& self);
void answer_host_names(SSL_CTX& of, const tls_context::state& self);

/// Lower case, and without the dot that some names end with.
std::string plain_host(std::string_view name);

} // namespace greenroom
