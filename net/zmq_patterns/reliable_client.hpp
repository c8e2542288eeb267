#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace greenroom::zmq {

struct reliable_client_options {
  /// Servers that stand in for each other; each try asks the next one, the
  /// first request the first.
  std::vector<std::string> endpoints{};
  /// Of one try.
  std::chrono::nanoseconds timeout = std::chrono::milliseconds{2500};
  int retries = 3; ///< after the first try
  socket_setup setup{};
};

struct reliable_client_counts {
  std::uint64_t requests = 0;
  std::uint64_t replies = 0;
  std::uint64_t retried = 0;
  std::uint64_t failed = 0; ///< after all tries, or at the caller's deadline
};

/// A requester that asks again, over a new connection, when no reply comes in
/// time: a Lazy Pirate. So a server may get a request more than once; it never
/// gets the reply of an earlier one.
///
/// Ownership  Its own; keeps the context.
/// Thread     Its hub's.
/// Waits      `request`, for a reply.
/// Errors     Both forms. `greenroom::errc::timed_out` when all tries have
///            failed, or `until` has passed; `greenroom::errc::busy`: one
///            request at a time. `std::errc::invalid_argument` for options
///            without endpoints, or of one that does not parse.
/// Source     The ZeroMQ guide's Lazy Pirate.
///
///     zmq::reliable_client client{{.endpoints = {"tcp://10.0.0.1:5555",
///                                                "tcp://10.0.0.2:5555"}}};
///     zmq::message reply = client.request({"sum", "1", "2"});
class reliable_client {
public:
  explicit reliable_client(reliable_client_options how);
  reliable_client(const context& in, reliable_client_options how);

  message request(const message& what, deadline until = {});
  message request(const message& what, deadline until, std::error_code& failed);

  const reliable_client_counts& counts() const { return counts_; }
  /// That is asked now, or next.
  const std::string& endpoint() const { return how_.endpoints[at_]; }

private:
  message ask(const message& what, deadline until, std::error_code& failed);
  void connect();

  context in_;
  reliable_client_options how_;
  reliable_client_counts counts_;
  std::size_t at_ = 0;           // in the endpoints
  std::optional<socket> socket_; // when there, no request is under way in it
  bool busy_ = false;
};

} // namespace greenroom::zmq
