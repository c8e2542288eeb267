#include <greenroom/io/socket_listener.hpp>

#include "socket_core.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace greenroom {
namespace {

/// By a peer, before it was accepted.
bool is_given_up(const std::error_code& failed) {
  return failed == asio::error::connection_aborted ||
         standard(failed) == std::errc::protocol_error;
}

} // namespace

asio::generic::stream_protocol
protocol_of(int descriptor, std::initializer_list<int> families) {
  int family = 0;
  int type = 0;
  socklen_t size = sizeof family;
  std::error_code failed;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 ||
      ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
    failed.assign(errno, std::system_category());
  else if (type != SOCK_STREAM ||
           std::count(families.begin(), families.end(), family) == 0)
    failed = std::make_error_code(std::errc::address_family_not_supported);
  if (failed) throw std::system_error(failed, "adopt a socket");
  return {family, 0};
}

void socket_listener::core::close() {
  std::error_code ignored; // the descriptor is released all the same
  acceptor.close(ignored);
  path.remove();
}

std::shared_ptr<socket_stream::core>
socket_listener::core::accepted(std::shared_ptr<socket_stream::core> made,
                                std::error_code& failed) {
  if (!failed) made->socket.native_non_blocking(true, failed);
  if (!failed) return made;
  failed =
      acceptor.is_open() ? standard(failed) : make_error_code(errc::closed);
  return nullptr;
}

socket_listener::socket_listener(std::shared_ptr<core> made)
    : core_(std::move(made)) {
}
socket_listener::socket_listener(socket_listener&&) noexcept = default;

socket_listener& socket_listener::operator=(socket_listener&& other) noexcept {
  if (this != &other) {
    if (core_) core_->close();
    core_ = std::move(other.core_);
  }
  return *this;
}

socket_listener::~socket_listener() {
  if (core_) core_->close();
}

std::shared_ptr<socket_stream::core>
socket_listener::accept_any(deadline until, std::error_code& failed) {
  const auto here = core_; // may be closed, and gone, while we wait
  failed.clear();
  if (here->accepting) failed = errc::busy;
  if (failed) return nullptr;
  const turn mine{here->accepting};
  auto made = std::make_shared<socket_stream::core>();
  do // again when a kill or timeout was withdrawn before it could be thrown
    here->acceptor.async_accept(made->socket,
                                use_greenlet[failed].until(until));
  while (is_given_up(failed) || was_withdrawn(here->acceptor, failed));
  return here->accepted(std::move(made), failed);
}

std::shared_ptr<socket_stream::core>
socket_listener::try_accept_any(std::error_code& failed) {
  core& here = *core_;
  failed.clear();
  if (here.accepting) failed = errc::busy;
  if (failed) return nullptr;
  // Otherwise Asio would block the thread, also behind a peer that gave up.
  using aborts = asio::socket_base::enable_connection_aborted;
  here.acceptor.non_blocking(true, failed);
  if (!failed) here.acceptor.set_option(aborts(true), failed);
  auto made = std::make_shared<socket_stream::core>();
  if (!failed) here.acceptor.accept(made->socket, failed);
  if (is_would_block(standard(failed)) || is_given_up(failed)) {
    failed.clear();
    return nullptr;
  }
  return here.accepted(std::move(made), failed);
}

void socket_listener::close() {
  core_->close();
}

bool socket_listener::is_open() const {
  return core_ && core_->acceptor.is_open();
}

int socket_listener::native_handle() const {
  return core_->acceptor.native_handle();
}

} // namespace greenroom
