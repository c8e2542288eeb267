#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/unix_address.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

namespace greenroom {

/// A socket for datagrams within this machine, which arrive whole, in order,
/// and all: who sends to a full one waits.
///
/// Ownership  Owns the socket, and the path it is bound to, which it removes;
///            moved, not copied. Destroying or closing it wakes a greenlet that
///            waits on it, with `errc::closed`.
/// Thread     Its hub's thread only.
/// Waits      `receive`, `receive_from` for a datagram; `send`, `send_to` for
///            room. One greenlet may receive while another sends; a second one
///            in the same direction gets `errc::busy`.
/// Errors     These calls in two forms, as in Asio. A datagram that does not
///            fit: `std::errc::message_size`.
/// Source     unix(7); Asio's local::datagram_protocol.
///
///     unix_datagram_socket door{{"/run/service/log"}};
///     char text[1500];
///     std::size_t bytes = door.receive(text);
class unix_datagram_socket {
public:
  struct received {
    std::size_t bytes = 0;
    unix_address from; ///< empty: one without a name, which cannot be answered
  };

  /// Without a name, so nobody can send to it.
  unix_datagram_socket();
  explicit unix_datagram_socket(const unix_address& at);
  unix_datagram_socket(unix_datagram_socket&&) noexcept;
  unix_datagram_socket& operator=(unix_datagram_socket&&) noexcept;
  ~unix_datagram_socket();

  /// From now on `send` goes to this peer. Does not wait.
  void connect(const unix_address& to);
  void connect(const unix_address& to, std::error_code& failed);

  void send(std::string_view bytes, deadline until = {});
  void send(std::string_view bytes, deadline until, std::error_code& failed);
  void send_to(std::string_view bytes, const unix_address& to,
               deadline until = {});
  void send_to(std::string_view bytes, const unix_address& to, deadline until,
               std::error_code& failed);

  /// One datagram, which may be of 0 bytes. Of a longer one than `into`, which
  /// is `std::errc::message_size`, the begin is there, and the number returned
  /// is what came.
  std::size_t receive(std::span<char> into, deadline until = {});
  std::size_t receive(std::span<char> into, deadline until,
                      std::error_code& failed);
  received receive_from(std::span<char> into, deadline until = {});
  received receive_from(std::span<char> into, deadline until,
                        std::error_code& failed);

  void close();
  bool is_open() const;
  unix_address local() const;
  int native_handle() const;

private:
  struct state;
  explicit unix_datagram_socket(std::shared_ptr<state> made);
  friend std::pair<unix_datagram_socket, unix_datagram_socket>
  datagram_socketpair();

  std::shared_ptr<state> state_; // never null, but when moved from
};

/// Two ends, each connected to the other.
std::pair<unix_datagram_socket, unix_datagram_socket> datagram_socketpair();

} // namespace greenroom
