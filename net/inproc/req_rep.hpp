#pragma once

#include <greenroom/inproc/socket_base.hpp>

#include <utility>

namespace greenroom::inproc {

/// Sends a request, receives its reply, and so on in turn; several servers are
/// asked one after the other. For `rep` and `router`.
///
/// Ownership  Messages are moved, never copied.
/// Thread     Its hub's only (`wrong_hub`).
/// Waits      `send` while no server has room; `receive` for the reply.
/// Errors     Both forms: inproc's `errc::wrong_state` for a call out of turn;
///            `greenroom::errc::timed_out`, `closed`. After one of these, or a
///            kill, it still is whose turn it was. A server that ended with the
///            request never answers: give `receive` a deadline, then make the
///            socket anew.
/// Source     ZMQ_REQ.
///
///     inproc::req<int, std::string> names;
///     names.connect("inproc://names");
///     names.send(7);
///     std::string name = names.receive(1s);
template <transferable Request, transferable Reply>
class req : public sending<req<Request, Reply>, Request,
                           receiving<req<Request, Reply>, Reply>> {
  using receiver = receiving<req, Reply>;

public:
  req()
      : req::sending(
            socket_core::profile_of<socket_type::req, Request, Reply>()) {}

private:
  friend receiver;
  friend class sending<req, Request, receiver>;

  static bool put(socket_core& core, Request& request,
                  std::error_code* failed) {
    if (core.between) {
      if (failed) *failed = errc::wrong_state;
      return false;
    }
    lane_base* const to = core.writable.front();
    if (!to) return false;
    while (lane_base* const unasked = core.readable.front())
      req::template drop<Reply>(core, *unasked);
    req::add(*to, std::move(request));
    core.partner = &to->of;
    core.between = true;
    return true;
  }

  /// Nobody but the one who was asked has something to say.
  static lane_base* next(socket_core& core, std::error_code* failed) {
    if (!core.between) {
      if (failed) *failed = errc::wrong_state;
      return nullptr;
    }
    lane_base* from = core.readable.front();
    while (from && &from->of != core.partner) {
      req::template drop<Reply>(core, *from);
      from = core.readable.front();
    }
    return from;
  }
  static Reply take_from(socket_core& core, lane_base& from) {
    core.between = false;
    core.partner = nullptr;
    return req::template take<Reply>(core, from);
  }
};

/// Receives a request, sends its reply to whom it came from, and so on in turn;
/// of several clients one after the other. For `req` and `dealer`.
///
/// Ownership  Messages are moved, never copied. A reply for one who is gone, or
///            who takes none, is dropped, and counted.
/// Thread     Its hub's only (`wrong_hub`).
/// Waits      `receive`. `send` for nobody; it lets others run at times.
/// Errors     As those of `req`.
/// Source     ZMQ_REP.
///
///     inproc::rep<int, std::string> server;
///     server.bind("inproc://names");
///     for (;;) server.send(name_of(server.receive()));
template <transferable Request, transferable Reply>
class rep : public sending<rep<Request, Reply>, Reply,
                           receiving<rep<Request, Reply>, Request>> {
  using receiver = receiving<rep, Request>;

public:
  rep()
      : rep::sending(
            socket_core::profile_of<socket_type::rep, Reply, Request>()) {}

private:
  friend receiver;
  friend class sending<rep, Reply, receiver>;

  static bool put(socket_core& core, Reply& reply, std::error_code* failed) {
    if (!core.between) {
      if (failed) *failed = errc::wrong_state;
      return false;
    }
    lane_base* const to =
        core.partner ? &core.partner->lane_from(core) : nullptr;
    if (to && to->to && to->has_room())
      rep::add(*to, std::move(reply));
    else
      ++core.dropped;
    core.partner = nullptr;
    core.between = false;
    return true;
  }

  static lane_base* next(socket_core& core, std::error_code* failed) {
    if (core.between) {
      if (failed) *failed = errc::wrong_state;
      return nullptr;
    }
    return core.readable.front();
  }
  static Request take_from(socket_core& core, lane_base& from) {
    core.between = true;
    // Who has hung up is not to be answered; its connection may end with this.
    core.partner = from.of.over ? nullptr : &from.of;
    return rep::template take<Request>(core, from);
  }
};

} // namespace greenroom::inproc
