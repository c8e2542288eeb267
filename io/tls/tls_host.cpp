// What a server chooses by the client's first message: the host, the protocol.

#include "context_state.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace greenroom {
namespace {

using state = tls_context::state;

const state& state_of(void* argument) {
  return *static_cast<const state*>(argument);
}

/// The first of ours that the client knows, too.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size,
                    void* argument) {
  const std::string& own = state_of(argument).alpn;
  unsigned char* found = nullptr;
  const int how = SSL_select_next_proto(
      &found, size, reinterpret_cast<const unsigned char*>(own.data()),
      static_cast<unsigned>(own.size()), offered, offered_size);
  if (how != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

/// RFC 6066, 3; empty when it is not there or not well formed.
std::string_view asked_host(SSL* ssl) {
  constexpr std::size_t head = 5; // size of the list, kind, size of the name
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) !=
          1 ||
      size < head || data[2] != TLSEXT_NAMETYPE_host_name)
    return {};
  const std::size_t length = std::size_t{data[3]} << 8 | data[4];
  if (length > size - head || length > TLSEXT_MAXLEN_host_name) return {};
  return {reinterpret_cast<const char*>(data) + head, length};
}

const tls_context* host_for(const state& self, std::string_view asked) {
  std::string name = plain_host(asked);
  auto found = self.hosts.find(name);
  if (const std::size_t dot = name.find('.');
      found == self.hosts.end() && dot != std::string::npos)
    found = self.hosts.find(name.replace(0, dot, "*"));
  return found == self.hosts.end() ? nullptr : &found->second;
}

/// Before OpenSSL looks at what the client wants to resume, so that a session
/// of one host is not taken for one of another that verifies otherwise.
int choose_host(SSL* ssl, int*, void* argument) noexcept {
  const std::string_view asked = asked_host(ssl);
  const tls_context* host =
      asked.empty() ? nullptr : host_for(state_of(argument), asked);
  if (!host) return SSL_CLIENT_HELLO_SUCCESS;
  SSL_CTX* own = host->native();
  SSL_set_SSL_CTX(ssl, own);
  SSL_set_verify(ssl, SSL_CTX_get_verify_mode(own), nullptr);
  SSL_set_min_proto_version(
      ssl, static_cast<int>(SSL_CTX_get_min_proto_version(own)));
  return SSL_CLIENT_HELLO_SUCCESS;
}

} // namespace

void answer_alpn(SSL_CTX& of, const state& self) {
  SSL_CTX_set_alpn_select_cb(&of, &choose_protocol, const_cast<state*>(&self));
}

void answer_host_names(SSL_CTX& of, const state& self) {
  SSL_CTX_set_client_hello_cb(&of, &choose_host, const_cast<state*>(&self));
}

std::string plain_host(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  std::string plain(name);
  std::transform(plain.begin(), plain.end(), plain.begin(), [](char each) {
    return each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a')
                                      : each;
  });
  return plain;
}

} // namespace greenroom
