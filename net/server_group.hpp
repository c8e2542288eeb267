#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/hub_group.hpp>
#include <greenroom/io/tcp_address.hpp>
#include <greenroom/net/listen_address.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace greenroom {

namespace inside {

/// One of the servers, whatever it is.
struct grouped_server {
  virtual ~grouped_server() = default;
  virtual void start() = 0;
  virtual void stop(deadline grace) = 0;
  virtual std::size_t connections() const = 0;
};

template <class Server>
struct grouped final : grouped_server {
  explicit grouped(std::unique_ptr<Server> made) : server(std::move(made)) {}
  void start() override { server->start(); }
  void stop(deadline grace) override { server->stop(grace); }
  std::size_t connections() const override { return server->connections(); }
  std::unique_ptr<Server> server;
};

} // namespace inside

/// A server on every hub of a group, all at one TCP port: the kernel gives each
/// connection to one of them (SO_REUSEPORT), whose hub then handles it.
///
/// `make` is called on each hub, one after the other, with the port opened
/// there, and returns a `std::unique_ptr` to a server for it: a `stream_server`,
/// an `http::server`, or what else has their `start`, `stop` and `connections`.
/// What its copies and handlers refer to is used by several threads.
///
/// Ownership  Owns the servers; each lives, and is destroyed, on its hub, and
///            ends before that does. The destructor stops them, with their own
///            second of grace, and waits.
/// Thread     The hub that made it.
/// Waits      `start`, `stop`, `connections`, the destructor.
/// Errors     What `make`, or a server's start, throws comes out of `start`;
///            those that had started are stopped again. A port that is taken is
///            named. Another program of the same user may share the port, if
///            it, too, asks for that: then there is no error.
/// Source     nginx's reuseport; LWN "The SO_REUSEPORT socket option".
///
///     hub_group hubs;
///     server_group web{hubs, {"", 8000}, [](listen_address port) {
///       return std::make_unique<http::server>(std::move(port), handle);
///     }};
///     web.start();
///     ...
///     web.stop(10s);
///     hubs.stop(10s);
class server_group {
public:
  template <std::invocable<listen_address> Make>
  server_group(const hub_group& hubs, tcp_address at, Make make)
      : server_group(
            hubs, std::move(at),
            maker{[made = std::move(make)](listen_address port) mutable {
              return wrap(made(std::move(port)));
            }}) {}
  server_group(const server_group&) = delete;
  server_group& operator=(const server_group&) = delete;
  ~server_group();

  /// Opens the port and serves, on all hubs or none. Again after `stop`: with
  /// new servers, at the same port.
  void start();

  /// Stops all, side by side, as each server's `stop` does: the port is closed,
  /// handlers may finish until `grace` has passed. False when a server did not
  /// end well after that: a log line names its hub.
  bool stop(deadline grace = {std::chrono::seconds(1)});

  bool started() const { return !servers_.empty(); }
  /// With the real port once it was started.
  const tcp_address& local() const { return at_; }
  /// Connections being handled, on all hubs; those of a hub that has ended do
  /// not count.
  std::size_t connections() const;

private:
  struct member;
  using maker =
      std::function<std::unique_ptr<inside::grouped_server>(listen_address)>;

  server_group(const hub_group& hubs, tcp_address at, maker make);

  template <class Server>
  static std::unique_ptr<inside::grouped_server>
  wrap(std::unique_ptr<Server> made) {
    return std::make_unique<inside::grouped<Server>>(std::move(made));
  }

  const std::vector<hub_address> hubs_;
  const std::shared_ptr<const maker> make_;
  tcp_address at_;
  std::vector<std::unique_ptr<member>> servers_; // none: not started
};

} // namespace greenroom
