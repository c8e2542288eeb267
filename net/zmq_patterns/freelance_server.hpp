#pragma once

#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <cstdint>
#include <string>

namespace greenroom::zmq {

struct freelance_server_options {
  std::string endpoint{}; ///< bound
  /// By which clients of other programs address it. Empty: the endpoint, as
  /// RFC 10 has it; set it where that has a "*" in it.
  std::string identity{};
  int handlers = 1; ///< requests answered at a time
  socket_setup setup{};
};

struct freelance_server_counts {
  std::uint64_t answered = 0;
  std::uint64_t pings = 0;
  std::uint64_t malformed = 0;
  std::uint64_t dropped = 0; ///< replies whose client was gone, or full
};

/// A server that clients address themselves, without a broker: see
/// `freelance_client`. Pings are answered while handlers wait, but not while
/// all are at work and another request is there.
///
/// Ownership  Its socket, which is bound by the constructor; the context.
/// Thread     Its hub's.
/// Waits      `run`, until it is killed. It can be run again.
/// Errors     The constructor's: the socket's `bind`. What the handler throws
///            ends `run`; the client asks elsewhere.
///            `greenroom::errc::busy`: `run` is for one at a time.
/// Source     RFC 10 of ZeroMQ (FLP); the guide's Freelance.
///
///     zmq::freelance_server server{{.endpoint = "tcp://10.0.0.1:5555"},
///                                  answer};
///     tree.add("server", permanent, [&] { server.run(); });
class freelance_server {
public:
  freelance_server(freelance_server_options how, request_handler handler);
  freelance_server(const context& in, freelance_server_options how,
                   request_handler handler);

  void run();

  const freelance_server_counts& counts() const { return counts_; }
  /// As bound, with the port that was found.
  std::string endpoint() const { return socket_.last_endpoint(); }

private:
  void answer(message&& request);
  void reply(message&& frames, std::uint64_t& count);

  const freelance_server_options how_;
  const request_handler handler_;
  freelance_server_counts counts_;
  socket socket_;
  bool running_ = false;
};

} // namespace greenroom::zmq
