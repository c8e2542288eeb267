#pragma once

// Private to the io room: what is behind a socket of datagrams.

#include "socket_address.hpp"
#include "socket_core.hpp"
#include "turn.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/asio.hpp>

#include <asio/basic_datagram_socket.hpp>
#include <asio/buffer.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

/// Shared with the calls that wait on it, which may outlive the socket.
template <class Protocol>
struct datagram_core {
  using asio_socket = asio::basic_datagram_socket<Protocol, hub_executor>;
  using endpoint = typename Protocol::endpoint;

  datagram_core() : socket(hub::current().context().get_executor()) {}

  /// To `to`, or to the connected peer. Opens a socket that never was.
  void send(std::string_view bytes, const endpoint* to, deadline until,
            std::error_code& failed) {
    give_way_at_times();
    failed.clear();
    if (sending) failed = errc::busy;
    if (failed) return;
    const turn mine{sending};
    if (to) open_for(*to, failed);
    do
      send_now(bytes, to, until, failed);
    while (was_withdrawn(socket, failed));
    failed = explained(socket, failed);
  }

  /// Returns the size of what came, also when it did not fit.
  std::size_t receive(std::span<char> into, endpoint& from, deadline until,
                      std::error_code& failed) {
    failed.clear();
    if (receiving) failed = errc::busy;
    if (failed) return 0;
    const turn mine{receiving};
    std::size_t bytes = 0;
    do
      bytes = socket.async_receive_from(
          asio::buffer(into.data(), into.size()), from,
          MSG_TRUNC, // tells the length of what did not fit, too
          use_greenlet[failed].until(until));
    while (was_withdrawn(socket, failed));
    failed = explained(socket, failed);
    if (!failed && bytes > into.size())
      failed = std::make_error_code(std::errc::message_size);
    return bytes;
  }

  void open_for(const endpoint& peer, std::error_code& failed) {
    failed.clear();
    if (!socket.is_open() && !closed) socket.open(peer.protocol(), failed);
  }

  void close() {
    std::error_code ignored; // the descriptor is released all the same
    closed = true;
    socket.close(ignored);
  }

  /// For error texts: "receive on 127.0.0.1:5000", "send to ...".
  std::string receiver() const {
    std::error_code failed;
    const auto at = socket.local_endpoint(failed);
    return "receive" + named(" on ", at, failed);
  }
  std::string sender() const {
    std::error_code failed;
    const auto to = socket.remote_endpoint(failed);
    return "send" + named(" to ", to, failed);
  }

  template <class Option>
  void set(const Option& option, const char* what) {
    std::error_code failed;
    socket.set_option(option, failed);
    if (failed) throw std::system_error(explained(socket, failed), what);
  }
  template <class Option>
  int get(const char* what) const {
    std::error_code failed;
    Option option;
    socket.get_option(option, failed);
    if (failed) throw std::system_error(explained(socket, failed), what);
    return option.value();
  }

  asio_socket socket;
  bool closed = false;
  bool receiving = false;
  bool sending = false;
  unsigned sends = 0;

private:
  /// Asks the socket first, which nearly always has room.
  void send_now(std::string_view bytes, const endpoint* to, deadline until,
                std::error_code& failed) {
    ssize_t sent = 0;
    do
      sent = ::sendto(socket.native_handle(), bytes.data(), bytes.size(),
                      MSG_NOSIGNAL | MSG_DONTWAIT, to ? to->data() : nullptr,
                      to ? static_cast<socklen_t>(to->size()) : 0);
    while (sent < 0 && errno == EINTR);
    failed.clear();
    if (sent >= 0) return;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      return failed.assign(errno, asio::system_category());
    const auto token = use_greenlet[failed].until(until);
    if (to)
      socket.async_send_to(asio::buffer(bytes), *to, token);
    else
      socket.async_send(asio::buffer(bytes), token);
  }

  /// One who never has to wait; others must have their turn.
  void give_way_at_times() {
    constexpr unsigned sends_in_a_row = 64;
    if (++sends % sends_in_a_row == 0) yield();
  }

  static std::string named(const char* how, const endpoint& at,
                           const std::error_code& failed) {
    const std::string text =
        failed ? "" : text_of(at.data(), static_cast<socklen_t>(at.size()));
    return text.empty() ? "" : how + text;
  }
};

} // namespace greenroom
