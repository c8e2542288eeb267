#pragma once

#include <greenroom/hub/deadline.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

/// A stream of bytes in both directions, of whatever kind: a TCP or Unix
/// socket, the end of a pipe, a TLS connection, a file. Code that takes a
/// `stream&` serves them all.
///
/// Ownership  Each kind owns what is below it; destroying or closing it wakes
///            a greenlet that waits on it, with `errc::closed`.
/// Thread     Its hub's thread only.
/// Waits      `read_some`, `read`, `write`: each in whole until its deadline.
///            One greenlet may read while another writes; a second one in the
///            same direction gets `errc::busy`.
/// Errors     Every call in two forms, as in Asio; the thrown text names the
///            stream. A kill or timeout ends the call and leaves the stream
///            usable, but how much of a `write` was sent is then unknown.
/// Source     Python's streams, Go's net.Conn.
///
///     void greet(stream& peer) {
///       char name[100];
///       const std::size_t bytes = peer.read_some(name); // 0: it is done
///       peer.write({"hello ", {name, bytes}, "\n"});    // one system call
///     }
class stream {
public:
  virtual ~stream() = default;
  stream& operator=(const stream&) = delete;

  /// Reads what has come, at least one byte; returns 0 at the end of the
  /// stream.
  std::size_t read_some(std::span<char> into, deadline until = {});
  std::size_t read_some(std::span<char> into, deadline until,
                        std::error_code& failed) {
    return receive(into, 0, {until, failed});
  }

  /// Fills `into`. `errc::closed` when the stream ends before; the second form
  /// says how much had come.
  void read(std::span<char> into, deadline until = {});
  std::size_t read(std::span<char> into, deadline until,
                   std::error_code& failed) {
    return receive(into, into.size(), {until, failed});
  }

  /// Writes everything; returns how much was written, all when nothing failed.
  void write(std::string_view bytes, deadline until = {});
  std::size_t write(std::string_view bytes, deadline until,
                    std::error_code& failed) {
    return send({&bytes, 1}, {until, failed});
  }

  /// Writes the parts one after the other, gathered: in as few system calls,
  /// and packets, as they would take in one piece.
  void write(std::initializer_list<std::string_view> parts,
             deadline until = {}) {
    write(std::span(parts.begin(), parts.size()), until);
  }
  void write(std::span<const std::string_view> parts, deadline until = {});
  std::size_t write(std::span<const std::string_view> parts, deadline until,
                    std::error_code& failed) {
    return send(parts, {until, failed});
  }

  /// No more will be written; the other side reads the end of the stream.
  virtual void shutdown_write() = 0;
  /// No more will be read: who waits in a read, or reads later, gets what has
  /// come, then the end. Sockets and what is over them; others do nothing.
  virtual void shutdown_read() {}
  virtual void close() = 0;
  /// As `close`, and so that the peer does not take for whole what it got, if
  /// there is a way to tell it: a TCP peer gets a reset.
  virtual void reset() { close(); }
  virtual bool is_open() const = 0;

  /// Who is at the other end, for logs and error texts: "127.0.0.1:5000",
  /// "process 4711", the path of a file; "a connection" when that is not
  /// known any more.
  virtual std::string peer_name() const { return "a stream"; }

protected:
  stream() = default;
  stream(const stream&) = default; // what is moved is in the derived class

  /// One call, as a kind of stream is to do it.
  struct transfer {
    deadline until;
    std::error_code& failed; ///< set or cleared
    /// If not null, set to the stream's name when the call failed: the stream
    /// itself may be gone by then.
    std::string* who = nullptr;
  };

private:
  /// Until `at_least` bytes have come, and `errc::closed` when the stream ends
  /// before; with 0, what comes first, and nothing at the end.
  virtual std::size_t receive(std::span<char> into, std::size_t at_least,
                              const transfer& how) = 0;
  virtual std::size_t send(std::span<const std::string_view> parts,
                           const transfer& how) = 0;
};

/// Reads `from` to its end and writes that to `to`, a piece at a time. Returns
/// the number of bytes.
///
///     copy(client, server);      // one direction of a port forwarder
///     server.shutdown_write();
std::uint64_t copy(stream& from, stream& to, deadline until = {});
std::uint64_t copy(stream& from, stream& to, deadline until,
                   std::error_code& failed);

} // namespace greenroom
