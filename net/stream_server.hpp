#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/io/tcp.hpp>

#include <cstddef>
#include <functional>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace greenroom {

struct stream_server_options {
  int backlog = listen_options{}.backlog; ///< connections in the kernel
  /// Connections handled at a time; when full, accepting pauses and further
  /// ones wait in the kernel's backlog.
  std::size_t most_connections = std::numeric_limits<std::size_t>::max();
};

/// Accepts TCP connections and handles each in a greenlet of its own.
///
/// Ownership  Owns the port and the handlers' greenlets. Destroying it while
///            started is an error as with any running greenlet: `stop` first.
/// Thread     Its hub's thread only.
/// Waits      `serve_forever` and `stop`.
/// Errors     A failed bind names the address. What a handler throws is
///            logged and closes its connection; the server goes on. When
///            accepting fails (too many open files), it logs, pauses 10 ms,
///            doubling to 1 s, and goes on.
/// Source     gevent.server.StreamServer; GEVENT.md 1.11.
///
///     stream_server server{{"127.0.0.1", 5000}, [](tcp_socket& peer) {
///       peer.write("hello\n");
///     }};                              // the connection closes on return
///     server.serve_forever();
class stream_server {
public:
  using handler = std::function<void(tcp_socket&)>;

  stream_server(tcp_address at, handler handle,
                stream_server_options options = {});
  stream_server(const stream_server&) = delete;
  stream_server& operator=(const stream_server&) = delete;
  ~stream_server();

  /// Binds and begins to accept; does nothing when started.
  void start();

  /// Closes the port, lets handlers finish until `grace` has passed, then
  /// kills the rest and waits for them; those that swallow the kill are killed
  /// brutally 1 s later. A handler may call it, also more than one; their own
  /// connections go on then. May be started again.
  void stop(deadline grace = {std::chrono::seconds(1)});

  /// Starts if need be and waits until another greenlet has called `stop` and
  /// every handler has ended. When it is interrupted (a kill, a signal),
  /// stops, then lets that pass on.
  void serve_forever();

  bool started() const { return listener_.has_value(); }
  /// Where it listens, with the real port.
  tcp_address local() const;
  /// Connections being handled.
  std::size_t connections() const { return connections_.size(); }

private:
  struct visit;

  void accept_all();
  void stop_accepting();
  visit* visit_of_caller() const;
  std::vector<any_greenlet> awaited_handlers() const;
  bool wait_for_handlers(deadline until);
  bool accept_one();
  void pause_after(const std::error_code& failed);
  void handle(tcp_socket&& accepted);
  void ended(std::list<std::unique_ptr<visit>>::iterator place);

  // Constant after construction.
  tcp_address at_;
  handler handle_;
  stream_server_options options_;

  // Hub thread only.
  std::optional<tcp_listener> listener_; // while started
  any_greenlet acceptor_;
  std::list<std::unique_ptr<visit>> connections_;
  wait_list room_;                     // the acceptor, while the server is full
  wait_list ends_;                     // who waits for connections to end
  wait_list stopped_;                  // who waits in serve_forever
  unsigned stops_ = 0;                 // so far
  std::chrono::milliseconds pause_{0}; // after a failed accept
};

} // namespace greenroom
