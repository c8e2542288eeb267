#pragma once

#include <greenroom/mailbox/fifo_items.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <utility>

namespace greenroom::inproc {

class socket_core;
struct connection;
struct lane_base;

/// Stands for the message of a direction that has none.
struct nothing {};

struct lane_hook {
  lane_base* previous = nullptr;
  lane_base* next = nullptr; // null: in no ring
};

/// The messages on their way from one socket to another, but for their type.
struct lane_base {
  static constexpr std::size_t unbounded =
      std::numeric_limits<std::size_t>::max();

  explicit lane_base(connection& in) : of(in) {}
  lane_base(const lane_base&) = delete;
  lane_base& operator=(const lane_base&) = delete;

  bool has_room() const { return size < limit; }

  connection& of;
  socket_core* from = nullptr; // null: not there yet, or no more
  socket_core* to = nullptr;
  std::size_t size = 0;
  std::size_t limit = unbounded; // the high-water mark
  lane_hook writable;            // of `from`, while there is room
  lane_hook readable;            // of `to`, while there are messages
};

template <class Message>
struct lane final : lane_base {
  using lane_base::lane_base;
  fifo_items<Message> items; // size of them
};

/// Lanes in a circle: the front one is served next.
template <lane_hook lane_base::*Hook>
class lane_ring {
public:
  lane_base* front() const { return front_; }
  static bool holds(const lane_base& one) { return (one.*Hook).next; }

  /// Behind all others.
  void append(lane_base& added) {
    lane_hook& hook = added.*Hook;
    if (front_) {
      hook.next = front_;
      hook.previous = (front_->*Hook).previous;
      (hook.previous->*Hook).next = &added;
      (front_->*Hook).previous = &added;
    } else {
      hook.next = hook.previous = front_ = &added;
    }
  }
  void remove(lane_base& gone) {
    lane_hook& hook = gone.*Hook;
    if (front_ == &gone) front_ = hook.next == &gone ? nullptr : hook.next;
    (hook.previous->*Hook).next = hook.next;
    (hook.next->*Hook).previous = hook.previous;
    hook = {};
  }
  void remove_if_held(lane_base& gone) {
    if (holds(gone)) remove(gone);
  }
  void rotate() { front_ = (front_->*Hook).next; }

private:
  lane_base* front_ = nullptr;
};

/// Two sockets, one of which has connected to the endpoint that the other is
/// bound to, or waits for such a one. Shared by both.
struct connection {
  connection(lane_base& to_binder, lane_base& to_connecter)
      : there(to_binder), back(to_connecter) {}
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  virtual ~connection() = default;

  lane_base& lane_from(const socket_core& one) {
    return &one == connecter ? there : back;
  }
  /// By which a router knows its peer.
  std::string& peer_name(const socket_core& router) {
    return &router == connecter ? binder_name : connecter_name;
  }

  std::string endpoint;
  socket_core* connecter = nullptr; // null: closed
  socket_core* binder = nullptr;    // null: not there
  bool over = false;                // the connecter has disconnected
  std::string connecter_name;
  std::string binder_name;
  lane_base& there; // to the binder; what it has not taken waits for the next
  lane_base& back;
};

/// As its connecter makes it.
template <class Out, class In>
struct connection_of final : connection {
  connection_of() : connection(out, in), out(*this), in(*this) {}
  lane<Out> out;
  lane<In> in;
};

} // namespace greenroom::inproc
