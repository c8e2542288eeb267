#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <unordered_map>
#include <vector>

namespace greenroom::zmq {

/// Whom a freelance client asks.
enum class freelance_policy : std::uint8_t {
  sequential, ///< one after the other, each for `timeout`
  shotgun,    ///< all at once: the first reply wins
  tracked     ///< the first one that is known to be alive, by pings
};

struct freelance_client_options {
  std::vector<std::string> servers{}; ///< endpoints; the first is asked first
  freelance_policy policy = freelance_policy::tracked;
  /// Until another server is asked (sequential), or all again (shotgun).
  std::chrono::nanoseconds timeout = std::chrono::seconds{1};
  int rounds = 3; ///< through all servers, or to all of them
  /// Of a request to tracked servers, when the caller gives no other.
  std::chrono::nanoseconds within = std::chrono::seconds{3};
  std::chrono::nanoseconds ping = std::chrono::seconds{2};
  /// A tracked server that is silent for so long is asked no more.
  std::chrono::nanoseconds time_to_live = std::chrono::seconds{6};
  std::size_t most_requests = 1000; ///< at a time
  socket_setup setup{};
};

struct freelance_client_counts {
  std::uint64_t requests = 0;
  std::uint64_t replies = 0;
  std::uint64_t retried = 0; ///< asked again, or another one
  std::uint64_t failed = 0;
  std::uint64_t late = 0;    ///< replies nobody waited for any more
  std::uint64_t dropped = 0; ///< requests to servers that had no room
};

/// Asks servers that stand in for each other, without a broker between. A
/// server may get a request more than once, and several may get it.
///
/// Ownership  Its socket, which is connected by the constructor; the context.
/// Thread     Its hub's.
/// Waits      `run`, until it is killed: it receives replies and pings. It can
///            be run again. `request`, for a reply; any number at a time.
/// Errors     Both forms: `greenroom::errc::timed_out` when no server has
///            answered, or `until` has passed; `greenroom::errc::full`: too
///            many at a time. The constructor's: `std::errc::invalid_argument`
///            for options without servers, or of an endpoint that does not
///            parse. `greenroom::errc::busy`: `run` is for one at a time.
/// Source     RFC 10 of ZeroMQ (FLP); the guide's Freelance, models 1 to 3.
///            All three speak FLP here.
///
///     zmq::freelance_client client{{.servers = {"tcp://10.0.0.1:5555",
///                                               "tcp://10.0.0.2:5555"}}};
///     tree.add("client", permanent, [&] { client.run(); });
///     zmq::message reply = client.request({"sum", "1", "2"});
class freelance_client {
public:
  explicit freelance_client(freelance_client_options how);
  freelance_client(const context& in, freelance_client_options how);

  void run();

  message request(const message& what, deadline until = {});
  message request(const message& what, deadline until, std::error_code& failed);

  const freelance_client_counts& counts() const { return counts_; }
  /// Of tracked servers, those heard within their time to live.
  std::size_t alive() const;

private:
  struct server {
    std::string endpoint;
    deadline expires{steady_time{}}; // silent so far
  };
  struct pending; // in the frame of the call that waits

  void ping_for_ever();
  void take(message&& came);
  bool ask(pending& mine, deadline until);
  bool ask_in_turn(pending& mine, deadline until);
  bool ask_all(pending& mine, deadline until);
  bool ask_alive(pending& mine, deadline until);
  void send(const server& to, const pending& mine);
  const server* first_alive() const;

  const freelance_client_options how_;
  freelance_client_counts counts_;
  socket socket_;
  std::vector<server> servers_;
  std::unordered_map<std::uint64_t, pending*> pending_; // by number
  std::uint64_t number_ = 0;
  wait_list arrivals_; // of servers that were not alive
  bool running_ = false;
};

} // namespace greenroom::zmq
