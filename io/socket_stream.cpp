#include "socket_address.hpp"
#include "socket_core.hpp"
#include "unsent.hpp"

#include <asio/buffer.hpp>

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

namespace greenroom {

using wait_type = asio::socket_base::wait_type;

namespace {

/// Sends what there is room for now.
std::size_t send_now(int to, const unsent& rest, std::error_code& failed) {
  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  ssize_t sent = 0;
  if (rest.is_one_part()) {
    sent = ::send(to, rest.front().data(), rest.front().size(), flags);
  } else {
    std::array<iovec, 64> parts;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = rest.list(parts);
    sent = ::sendmsg(to, &message, flags);
  }
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno != EINTR) failed = last_error();
  return 0;
}

/// At the other end of a Unix socket when it was connected; else none.
pid_t process_at(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  const int status =
      ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  return status == 0 ? peer.pid : 0;
}

} // namespace

// --- socket_stream::core --------------------------------------------------

std::string socket_stream::core::who() {
  std::error_code failed;
  const auto peer = socket.remote_endpoint(failed);
  const std::string text =
      failed ? std::string()
             : text_of(peer.data(), static_cast<socklen_t>(peer.size()));
  if (!text.empty()) return text;
  const auto process = process_at(socket.native_handle());
  return process > 0 ? "process " + std::to_string(process) : "a connection";
}

std::size_t socket_stream::core::receive(std::span<char> into,
                                         std::size_t at_least, deadline until,
                                         std::error_code& failed) {
  failed.clear();
  if (reading) failed = errc::busy;
  if (failed) return 0;
  const turn mine{reading};
  // Asking at once would mostly be a system call in vain.
  if (drained && hub::current().has_ready()) yield();
  const std::size_t bytes =
      receive_from(socket, ended, into, at_least, until, failed);
  drained = bytes < into.size();
  return bytes;
}

/// Asking the socket first spares the usual write a trip through the loop.
std::size_t socket_stream::core::send(std::span<const std::string_view> parts,
                                      deadline until, std::error_code& failed) {
  failed.clear();
  if (writing) failed = errc::busy;
  if (failed) return 0;
  const turn mine{writing};
  give_way_at_times();
  std::size_t written = 0;
  for (unsent rest{parts}; !rest.empty() && !failed;) {
    std::size_t bytes = send_now(socket.native_handle(), rest, failed);
    if (is_would_block(failed))
      bytes = socket.async_write_some(asio::buffer(rest.front()),
                                      use_greenlet[failed].until(until));
    if (was_withdrawn(socket, failed)) failed.clear();
    rest.skip(bytes);
    written += bytes;
  }
  if (failed) failed = explained(socket, failed);
  return written;
}

/// A writer whose peer keeps up never waits; others must have their turn.
void socket_stream::core::give_way_at_times() {
  if (++writes % writes_in_a_row == 0) yield();
}

std::uint64_t socket_stream::core::send_file(int descriptor,
                                             std::uint64_t offset,
                                             std::uint64_t bytes,
                                             deadline until,
                                             std::error_code& failed) {
  constexpr std::uint64_t longest = std::numeric_limits<off_t>::max();
  constexpr std::uint64_t piece = std::uint64_t{1} << 20; // bytes
  failed.clear();
  if (writing) failed = errc::busy;
  if (offset > longest) failed = std::make_error_code(std::errc::invalid_seek);
  if (failed) return 0;
  const turn mine{writing};
  auto at = static_cast<off_t>(offset);
  std::uint64_t sent = 0;
  while (sent < bytes && !failed) {
    give_way_at_times();
    const ssize_t count = ::sendfile(socket.native_handle(), descriptor, &at,
                                     std::min(bytes - sent, piece));
    if (count == 0) break; // the end of the file
    if (count > 0)
      sent += static_cast<std::uint64_t>(count);
    else if (errno != EINTR)
      failed = last_error();
    if (is_would_block(failed))
      socket.async_wait(wait_type::wait_write,
                        use_greenlet[failed].until(until));
    if (was_withdrawn(socket, failed)) failed.clear();
  }
  if (failed) failed = explained(socket, failed);
  return sent;
}

