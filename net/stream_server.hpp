#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/secure.hpp>
#include <greenroom/io/stream.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/net/listen_address.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace greenroom {

class pool;

struct stream_server_options {
  int backlog = listen_options{}.backlog; ///< connections in the kernel
  bool reuse_port = false;                ///< as in `listen_options`
  /// Connections handled at a time; when full, accepting pauses and further
  /// ones wait in the kernel's backlog.
  std::size_t most_connections = std::numeric_limits<std::size_t>::max();
  /// Its members are the handlers, too: a limit that servers, and other work,
  /// share. Must outlive the server.
  pool* workers = nullptr;
  /// Of each TCP connection; none: those that `tcp_listener` sets.
  std::optional<tcp_options> tcp = {};
  /// Makes a connection a secure one, in its own greenlet: `tls_acceptor`.
  secure_acceptor secure = {};
  std::chrono::nanoseconds handshake_time = std::chrono::seconds(10);
};

/// Accepts connections and handles each in a greenlet of its own.
///
/// The handler gets a `stream&` whatever it is: a `tcp_socket`, a
/// `unix_socket`, or what `secure` made of one.
///
/// Ownership  Owns the port, the connections and the handlers' greenlets.
///            Destroyed while started, it stops, and waits, without grace.
///            Where it cannot wait (a hub callback, `no_wait`) it kills the
///            handlers brutally; destroyed by one of its handlers, it tells the
///            others to end. Both are logged.
/// Thread     Its hub's thread only.
/// Waits      `serve_forever`, `stop`, its destructor; `start` for the lookup
///            of a name; `close` and `stop_accepting` a moment, until nobody
///            accepts.
/// Errors     A failed bind names the address. What a handler throws is
///            logged and closes its connection; the server goes on. A failed
///            handshake closes its connection (logged at level info). When
///            accepting fails (too many open files), it logs, pauses 10 ms,
///            doubling to 1 s, and goes on; unless the port is unusable: then
///            it is closed, and `serve_forever` throws.
/// Source     gevent.server.StreamServer; GEVENT.md 1.11.
///
///     stream_server server{{"127.0.0.1", 5000}, [](stream& peer) {
///       peer.write("hello\n");
///     }};                              // the connection closes on return
///     server.serve_forever();
class stream_server {
public:
  using handler = std::function<void(stream&)>;

  stream_server(listen_address at, handler handle,
                stream_server_options options = {});
  stream_server(const stream_server&) = delete;
  stream_server& operator=(const stream_server&) = delete;
  ~stream_server();

  /// Opens the port, if need be, and begins to accept. The same port again,
  /// when it was started before.
  void start();

  /// Closes the port and says so (`stopping`), lets handlers finish until
  /// `grace` has passed, then kills the rest and waits for them; those that
  /// swallow the kill are killed brutally 1 s later. A handler may call it,
  /// also more than one; their own connections go on then. May be started
  /// again.
  void stop(deadline grace = {std::chrono::seconds(1)});

  /// Closes the port; connections go on.
  void close();

  /// Leaves further connections in the kernel's backlog, until
  /// `start_accepting`, which needs an open port.
  void stop_accepting();
  void start_accepting();

  /// Starts if need be and waits until another greenlet has called `stop` and
  /// every handler has ended. When it is interrupted (a kill, a signal),
  /// stops, then lets that pass on.
  void serve_forever();

  /// Asked to stop by `stop`, when the port is closed and before handlers are
  /// waited for; anew after each `start`. A handler looks at it between two
  /// requests, and has itself woken from a wait for the next:
  ///
  ///     std::stop_callback idle{server.stopping(),
  ///                             [&] { peer.shutdown_read(); }};
  ///
  /// Such a callback must neither wait nor throw.
  std::stop_token stopping() const;

  /// The port is open.
  bool started() const;
  /// Where it listens, with the real port; empty if that is no TCP address.
  tcp_address local() const;
  /// The same for a log, of any kind: "127.0.0.1:5000", "unix:/run/service".
  std::string local_name() const;
  /// Connections being handled.
  std::size_t connections() const;

private:
  struct core;
  std::shared_ptr<core> core_; // shared with its greenlets; never null
};

} // namespace greenroom
