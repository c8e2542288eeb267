#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/socket_listener.hpp>
#include <greenroom/io/socket_stream.hpp>
#include <greenroom/io/tcp_address.hpp>

#include <chrono>
#include <optional>
#include <system_error>

namespace greenroom {

struct tcp_options {
  bool no_delay = true; ///< small writes go out at once (TCP_NODELAY)
  /// A peer that has been silent for so long is asked whether it is there,
  /// three times, a third of this apart. 0: never.
  std::chrono::seconds keep_alive{0};
  /// What the peer has not acknowledged for so long fails the connection. 0:
  /// the system's limit, about 15 minutes.
  std::chrono::milliseconds user_timeout{0};
};

/// A TCP connection whose calls wait only the calling greenlet. Most of them
/// are those of `stream` and `socket_stream`.
///
/// Waits      `connect`, in whole until its deadline.
/// Source     Asio's sockets; gevent.socket, GEVENT.md 1.10.
///
///     auto peer = tcp_socket::connect({"127.0.0.1", 5000}, 1s);
///     peer.write("hello\n");
///     char reply[100];
///     std::size_t bytes = peer.read_some(reply);     // 0: the peer is done
class tcp_socket : public socket_stream {
public:
  /// Not connected.
  tcp_socket();

  /// Resolves the host and tries its addresses: the next one when one fails, or
  /// has not answered after 250 ms, while that goes on. The first connection
  /// made is it. Fails with the first address's error. Sets TCP_NODELAY.
  /// Source     Happy eyeballs, RFC 8305.
  static tcp_socket connect(const tcp_address& to, deadline until = {});
  static tcp_socket connect(const tcp_address& to, deadline until,
                            std::error_code& failed);

  /// Takes over a connected socket that somebody else made.
  /// Errors     `std::system_error`; the descriptor is still the caller's then.
  static tcp_socket adopt(int descriptor);

  void set_options(const tcp_options& options);

  tcp_address local() const;
  /// Empty when the connection is gone.
  tcp_address peer() const;

private:
  friend class tcp_listener;
  friend class tcp_race;
  using socket_stream::socket_stream;
};

/// A TCP port that connections arrive at.
///
/// Waits      `accept`.
/// Errors     Both forms; the text of a failed bind names the address.
///
///     tcp_listener door{{"127.0.0.1", 0}};
///     tcp_socket visitor = door.accept();
class tcp_listener : public socket_listener {
public:
  /// Binds with SO_REUSEADDR and listens.
  explicit tcp_listener(const tcp_address& at, listen_options options = {});

  /// Takes over a listening socket that somebody else made.
  /// Errors     `std::system_error`; the descriptor is still the caller's then.
  static tcp_listener adopt(int descriptor);

  /// The next connection, with TCP_NODELAY set.
  tcp_socket accept(deadline until = {});
  tcp_socket accept(deadline until, std::error_code& failed);
  /// One that has come already; none also when `failed`.
  std::optional<tcp_socket> try_accept(std::error_code& failed);

  /// Where it listens, with the real port.
  tcp_address local() const;

private:
  using socket_listener::socket_listener;
};

} // namespace greenroom
