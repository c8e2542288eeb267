#pragma once

#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/binary_star_state.hpp>
#include <greenroom/zmq_patterns/handler.hpp>
#include <greenroom/zmq_patterns/reliable_client.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace greenroom::zmq {

struct binary_star_options {
  star_role role = star_role::primary;
  std::string requests{}; ///< bound, for clients
  std::string beats{};    ///< bound, for the peer
  std::string peer{};     ///< where the peer has bound its `beats`
  star_times times{};
  /// Called when this one has become active, or is so no more. Beats stop
  /// while it waits.
  std::function<void(bool active)> on_change{};
  socket_setup setup{};
};

struct binary_star_counts {
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;  ///< requests dropped: this one is not active
  std::uint64_t withheld = 0; ///< replies: it was not active any more
  std::uint64_t malformed = 0;
  std::uint64_t dropped = 0; ///< replies whose client was gone, or full
};

/// One of two servers that stand in for each other, of which one at most is
/// active: see `binary_star_state` for what that rests on. The active one
/// answers; the other one drops requests, and their clients ask elsewhere.
///
/// One request is answered at a time; beats go on while the handler waits. One
/// that computes for longer than half of `fail_over` costs this one its place.
///
/// Ownership  Its sockets; those that bind are bound by the constructor. Keeps
///            the context.
/// Thread     Its hub's.
/// Waits      `run`, until it is killed. It can be run again.
/// Errors     The constructor's: a socket's `bind` and `connect`;
///            `std::errc::invalid_argument` for times that do not fit each
///            other. What the handler throws ends `run`.
///            `greenroom::errc::busy`: `run` is for one at a time.
/// Source     The ZeroMQ guide's Binary Star.
///
///     zmq::binary_star server{{.role = zmq::star_role::backup,
///                              .requests = "tcp://*:5002",
///                              .beats = "tcp://*:5004",
///                              .peer = "tcp://10.0.0.1:5003"},
///                             answer};
///     tree.add("server", permanent, [&] { server.run(); });
class binary_star {
public:
  binary_star(binary_star_options how, request_handler handler);
  binary_star(const context& in, binary_star_options how,
              request_handler handler);

  void run();

  bool active() const;
  star_state state() const { return state_.state(); }
  /// To be given to what both write to, which refuses an earlier one.
  std::uint64_t term() const { return state_.term(); }
  const binary_star_counts& counts() const { return counts_; }
  const star_counts& changes() const { return state_.counts(); }
  /// As bound, with the ports that were found.
  std::string requests() const { return requests_.last_endpoint(); }
  std::string beats() const { return beats_.last_endpoint(); }
  /// For a peer whose place was not known before.
  void connect(const std::string& peer) { peer_.connect(peer); }

private:
  void beat_for_ever();
  void hear();
  void tell_change();
  void answer(message&& request);

  const binary_star_options how_;
  const request_handler handler_;
  binary_star_counts counts_;
  binary_star_state state_;
  socket requests_;
  socket beats_;
  socket peer_;
  bool told_active_ = false;
  bool running_ = false;
};

/// For a `reliable_client` that asks the two in turn, until one answers: with
/// `times` of theirs, long enough for a fail-over.
reliable_client_options binary_star_client(const std::string& primary,
                                           const std::string& backup,
                                           star_times times = {});

} // namespace greenroom::zmq
