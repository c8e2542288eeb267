#include <greenroom/io/unix_datagram.hpp>

#include "datagram_core.hpp"
#include "unix_path.hpp"

#include <asio/local/datagram_protocol.hpp>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace greenroom {

using unix_protocol = asio::local::datagram_protocol;

struct unix_datagram_socket::state : datagram_core<unix_protocol> {
  void close_all() {
    close();
    path.remove();
  }

  unix_path path;
};

namespace {

unix_address address_of(const unix_protocol::endpoint& at) {
  return unix_address_of(at.data(), static_cast<socklen_t>(at.size()));
}

} // namespace

unix_datagram_socket::unix_datagram_socket()
    : state_(std::make_shared<state>()) {
  state_->socket.open(unix_protocol());
}

unix_datagram_socket::unix_datagram_socket(const unix_address& at)
    : unix_datagram_socket() {
  std::error_code failed;
  const auto endpoint = endpoint_of<unix_protocol>(at, failed);
  if (!failed) bind_path(state_->socket, endpoint, SOCK_DGRAM, failed);
  if (failed) throw std::system_error(standard(failed), "bind " + at.text());
  state_->path.own(at);
}

unix_datagram_socket::unix_datagram_socket(std::shared_ptr<state> made)
    : state_(std::move(made)) {
}

unix_datagram_socket::unix_datagram_socket(unix_datagram_socket&&) noexcept =
    default;

unix_datagram_socket&
unix_datagram_socket::operator=(unix_datagram_socket&& other) noexcept {
  if (this != &other) {
    if (state_) close();
    state_ = std::move(other.state_);
  }
  return *this;
}

unix_datagram_socket::~unix_datagram_socket() {
  if (state_) close();
}

void unix_datagram_socket::connect(const unix_address& to) {
  std::error_code failed;
  connect(to, failed);
  if (failed) throw std::system_error(failed, "connect to " + to.text());
}

void unix_datagram_socket::connect(const unix_address& to,
                                   std::error_code& failed) {
  const auto endpoint = endpoint_of<unix_protocol>(to, failed);
  if (!failed && state_->closed) failed = errc::closed;
  if (!failed) state_->socket.connect(endpoint, failed);
  failed = standard(failed);
}

void unix_datagram_socket::send(std::string_view bytes, deadline until) {
  const auto here = state_; // may be closed, and gone, while we wait
  std::error_code failed;
  here->send(bytes, nullptr, until, failed);
  if (failed) throw std::system_error(failed, here->sender());
}

void unix_datagram_socket::send(std::string_view bytes, deadline until,
                                std::error_code& failed) {
  const auto here = state_;
  here->send(bytes, nullptr, until, failed);
}

void unix_datagram_socket::send_to(std::string_view bytes,
                                   const unix_address& to, deadline until) {
  std::error_code failed;
  send_to(bytes, to, until, failed);
  if (failed) throw std::system_error(failed, "send to " + to.text());
}

void unix_datagram_socket::send_to(std::string_view bytes,
                                   const unix_address& to, deadline until,
                                   std::error_code& failed) {
  const auto here = state_;
  const auto endpoint = endpoint_of<unix_protocol>(to, failed);
  if (!failed) here->send(bytes, &endpoint, until, failed);
}

std::size_t unix_datagram_socket::receive(std::span<char> into,
                                          deadline until) {
  return receive_from(into, until).bytes;
}

std::size_t unix_datagram_socket::receive(std::span<char> into, deadline until,
                                          std::error_code& failed) {
  return receive_from(into, until, failed).bytes;
}

unix_datagram_socket::received
unix_datagram_socket::receive_from(std::span<char> into, deadline until) {
  const auto here = state_;
  std::error_code failed;
  unix_protocol::endpoint from;
  const std::size_t bytes = here->receive(into, from, until, failed);
  if (failed) throw std::system_error(failed, here->receiver());
  return {bytes, address_of(from)};
}

unix_datagram_socket::received
unix_datagram_socket::receive_from(std::span<char> into, deadline until,
                                   std::error_code& failed) {
  const auto here = state_;
  unix_protocol::endpoint from;
  const std::size_t bytes = here->receive(into, from, until, failed);
  return {bytes, address_of(from)};
}

void unix_datagram_socket::close() {
  state_->close_all();
}

bool unix_datagram_socket::is_open() const {
  return state_ && state_->socket.is_open();
}

unix_address unix_datagram_socket::local() const {
  std::error_code failed;
  const auto at = state_->socket.local_endpoint(failed);
  return failed ? unix_address{} : address_of(at);
}

int unix_datagram_socket::native_handle() const {
  return state_->socket.native_handle();
}

std::pair<unix_datagram_socket, unix_datagram_socket> datagram_socketpair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   ends.data()) != 0)
    throw std::system_error(errno, std::system_category(), "socketpair");
  const auto adopt = [](int end) {
    auto made = std::make_shared<unix_datagram_socket::state>();
    made->socket.assign(unix_protocol(), end);
    return unix_datagram_socket{std::move(made)};
  };
  return {adopt(ends[0]), adopt(ends[1])};
}

} // namespace greenroom
