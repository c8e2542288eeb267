#include <greenroom/io/tcp.hpp>

#include "socket_address.hpp"
#include "socket_core.hpp"
#include "tcp_endpoints.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace greenroom {
namespace {

using tcp = asio::ip::tcp;
using asio_acceptor =
    asio::basic_socket_acceptor<asio::generic::stream_protocol, hub_executor>;
using reuse_port =
    asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

template <int Name>
using tcp_integer = asio::detail::socket_option::integer<IPPROTO_TCP, Name>;

} // namespace

// --- tcp_socket -----------------------------------------------------------

tcp_socket::tcp_socket() : socket_stream(std::make_shared<core>()) {
}

tcp_socket tcp_socket::adopt(int descriptor) {
  auto made = std::make_shared<core>();
  made->adopt(descriptor, {AF_INET, AF_INET6});
  return tcp_socket{std::move(made)};
}

void tcp_socket::set_options(const tcp_options& options) {
  constexpr int probes = 3;
  const auto idle = static_cast<int>(options.keep_alive.count());
  core& here = inner();
  here.set(tcp::no_delay(options.no_delay), "set TCP_NODELAY");
  here.set(asio::socket_base::keep_alive(idle > 0), "set SO_KEEPALIVE");
  if (idle > 0) {
    here.set(tcp_integer<TCP_KEEPIDLE>(idle), "set TCP_KEEPIDLE");
    here.set(tcp_integer<TCP_KEEPINTVL>(std::max(1, idle / probes)),
             "set TCP_KEEPINTVL");
    here.set(tcp_integer<TCP_KEEPCNT>(probes), "set TCP_KEEPCNT");
  }
  const auto timeout = static_cast<int>(options.user_timeout.count());
  here.set(tcp_integer<TCP_USER_TIMEOUT>(timeout), "set TCP_USER_TIMEOUT");
}

tcp_address tcp_socket::local() const {
  std::error_code failed;
  const auto endpoint = inner().socket.local_endpoint(failed);
  return failed ? tcp_address{} : tcp_address_of(endpoint.data());
}

tcp_address tcp_socket::peer() const {
  std::error_code failed;
  const auto endpoint = inner().socket.remote_endpoint(failed);
  return failed ? tcp_address{} : tcp_address_of(endpoint.data());
}

// --- tcp_listener ---------------------------------------------------------

namespace {

void open(asio_acceptor& acceptor, const tcp::endpoint& at,
          const listen_options& options, std::error_code& failed) {
  acceptor.open(at.protocol(), failed);
  if (!failed) acceptor.set_option(asio_acceptor::reuse_address(true), failed);
  if (!failed && options.reuse_port)
    acceptor.set_option(reuse_port(true), failed);
  if (!failed) acceptor.bind(at, failed);
  if (!failed) acceptor.listen(options.backlog, failed);
}

/// Every address of this machine: of both kinds, where it has both.
void open_any(asio_acceptor& acceptor, std::uint16_t port,
              const listen_options& options, std::error_code& failed) {
  // Linux' [::] takes IPv4 connections too, unless the system says otherwise.
  open(acceptor, {tcp::v6(), port}, options, failed);
  if (failed != asio::error::address_family_not_supported) return;
  open(acceptor, {tcp::v4(), port}, options, failed);
}

} // namespace

tcp_listener::tcp_listener(const tcp_address& at, listen_options options)
    : socket_listener(std::make_shared<core>()) {
  std::error_code failed;
  asio_acceptor& acceptor = inner().acceptor;
  if (at.host.empty())
    open_any(acceptor, at.port, options, failed);
  else if (const auto found = endpoints_of(at, {}, failed); !failed)
    open(acceptor, found.front(), options, failed);
  if (failed)
    throw std::system_error(standard(failed), "listen on " + at.text());
  inner().name = local().text();
}

tcp_listener tcp_listener::adopt(int descriptor) {
  auto made = std::make_shared<core>();
  made->acceptor.assign(protocol_of(descriptor, {AF_INET, AF_INET6}),
                        descriptor);
  tcp_listener adopted{std::move(made)};
  adopted.inner().name = adopted.local().text();
  return adopted;
}

tcp_socket tcp_listener::accept(deadline until) {
  const auto here = shared(); // the listener may be gone afterwards
  std::error_code failed;
  tcp_socket accepted = accept(until, failed);
  if (failed) throw std::system_error(failed, "accept on " + here->name);
  return accepted;
}

tcp_socket tcp_listener::accept(deadline until, std::error_code& failed) {
  auto made = accept_any(until, failed);
  if (failed) return {};
  set_no_delay(made->socket);
  return tcp_socket{std::move(made)};
}

std::optional<tcp_socket> tcp_listener::try_accept(std::error_code& failed) {
  auto made = try_accept_any(failed);
  if (!made) return std::nullopt;
  set_no_delay(made->socket);
  return tcp_socket{std::move(made)};
}

tcp_address tcp_listener::local() const {
  std::error_code failed;
  const auto endpoint = inner().acceptor.local_endpoint(failed);
  return failed ? tcp_address{} : tcp_address_of(endpoint.data());
}

} // namespace greenroom
