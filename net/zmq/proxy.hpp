#pragma once

#include <greenroom/mailbox/event.hpp>
#include <greenroom/zmq/socket.hpp>

#include <cstdint>

namespace greenroom::zmq {

/// What went one way.
struct proxy_flow {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  /// For nobody known to a mandatory router, or of too many frames.
  std::uint64_t dropped = 0;
};

/// Passes whole messages between two sockets, both ways as far as their types
/// allow: router and dealer, xsub and xpub, pull and push. Each way waits
/// while the side that it goes to is full, and leaves in the other what is
/// there; neither holds up the other.
///
/// Ownership  Borrows the sockets, which outlive `run`.
/// Thread     The sockets' hub.
/// Waits      `run`, in two greenlets of its own; at once with the sockets
///            others may not use them.
/// Errors     Those of the sockets end `run`: `greenroom::errc::closed`. A
///            kill of it may lose the message that is being sent each way,
///            `terminate` loses none.
/// Source     zmq_proxy_steerable.
///
///     zmq::proxy broker{clients, workers};
///     auto running = spawn([&] { broker.run(); });
///     ...
///     broker.terminate();
class proxy {
public:
  proxy(socket& front, socket& back) : front_(front), back_(back) {}
  /// `capture`, a pub, push, pair or dealer, is sent a copy of each; a
  /// socket that is full goes without.
  proxy(socket& front, socket& back, socket& capture)
      : front_(front), back_(back), capture_(&capture) {}
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  /// Until it is terminated.
  void run();

  /// Messages stay where they are until it is resumed.
  void pause();
  void resume();
  /// Ends `run`, also one that comes later.
  void terminate();

  const proxy_flow& front_to_back() const { return to_back_; }
  const proxy_flow& back_to_front() const { return to_front_; }
  /// Copies for which the capture socket had no room.
  std::uint64_t not_captured() const { return not_captured_; }

private:
  void carry(socket& from, socket& to, proxy_flow& count);
  bool step(socket& from, socket& to, proxy_flow& count);
  void forward(message&& what, socket& to, proxy_flow& count);
  void capture(const message& what);

  socket& front_;
  socket& back_;
  socket* const capture_ = nullptr;

  // Hub thread only.
  event steered_; // set: look at those below
  event resumed_;
  bool paused_ = false;
  bool terminated_ = false;
  proxy_flow to_back_;
  proxy_flow to_front_;
  std::uint64_t not_captured_ = 0;
};

} // namespace greenroom::zmq
