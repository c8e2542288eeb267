#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/socket_listener.hpp>
#include <greenroom/io/socket_stream.hpp>
#include <greenroom/io/unix_address.hpp>

#include <sys/types.h>

#include <optional>
#include <system_error>
#include <utility>

namespace greenroom {

/// Who is at the other end, as the kernel saw it when it connected.
struct unix_credentials {
  pid_t process;
  uid_t user;
  gid_t group;
};

/// A connection within this machine whose calls wait only the calling greenlet.
/// Most of them are those of `stream` and `socket_stream`.
///
/// Waits      `connect`, while the listener's backlog is full.
/// Source     unix(7); Asio's local::stream_protocol.
///
///     auto peer = unix_socket::connect({"/run/service/socket"}, 1s);
///     peer.write("hello\n");
class unix_socket : public socket_stream {
public:
  /// Not connected.
  unix_socket();

  static unix_socket connect(const unix_address& to, deadline until = {});
  static unix_socket connect(const unix_address& to, deadline until,
                             std::error_code& failed);

  /// Takes over a connected socket that somebody else made.
  /// Errors     `std::system_error`; the descriptor is still the caller's then.
  static unix_socket adopt(int descriptor);

  unix_credentials peer_credentials() const;

  /// Empty for one that has no name, as most that have connected.
  unix_address local() const;
  unix_address peer() const;

private:
  friend class unix_listener;
  using socket_stream::socket_stream;
};

/// Two ends of a connection.
///
///     auto [parent, child] = socketpair();
std::pair<unix_socket, unix_socket> socketpair();

/// A path, or an abstract name, that connections arrive at.
///
/// Ownership  Owns the path: its file is removed when the listener is closed,
///            unless another socket is there by then.
/// Waits      `accept`.
/// Errors     Both forms; the text of a failed bind names the address. A path
///            where a socket lies that nobody listens on any more, as after a
///            crash, is taken over; any other file there is
///            `std::errc::address_in_use`.
///
///     unix_listener door{{"/run/service/socket"}};
///     unix_socket visitor = door.accept();
class unix_listener : public socket_listener {
public:
  explicit unix_listener(const unix_address& at, listen_options options = {});

  /// Takes over a listening socket that somebody else made, such as systemd;
  /// its file stays.
  static unix_listener adopt(int descriptor);

  unix_socket accept(deadline until = {});
  unix_socket accept(deadline until, std::error_code& failed);
  /// One that has come already; none also when `failed`.
  std::optional<unix_socket> try_accept(std::error_code& failed);

  unix_address local() const;

private:
  using socket_listener::socket_listener;
};

} // namespace greenroom
