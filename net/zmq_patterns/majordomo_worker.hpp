#pragma once

#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::zmq {

struct majordomo_worker_options {
  std::string broker{};  ///< its endpoint for workers
  std::string service{}; ///< that it offers
  std::chrono::nanoseconds heartbeat = std::chrono::milliseconds{2500};
  int liveness = 3; ///< heartbeats missed until the broker is given up
  std::chrono::nanoseconds pause = std::chrono::milliseconds{2500};
  ///< before it connects again
  socket_setup setup{};
};

struct majordomo_worker_counts {
  std::uint64_t requests = 0;
  std::uint64_t reconnects = 0;
};

/// Answers requests for a service that a `majordomo_broker` hands out, one at a
/// time. While the handler waits, heartbeats go on. At its end it tells the
/// broker.
///
/// Ownership  Its own; keeps the context.
/// Thread     Its hub's.
/// Waits      `run`, until it is killed.
/// Errors     What the handler throws ends `run`, and leaves the request
///            without a reply: the client asks again. No service, or one too
///            long for a frame of 255 bytes: `std::errc::invalid_argument`.
///            `greenroom::errc::busy`: `run` is for one at a time.
/// Source     RFC 7 of ZeroMQ (MDP 0.1).
///
///     zmq::majordomo_worker sums{
///         {.broker = "tcp://10.0.0.1:5556", .service = "sum"}, add_up};
///     tree.add("sums", permanent, [&] { sums.run(); });
class majordomo_worker {
public:
  majordomo_worker(majordomo_worker_options how, request_handler handler);
  majordomo_worker(const context& in, majordomo_worker_options how,
                   request_handler handler);

  void run();

  const majordomo_worker_counts& counts() const { return counts_; }

private:
  class farewell;

  bool serve(socket& with, bool& heard);
  bool serve_and_beat(socket& with);
  void answer(message&& came, socket& by);

  context in_;
  const majordomo_worker_options how_;
  const request_handler handler_;
  majordomo_worker_counts counts_;
  bool running_ = false;
};

} // namespace greenroom::zmq
