#include <greenroom/tls/tls_socket.hpp>

#include "../socket_address.hpp"
#include "certificate_of.hpp"
#include "tls_core.hpp"

#include <greenroom/io/tcp.hpp>

#include <sys/socket.h>

#include <utility>

namespace greenroom {
namespace {

using name_of_end = int (*)(int, sockaddr*, socklen_t*);

/// What `text` makes of one end's address; empty when that is not known.
template <class Result, class Text>
Result address_of(const socket_stream& on, name_of_end end, Text&& text) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (end(on.native_handle(), address, &size) != 0) return {};
  return text(address, size);
}

tcp_address tcp_address_of_end(const socket_stream& on, name_of_end end) {
  return address_of<tcp_address>(on, end,
                                 [](const sockaddr* address, socklen_t) {
                                   return tcp_address_of(address);
                                 });
}

tls_connect_options named(tls_connect_options options, const tcp_address& to) {
  if (options.server_name.empty()) options.server_name = to.host;
  return options;
}

void throw_if(const std::error_code& failed, const char* what,
              const std::string& who) {
  if (failed) throw std::system_error(failed, what + who);
}

constexpr const char* handshake_with = "TLS handshake with ";

} // namespace

tls_socket::tls_socket() : core_(std::make_shared<core>()) {
}
tls_socket::tls_socket(std::shared_ptr<core> made) : core_(std::move(made)) {
}
tls_socket::tls_socket(tls_socket&&) noexcept = default;

tls_socket& tls_socket::operator=(tls_socket&& other) noexcept {
  if (this != &other) {
    if (core_) core_->close();
    core_ = std::move(other.core_);
  }
  return *this;
}

tls_socket::~tls_socket() {
  if (core_) core_->close();
}

// --- handshakes -----------------------------------------------------------

tls_socket tls_socket::shake_hands(std::shared_ptr<core> made, deadline until,
                                   std::error_code& failed) {
  const auto here = made; // closed when it does not become a socket's
  tls_socket shaken{std::move(made)};
  if (!failed) here->handshake(until, failed);
  return failed ? tls_socket() : std::move(shaken);
}

tls_socket tls_socket::connect(const tls_context& with, const tcp_address& to,
                               deadline until,
                               const tls_connect_options& options) {
  const std::string who = to.text(); // `to` may be gone after a wait
  const tls_connect_options chosen = named(options, to);
  auto made = std::make_shared<core>(with, tcp_socket::connect(to, until), who);
  std::error_code failed;
  made->begin_as_client(chosen, failed);
  tls_socket shaken = shake_hands(std::move(made), until, failed);
  throw_if(failed, handshake_with, who);
  return shaken;
}

tls_socket tls_socket::connect(const tls_context& with, const tcp_address& to,
                               deadline until, std::error_code& failed,
                               const tls_connect_options& options) {
  const std::string who = to.text();
  const tls_context common = with;
  const tls_connect_options chosen = named(options, to);
  tcp_socket under = tcp_socket::connect(to, until, failed);
  if (failed) return {};
  auto made = std::make_shared<core>(common, std::move(under), who);
  made->begin_as_client(chosen, failed);
  return shake_hands(std::move(made), until, failed);
}

tls_socket tls_socket::client(const tls_context& with, socket_stream&& over,
                              const tls_connect_options& options,
                              deadline until) {
  const std::string who = over.peer_name();
  std::error_code failed;
  tls_socket shaken = client(with, std::move(over), options, until, failed);
  throw_if(failed, handshake_with, who);
  return shaken;
}

tls_socket tls_socket::client(const tls_context& with, socket_stream&& over,
                              const tls_connect_options& options,
                              deadline until, std::error_code& failed) {
  const std::string who = over.peer_name();
  auto made = std::make_shared<core>(with, std::move(over), who);
  made->begin_as_client(options, failed);
  return shake_hands(std::move(made), until, failed);
}

tls_socket tls_socket::server(const tls_context& with, socket_stream&& over,
                              deadline until) {
  const std::string who = over.peer_name();
  std::error_code failed;
  tls_socket shaken = server(with, std::move(over), until, failed);
  throw_if(failed, handshake_with, who);
  return shaken;
}

tls_socket tls_socket::server(const tls_context& with, socket_stream&& over,
                              deadline until, std::error_code& failed) {
  const std::string who = over.peer_name();
  auto made = std::make_shared<core>(with, std::move(over), who);
  made->begin_as_server(failed);
  return shake_hands(std::move(made), until, failed);
}

// --- calls that wait ------------------------------------------------------

std::size_t tls_socket::receive(std::span<char> into, std::size_t at_least,
                                const transfer& how) {
  const auto here = core_; // may be closed, and gone, while we wait
  const std::size_t bytes =
      here->receive(into, at_least, how.until, how.failed);
  if (how.failed && how.who) *how.who = here->who;
  return bytes;
}

std::size_t tls_socket::send(std::span<const std::string_view> parts,
                             const transfer& how) {
  const auto here = core_;
  const std::size_t bytes = here->send(parts, how.until, how.failed);
  if (how.failed && how.who) *how.who = here->who;
  return bytes;
}

void tls_socket::shutdown(deadline until) {
  const auto here = core_;
  std::error_code failed;
  here->shutdown(until, failed);
  throw_if(failed, "shutdown of ", here->who);
}

void tls_socket::shutdown(deadline until, std::error_code& failed) {
  const auto here = core_;
  here->shutdown(until, failed);
}

// --- the rest -------------------------------------------------------------

void tls_socket::shutdown_write() {
  core_->shutdown_write();
}

void tls_socket::shutdown_read() {
  core_->shutdown_read();
}

void tls_socket::close() {
  core_->close();
}

void tls_socket::reset() {
  core_->lower.reset();
}

bool tls_socket::is_open() const {
  return core_ && core_->lower.is_open();
}

std::string tls_socket::peer_name() const {
  return core_ ? core_->who : "a connection";
}

std::string tls_socket::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  if (core_->ssl) SSL_get0_alpn_selected(core_->ssl.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string tls_socket::version() const {
  return core_->ssl ? SSL_get_version(core_->ssl.get()) : "";
}

std::string tls_socket::cipher() const {
  return core_->ssl ? SSL_get_cipher_name(core_->ssl.get()) : "";
}

std::string tls_socket::server_name() const {
  const char* name = nullptr;
  if (core_->ssl)
    name = SSL_get_servername(core_->ssl.get(), TLSEXT_NAMETYPE_host_name);
  return name ? name : "";
}

std::optional<tls_certificate> tls_socket::peer_certificate() const {
  if (!core_->ssl) return std::nullopt;
  const x509_ptr certificate{SSL_get1_peer_certificate(core_->ssl.get())};
  if (!certificate) return std::nullopt;
  return certificate_of(*certificate);
}

bool tls_socket::resumed() const {
  return core_->ssl && SSL_session_reused(core_->ssl.get()) == 1;
}

tls_session tls_socket::session() const {
  return core_->session();
}

tcp_address tls_socket::local() const {
  return tcp_address_of_end(core_->lower, &::getsockname);
}

tcp_address tls_socket::peer() const {
  return tcp_address_of_end(core_->lower, &::getpeername);
}

socket_stream& tls_socket::lower() const {
  return core_->lower;
}

ssl_st* tls_socket::native() const {
  return core_->ssl.get();
}

} // namespace greenroom
