#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom::zmq {

struct majordomo_pipeline_options {
  std::string broker{};              ///< its endpoint for clients
  std::size_t window = 1000;         ///< requests without a reply
  std::size_t most_kept = 1'000'000; ///< replies that nobody has received
  /// A request without a reply for so long is taken for lost.
  std::chrono::nanoseconds timeout = std::chrono::minutes{1};
  socket_setup setup{};
};

struct majordomo_pipeline_counts {
  std::uint64_t requests = 0;
  std::uint64_t replies = 0;
  std::uint64_t expired = 0; ///< requests taken for lost
  std::uint64_t refused = 0; ///< messages that are not the protocol's
};

struct majordomo_reply {
  std::string service;
  message body;
};

/// Sends requests to a `majordomo_broker` without waiting for each reply. It
/// keeps to a window: so many have been sent and not been answered; beyond it
/// `send` waits, and keeps the replies that come for `receive`. So requests may
/// all be sent before the first reply is received, and none is dropped.
///
/// The protocol says not which reply is whose: those of one worker come in
/// order, and what else is needed a request and its reply carry themselves. It
/// does not ask again.
///
/// Ownership  Its own; keeps the context.
/// Thread     Its hub's; any number of greenlets.
/// Waits      `send`, `receive`.
/// Errors     Both forms. `greenroom::errc::timed_out`: `until` has passed; of
///            `receive` also when the last request has been taken for lost.
/// Source     RFC 7 of ZeroMQ (MDP 0.1); the guide's asynchronous client, with
///            credit.
///
///     zmq::majordomo_pipeline client{{.broker = "tcp://10.0.0.1:5555"}};
///     for (int i = 0; i < 100'000; ++i) client.send("echo", {"x"});
///     for (int i = 0; i < 100'000; ++i) use(client.receive().body);
class majordomo_pipeline {
public:
  explicit majordomo_pipeline(majordomo_pipeline_options how);
  majordomo_pipeline(const context& in, majordomo_pipeline_options how);
  majordomo_pipeline(const majordomo_pipeline&) = delete;
  majordomo_pipeline& operator=(const majordomo_pipeline&) = delete;

  void send(std::string_view service, const message& body, deadline until = {});
  void send(std::string_view service, const message& body, deadline until,
            std::error_code& failed);

  majordomo_reply receive(deadline until = {});
  majordomo_reply receive(deadline until, std::error_code& failed);

  /// Requests that have had no reply.
  std::size_t outstanding() const { return sent_at_.size(); }
  /// Replies to be received without waiting.
  std::size_t kept() const { return kept_.size(); }
  const majordomo_pipeline_counts& counts() const { return counts_; }

private:
  struct reply_there {
    bool ready() const { return !of.kept_.empty(); }
    wait_list& watchers() { return list; }
    majordomo_pipeline& of;
    wait_list list{};
  };
  struct room_there {
    bool ready() const { return of.has_room(); }
    wait_list& watchers() { return list; }
    majordomo_pipeline& of;
    wait_list list{};
  };

  bool has_room() const;
  bool pull();
  void keep(message came);
  bool expire();
  deadline first_expiry() const;

  const majordomo_pipeline_options how_;
  socket socket_;
  majordomo_pipeline_counts counts_;
  std::deque<steady_time> sent_at_; // of the outstanding; oldest first
  std::deque<majordomo_reply> kept_;
  reply_there reply_{*this};
  room_there room_{*this};
};

} // namespace greenroom::zmq
