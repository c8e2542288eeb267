#pragma once

#include <greenroom/inproc/socket_base.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace greenroom::inproc {

/// A `req` without turns: sends as `push`, receives as `pull`. For `rep`,
/// `router` and `dealer`.
///
/// Ownership  Messages are moved, never copied.
/// Thread     Its hub's only (`wrong_hub`).
/// Waits      `send` while no peer has room, `receive` while there is nothing;
///            any number of greenlets in each, served oldest first.
/// Errors     Both forms: `greenroom::errc::timed_out`, `closed`.
/// Source     ZMQ_DEALER.
///
///     inproc::dealer<task, result> tasks;
///     tasks.set_routing_id("worker 1");
///     tasks.connect("inproc://broker");
template <transferable Out, transferable In>
class dealer
    : public sending<dealer<Out, In>, Out, receiving<dealer<Out, In>, In>> {
  using receiver = receiving<dealer, In>;

public:
  dealer()
      : dealer::sending(
            socket_core::profile_of<socket_type::dealer, Out, In>()) {}

  /// By which a router knows it; before `bind` and `connect`. Unless set, the
  /// router makes one up, which begins with a byte 0.
  void set_routing_id(std::string_view id) { this->core_->routing_id = id; }
  const std::string& routing_id() const { return this->core_->routing_id; }

private:
  friend receiver;
  friend class sending<dealer, Out, receiver>;

  static bool put(socket_core& core, Out& message, std::error_code*) {
    lane_base* const to = core.writable.front();
    if (to) dealer::add(*to, std::move(message));
    return to;
  }
  static lane_base* next(socket_core& core, std::error_code*) {
    return core.readable.front();
  }
  static In take_from(socket_core& core, lane_base& from) {
    return dealer::template take<In>(core, from);
  }
};

/// A message with the routing id of the peer that it came from, or goes to.
template <class Message>
struct routed {
  std::string peer;
  Message message;
};

/// A `rep` without turns: it says whom it sends to. For `req`, `dealer` and
/// `router`.
///
/// Ownership  Messages are moved, never copied; routing ids are copied.
/// Thread     Its hub's only (`wrong_hub`).
/// Waits      `receive`; `send` when it is mandatory and that peer is full.
/// Errors     Both forms: `greenroom::errc::timed_out`, `closed`. What is for
///            nobody known, or one who is full, is dropped, and counted; if it
///            is mandatory, the first is `std::errc::host_unreachable`. Two
///            peers of one id: `greenroom::errc::name_taken` for the second.
/// Source     ZMQ_ROUTER.
///
///     inproc::router<result, task> broker;
///     broker.bind("inproc://broker");
///     inproc::routed<task> asked = broker.receive();
///     broker.send({asked.peer, work(asked.message)});
template <transferable Out, transferable In>
class router : public sending<router<Out, In>, routed<Out>,
                              receiving<router<Out, In>, routed<In>>> {
  using receiver = receiving<router, routed<In>>;

public:
  router()
      : router::sending(
            socket_core::profile_of<socket_type::router, Out, In>()) {}

  void set_router_mandatory(bool enabled) { this->core_->mandatory = enabled; }
  /// By which another router knows it; as that of a dealer.
  void set_routing_id(std::string_view id) { this->core_->routing_id = id; }
  const std::string& routing_id() const { return this->core_->routing_id; }

private:
  friend receiver;
  friend class sending<router, routed<Out>, receiver>;

  static bool put(socket_core& core, routed<Out>& message,
                  std::error_code* failed) {
    lane_base* const to = core.lane_to(message.peer);
    if (to && to->has_room()) {
      router::add(*to, std::move(message.message));
      return true;
    }
    if (core.mandatory) {
      if (!to && failed)
        *failed = std::make_error_code(std::errc::host_unreachable);
      return false;
    }
    ++core.dropped;
    return true;
  }
  static lane_base* next(socket_core& core, std::error_code*) {
    return core.readable.front();
  }
  static routed<In> take_from(socket_core& core, lane_base& from) {
    std::string peer = from.of.peer_name(core);
    return {std::move(peer), router::template take<In>(core, from)};
  }
};

} // namespace greenroom::inproc
