#pragma once

#include <greenroom/hub/deadline.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

/// "127.0.0.1:5000" in parts. A port of 0 asks for a free one.
struct tcp_address {
  std::string host;
  std::uint16_t port = 0;

  /// "host:port", with brackets around an IPv6 host.
  std::string text() const;
  friend bool operator==(const tcp_address&, const tcp_address&) = default;
};

/// A TCP connection whose calls wait only the calling greenlet.
///
/// Ownership  Owns the connection; moved, not copied. Destroying or closing
///            it wakes a greenlet that waits on it, with `errc::closed`.
/// Thread     Its hub's thread only.
/// Waits      `connect`, `read_some`, `read`, `write`: each in whole until its
///            deadline. One greenlet may read while another writes; a second
///            one in the same direction gets `errc::busy`.
/// Errors     Every call in two forms, as in Asio. A kill or timeout cancels
///            the call and leaves the connection usable, but how much of a
///            `write` was sent is then unknown.
/// Source     Asio's sockets; gevent.socket, GEVENT.md 1.10.
///
///     auto peer = tcp_socket::connect({"127.0.0.1", 5000}, 1s);
///     peer.write("hello\n");
///     char reply[100];
///     std::size_t bytes = peer.read_some(reply);     // 0: the peer is done
class tcp_socket {
public:
  /// Not connected.
  tcp_socket();
  tcp_socket(tcp_socket&&) noexcept;
  tcp_socket& operator=(tcp_socket&&) noexcept;
  ~tcp_socket();

  /// Resolves the host, tries its addresses in turn, and sets TCP_NODELAY.
  static tcp_socket connect(const tcp_address& to, deadline until = {});
  static tcp_socket connect(const tcp_address& to, deadline until,
                            std::error_code& failed);

  /// Reads what has come, at least one byte; returns 0 at the end of the
  /// stream.
  std::size_t read_some(std::span<char> into, deadline until = {});
  std::size_t read_some(std::span<char> into, deadline until,
                        std::error_code& failed);

  /// Fills `into`. `errc::closed` when the stream ends before.
  void read(std::span<char> into, deadline until = {});
  std::size_t read(std::span<char> into, deadline until,
                   std::error_code& failed);

  /// Writes everything.
  void write(std::string_view bytes, deadline until = {});
  std::size_t write(std::string_view bytes, deadline until,
                    std::error_code& failed);

  /// No more will be written; the peer reads the end of the stream.
  void shutdown_write();
  void close();
  /// Closes so that the peer gets a reset; unsent bytes are dropped.
  void reset();

  bool is_open() const;
  tcp_address local() const;
  /// Empty when the connection is gone.
  tcp_address peer() const;
  int native_handle() const;

private:
  friend class tcp_listener;
  struct connection;
  explicit tcp_socket(std::shared_ptr<connection> made);

  std::shared_ptr<connection> connection_; // never null, but when moved from
};

/// A TCP port that connections arrive at.
///
/// Ownership  Owns the port. Closing it wakes a greenlet in `accept`, with
///            `errc::closed`; connections accepted before live on.
/// Thread     Its hub's thread only.
/// Waits      `accept`.
/// Errors     Both forms; the text of a failed bind names the address.
///
///     tcp_listener door{{"127.0.0.1", 0}};
///     tcp_socket visitor = door.accept();
class tcp_listener {
public:
  static constexpr int default_backlog = 1024; // connections

  /// Binds with SO_REUSEADDR and listens.
  explicit tcp_listener(const tcp_address& at, int backlog = default_backlog);
  tcp_listener(tcp_listener&&) noexcept;
  tcp_listener& operator=(tcp_listener&&) noexcept;
  ~tcp_listener();

  /// The next connection, with TCP_NODELAY set.
  tcp_socket accept(deadline until = {});
  tcp_socket accept(deadline until, std::error_code& failed);

  void close();
  bool is_open() const;
  /// Where it listens, with the real port.
  tcp_address local() const;

private:
  struct port;
  std::shared_ptr<port> port_;
};

/// Lines of text from a connection, without their ends ("\n" or "\r\n").
///
/// Ownership  Borrows the connection, which must outlive it.
/// Thread     Its hub's thread.
/// Waits      `next`, until a whole line has come or the stream ends.
/// Errors     A line longer than the limit: `std::errc::message_size`, so
///            that a stranger cannot make the buffer grow for ever.
///
///     line_reader lines{connection};
///     while (auto line = lines.next()) connection.write(*line + "\n");
class line_reader {
public:
  static constexpr std::size_t default_limit = 64 * 1024; // bytes

  explicit line_reader(tcp_socket& from, std::size_t limit = default_limit)
      : from_(from), limit_(limit) {}

  /// The next line; nothing at the end of the stream. Text after the last
  /// line end counts as a line.
  std::optional<std::string> next(deadline until = {});
  std::optional<std::string> next(deadline until, std::error_code& failed);

private:
  std::optional<std::string> cut_line();
  bool is_too_long() const;

  tcp_socket& from_;
  const std::size_t limit_;
  std::string buffer_;       // read and not yet returned
  std::size_t searched_ = 0; // bytes of it without a line end
  bool ended_ = false;
};

} // namespace greenroom
