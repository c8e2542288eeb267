#pragma once

#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace greenroom::zmq {

struct pirate_worker_options {
  std::string broker{}; ///< its endpoint for workers
  std::chrono::nanoseconds heartbeat = std::chrono::seconds{1};
  int liveness = 3; ///< heartbeats missed until the broker is given up
  /// Waits before it connects again, doubled each time until it is heard.
  std::chrono::nanoseconds first_pause = std::chrono::seconds{1};
  std::chrono::nanoseconds longest_pause = std::chrono::seconds{32};
  socket_setup setup{};
};

struct pirate_worker_counts {
  std::uint64_t requests = 0;
  std::uint64_t reconnects = 0;
};

/// Answers requests that a `pirate_broker` hands out, one at a time. While the
/// handler waits, heartbeats go on.
///
/// Ownership  Its own; keeps the context.
/// Thread     Its hub's.
/// Waits      `run`, until it is killed.
/// Errors     What the handler throws ends `run`, and leaves the request
///            without a reply: the client asks again.
///            `greenroom::errc::busy`: `run` is for one at a time.
/// Source     The ZeroMQ guide's Paranoid Pirate worker (PPP).
///
///     zmq::pirate_worker worker{{.broker = "tcp://10.0.0.1:5556"},
///                               [](zmq::message&& request) {
///                                 return zmq::message{request.at(0)};
///                               }};
///     tree.add("worker", permanent, [&] { worker.run(); });
class pirate_worker {
public:
  pirate_worker(pirate_worker_options how, request_handler handler);
  pirate_worker(const context& in, pirate_worker_options how,
                request_handler handler);

  void run();

  const pirate_worker_counts& counts() const { return counts_; }

private:
  bool serve(socket& with);
  bool serve_and_beat(socket& with);
  void answer(message&& request, socket& by);

  context in_;
  const pirate_worker_options how_;
  const request_handler handler_;
  pirate_worker_counts counts_;
  bool running_ = false;
};

} // namespace greenroom::zmq
