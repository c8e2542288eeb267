#pragma once

#include <greenroom/http/service.hpp>
#include <greenroom/net/stream_server.hpp>

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>

namespace greenroom::http {

struct server_options {
  service_options service = {};
  stream_server_options connections = {};
};

/// An HTTP/1.1 server: each connection has a greenlet, in which its requests
/// are answered one after the other.
///
/// Ownership  Owns the port and the connections.
/// Thread     Its hub's thread only.
/// Waits      `serve_forever`, `stop`, the destructor: as `stream_server`.
/// Errors     As `stream_server` and `handler`.
/// Memory     An idle connection holds less than `most_idle_bytes`, besides
///            the stack that its handler has used: its buffers are given back
///            after a second. While a head comes, it may hold twice
///            `limits::head` more; of a body, what the handler reads.
/// Source     gevent.pywsgi, GEVENT.md 1.12; Go's net/http.
///
///     http::server server{{"127.0.0.1", 8000},
///                         [](http::request&, http::response& answer) {
///                           answer.send("hello");
///                         }};
///     on_signal(SIGTERM, [&] { server.stop(10s); });
///     server.serve_forever();
class server {
public:
  static constexpr std::size_t most_idle_bytes = 16 * 1024;

  server(listen_address at, handler handle, server_options options = {});

  void start() { connections_.start(); }
  /// Closes the port and the idle connections; answers in flight are the last
  /// of theirs, and get until `grace`.
  void stop(deadline grace = {std::chrono::seconds(1)}) {
    connections_.stop(grace);
  }
  void serve_forever() { connections_.serve_forever(); }

  /// For handlers that go on by themselves, of WebSockets and events: requested
  /// by `stop`. As `stream_server::stopping`.
  std::stop_token stopping() const { return connections_.stopping(); }

  bool started() const { return connections_.started(); }
  tcp_address local() const { return connections_.local(); }
  std::string local_name() const { return connections_.local_name(); }
  std::size_t connections() const { return connections_.connections(); }

private:
  // Constant after construction.
  handler handle_;
  service_options service_;

  stream_server connections_; // the last: it refers to the others
};

} // namespace greenroom::http
