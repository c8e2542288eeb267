#include <greenroom/io/tcp.hpp>

#include "socket_address.hpp"
#include "socket_core.hpp"
#include "tcp_endpoints.hpp"

#include <asio/basic_socket_acceptor.hpp>
#include <asio/ip/v6_only.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <string>
#include <utility>
#include <vector>

namespace greenroom {
namespace {

using tcp = asio::ip::tcp;
using asio_acceptor = asio::basic_socket_acceptor<tcp, hub_executor>;
using reuse_port =
    asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

template <int Name>
using tcp_integer = asio::detail::socket_option::integer<IPPROTO_TCP, Name>;

/// Of one of our own sockets: v4 or v6, or an error when it is of neither.
tcp protocol_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  std::error_code failed;
  if (::getsockname(descriptor, plain, &size) != 0)
    failed.assign(errno, std::system_category());
  else if (address.ss_family != AF_INET && address.ss_family != AF_INET6)
    failed = std::make_error_code(std::errc::address_family_not_supported);
  if (failed) throw std::system_error(failed, "adopt a TCP socket");
  return address.ss_family == AF_INET ? tcp::v4() : tcp::v6();
}

} // namespace

// --- tcp_socket -----------------------------------------------------------

tcp_socket::tcp_socket() : socket_stream(std::make_shared<core>()) {
}

tcp_socket tcp_socket::adopt(int descriptor) {
  auto made = std::make_shared<core>();
  std::error_code failed;
  made->socket.assign(protocol_of(descriptor), descriptor, failed);
  if (failed) throw std::system_error(standard(failed), "adopt a TCP socket");
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

struct tcp_listener::port {
  port() : acceptor(hub::current().context().get_executor()) {}

  /// Opens, binds and listens.
  void open(const tcp::endpoint& at, const listen_options& options,
            bool both_kinds, std::error_code& failed);

  asio_acceptor acceptor;
  bool accepting = false;
};

void tcp_listener::port::open(const tcp::endpoint& at,
                              const listen_options& options, bool both_kinds,
                              std::error_code& failed) {
  acceptor.open(at.protocol(), failed);
  if (!failed) acceptor.set_option(asio_acceptor::reuse_address(true), failed);
  if (!failed && options.reuse_port)
    acceptor.set_option(reuse_port(true), failed);
  if (!failed && both_kinds)
    acceptor.set_option(asio::ip::v6_only(false), failed);
  if (!failed) acceptor.bind(at, failed);
  if (!failed) acceptor.listen(options.backlog, failed);
}

tcp_listener::tcp_listener(const tcp_address& at, listen_options options)
    : port_(std::make_shared<port>()) {
  std::error_code failed;
  if (at.host.empty()) {
    port_->open({tcp::v6(), at.port}, options, true, failed);
    if (failed == std::errc::address_family_not_supported ||
        failed == std::errc::address_not_available) { // no IPv6 here
      close();
      port_->open({tcp::v4(), at.port}, options, false, failed);
    }
  } else if (const auto found = endpoints_of(at, {}, failed); !failed) {
    port_->open(found.front(), options, false, failed);
  }
  if (failed)
    throw std::system_error(standard(failed), "listen on " + at.text());
}

tcp_listener::tcp_listener(std::shared_ptr<port> made)
    : port_(std::move(made)) {
}
tcp_listener::tcp_listener(tcp_listener&&) noexcept = default;

tcp_listener& tcp_listener::operator=(tcp_listener&& other) noexcept {
  if (this != &other) {
    if (port_) close();
    port_ = std::move(other.port_);
  }
  return *this;
}

tcp_listener::~tcp_listener() {
  if (port_) close();
}

tcp_listener tcp_listener::adopt(int descriptor) {
  auto made = std::make_shared<port>();
  std::error_code failed;
  made->acceptor.assign(protocol_of(descriptor), descriptor, failed);
  if (failed) throw std::system_error(standard(failed), "adopt a TCP socket");
  return tcp_listener{std::move(made)};
}

tcp_socket tcp_listener::accept(deadline until) {
  const tcp_address here = local(); // the listener may be gone afterwards
  std::error_code failed;
  tcp_socket accepted = accept(until, failed);
  if (failed) throw std::system_error(failed, "accept on " + here.text());
  return accepted;
}

tcp_socket tcp_listener::accept(deadline until, std::error_code& failed) {
  const auto here = port_; // may be closed while we wait
  if (here->accepting) {
    failed = errc::busy;
    return {};
  }
  const turn mine{here->accepting};
  auto made = std::make_shared<tcp_socket::core>();
  here->acceptor.async_accept(made->socket, use_greenlet[failed].until(until));
  if (failed) {
    failed = here->acceptor.is_open() ? standard(failed)
                                      : make_error_code(errc::closed);
    return {};
  }
  set_no_delay(made->socket);
  return tcp_socket{std::move(made)};
}

void tcp_listener::close() {
  std::error_code ignored; // the descriptor is released all the same
  port_->acceptor.close(ignored);
}

bool tcp_listener::is_open() const {
  return port_ && port_->acceptor.is_open();
}

tcp_address tcp_listener::local() const {
  std::error_code failed;
  const auto endpoint = port_->acceptor.local_endpoint(failed);
  return failed ? tcp_address{} : tcp_address_of(endpoint.data());
}

int tcp_listener::native_handle() const {
  return port_->acceptor.native_handle();
}

} // namespace greenroom