void socket_stream::core::wait(wait_type direction, bool& taken, deadline until,
                               std::error_code& failed) {
  failed.clear();
  if (taken) failed = errc::busy;
  if (failed) return;
  const turn mine{taken};
  do
    socket.async_wait(direction, use_greenlet[failed].until(until));
  while (was_withdrawn(socket, failed));
  if (failed) failed = explained(socket, failed);
}

void socket_stream::core::adopt(int descriptor,
                                std::initializer_list<int> families) {
  socket.assign(protocol_of(descriptor, families), descriptor);
  socket.native_non_blocking(true);
}

void socket_stream::core::close() {
  std::error_code ignored; // the descriptor is released all the same
  socket.close(ignored);
}

// --- socket_stream --------------------------------------------------------

socket_stream::socket_stream(std::shared_ptr<core> made)
    : core_(std::move(made)) {
}
socket_stream::socket_stream(socket_stream&&) noexcept = default;

socket_stream& socket_stream::operator=(socket_stream&& other) noexcept {
  if (this != &other) {
    if (core_) core_->close();
    core_ = std::move(other.core_);
  }
  return *this;
}

socket_stream::~socket_stream() {
  if (core_) core_->close();
}

std::size_t socket_stream::receive(std::span<char> into, std::size_t at_least,
                                   const transfer& how) {
  const auto here = core_; // may be closed, and gone, while we wait
  const std::size_t bytes =
      here->receive(into, at_least, how.until, how.failed);
  if (how.failed && how.who) *how.who = here->who();
  return bytes;
}

std::size_t socket_stream::send(std::span<const std::string_view> parts,
                                const transfer& how) {
  const auto here = core_;
  const std::size_t bytes = here->send(parts, how.until, how.failed);
  if (how.failed && how.who) *how.who = here->who();
  return bytes;
}

std::uint64_t socket_stream::send_file(int descriptor, std::uint64_t offset,
                                       std::uint64_t bytes, deadline until) {
  const auto here = core_;
  std::error_code failed;
  const std::uint64_t sent =
      here->send_file(descriptor, offset, bytes, until, failed);
  if (failed) throw std::system_error(failed, "send a file to " + here->who());
  return sent;
}

std::uint64_t socket_stream::send_file(int descriptor, std::uint64_t offset,
                                       std::uint64_t bytes, deadline until,
                                       std::error_code& failed) {
  const auto here = core_;
  return here->send_file(descriptor, offset, bytes, until, failed);
}

void socket_stream::wait_readable(deadline until, std::error_code& failed) {
  const auto here = core_;
  here->wait(wait_type::wait_read, here->reading, until, failed);
}

void socket_stream::wait_writable(deadline until, std::error_code& failed) {
  const auto here = core_;
  here->wait(wait_type::wait_write, here->writing, until, failed);
}

void socket_stream::shutdown_write() {
  std::error_code ignored; // nothing to shut when it is closed
  core_->socket.shutdown(asio::socket_base::shutdown_send, ignored);
}

void socket_stream::shutdown_read() {
  std::error_code ignored;
  core_->socket.shutdown(asio::socket_base::shutdown_receive, ignored);
}

void socket_stream::close() {
  core_->close();
}

void socket_stream::reset() {
  std::error_code ignored;
  core_->socket.set_option(asio::socket_base::linger(true, 0), ignored);
  core_->close();
}

bool socket_stream::is_open() const {
  return core_ && core_->socket.is_open();
}

std::string socket_stream::peer_name() const {
  return core_ ? core_->who() : "a connection";
}

void socket_stream::set_send_buffer_size(int bytes) {
  core_->set(asio::socket_base::send_buffer_size(bytes),
             "set_send_buffer_size");
}

void socket_stream::set_receive_buffer_size(int bytes) {
  core_->set(asio::socket_base::receive_buffer_size(bytes),
             "set_receive_buffer_size");
}

int socket_stream::native_handle() const {
  return core_->socket.native_handle();
}

int socket_stream::release() {
  std::error_code failed;
  const int descriptor = core_->socket.release(failed);
  if (failed)
    throw std::system_error(explained(core_->socket, failed), "release");
  return descriptor;
}

} // namespace greenroom
