#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/inproc/error.hpp>
#include <greenroom/inproc/lane.hpp>
#include <greenroom/inproc/socket_core.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace greenroom::inproc {

/// What all sockets of this room share; their calls are named as those of
/// `zmq::socket`.
///
/// Ownership  Owns the socket. Moved, not copied; a moved-from one may only be
///            destroyed or assigned to. Its end is `close`.
/// Thread     Its hub's only, else `wrong_hub`. Endpoints are those of one hub.
/// Waits      Never; the sending and receiving calls of its heirs do.
/// Errors     Both forms. `std::errc::invalid_argument` of a text that is no
///            endpoint, `std::errc::protocol_not_supported` of one that is not
///            "inproc://..."; `std::errc::address_in_use`; inproc's
///            `errc::incompatible`, `greenroom::errc::wrong_type`,
///            `greenroom::errc::name_taken` for two that do not fit, told to
///            the one that comes second.
class socket_base {
public:
  socket_base(const socket_base&) = delete;
  socket_base& operator=(const socket_base&) = delete;

  /// One socket may be bound to an endpoint, any number connected to it.
  void bind(const std::string& endpoint);
  void bind(const std::string& endpoint, std::error_code& failed);
  /// Those who are connected stay so.
  void unbind(const std::string& endpoint);
  void unbind(const std::string& endpoint, std::error_code& failed);
  /// Nobody need be bound yet: what is sent waits for it. When the one that is
  /// bound closes, what it has not taken waits for the next.
  void connect(const std::string& endpoint);
  void connect(const std::string& endpoint, std::error_code& failed);
  /// What was sent can still be received, on both sides.
  void disconnect(const std::string& endpoint);
  void disconnect(const std::string& endpoint, std::error_code& failed);
  /// Of the last `bind` or `connect`.
  const std::string& last_endpoint() const { return core_->endpoint; }

  /// Who waits gets `greenroom::errc::closed`. What was sent can still be
  /// received, what was not received is gone.
  void close();
  bool is_open() const { return core_->is_open(); }
  socket_type kind() const { return core_->what.kind; }

  /// High-water marks, in messages for each peer; 1000 unless set, 0: none.
  /// On a connection there may be as many as the limits of its two sockets
  /// together. To be set before `bind` and `connect`.
  void set_send_limit(std::size_t messages) { core_->send_limit = messages; }
  void set_receive_limit(std::size_t messages) {
    core_->receive_limit = messages;
  }

  /// Messages for a peer that was full, unknown or gone, and of this one's
  /// those that its peers never took.
  std::size_t dropped() const { return core_->dropped; }

protected:
  explicit socket_base(const socket_core::profile& what)
      : core_(std::make_shared<socket_core>(what)) {}
  socket_base(socket_base&&) noexcept = default;
  socket_base& operator=(socket_base&& other) noexcept;
  ~socket_base();

  template <class Message>
  static lane<Message>& typed(lane_base& where) {
    return static_cast<lane<Message>&>(where);
  }
  template <class Message>
  static void add(lane_base& where, Message&& message) {
    typed<Message>(where).items.add(std::move(message));
    where.from->sent(where);
  }
  template <class Message>
  static Message take(socket_core& core, lane_base& where) {
    auto& items = typed<Message>(where).items;
    Message message(std::move(items.next()));
    items.remove({});
    core.taken(where);
    return message;
  }
  template <class Message>
  static void drop(socket_core& core, lane_base& where) {
    take<Message>(core, where);
    ++core.dropped;
  }

  std::shared_ptr<socket_core> core_; // never null, but when moved from
};

/// A message that can be handed over: nothing can fail while it is between
/// two places.
template <class Message>
concept transferable = std::is_object_v<Message> &&
    std::is_nothrow_move_constructible_v<Message> &&
    std::is_nothrow_destructible_v<Message>;

/// The sending half of a socket, whose `Socket::put(core, message, failed)` is
/// true when it has sent, or dropped, the message. Where it is not, it has not
/// touched it: it failed, or has to be tried again later. `failed` may be null.
template <class Socket, class Message, class Base = socket_base>
class sending : public Base {
public:
  /// Waits, if it must, until there is a peer with room. The message is taken
  /// when it was sent; otherwise the caller still has it.
  void send(Message&& message, deadline until = {}) {
    if (put_at_once(message)) return;
    std::error_code failed;
    const auto kept = this->core_;
    if (!wait_and_put(*kept, message, until, failed))
      kept->fail(failed, "send");
  }
  bool send(Message&& message, deadline until, std::error_code& failed) {
    failed.clear();
    if (put_at_once(message)) return true;
    const auto kept = this->core_;
    return wait_and_put(*kept, message, until, failed);
  }
  /// Does not wait: false when it would have to.
  bool try_send(Message&& message) {
    return this->core_->operate_now("try_send", [&](std::error_code& failed) {
      return Socket::put(*this->core_, message, &failed);
    });
  }

  /// Ready when a message can be sent, or the socket is closed. Its life is
  /// that of the socket.
  readiness& writable() { return this->core_->sendable; }

protected:
  using Base::Base;

private:
  bool put_at_once(Message& message) {
    socket_core& core = *this->core_;
    return core.may_go_on() && Socket::put(core, message, nullptr);
  }
  // Apart, so that the calls that need not wait stay small.
  [[gnu::noinline]] static bool wait_and_put(socket_core& core,
                                             Message& message, deadline until,
                                             std::error_code& failed) {
    socket_core::turn mine{core, true};
    return core.operate(mine, until, failed, [&](std::error_code& why) {
      return Socket::put(core, message, &why);
    });
  }
};

/// The receiving half of a socket: `Socket::next(core, failed)` is the lane of
/// the next message, or null; `Socket::take_from(core, lane)` takes it.
template <class Socket, class Message, class Base = socket_base>
class receiving : public Base {
public:
  /// The next message; waits for it until `until`.
  Message receive(deadline until = {}) {
    socket_core& core = *this->core_;
    if (core.may_go_on())
      if (lane_base* const from = Socket::next(core, nullptr))
        return Socket::take_from(core, *from);
    return wait_and_take(until);
  }
  std::optional<Message> receive(deadline until, std::error_code& failed) {
    const auto kept = this->core_;
    std::optional<Message> place;
    static_cast<void>(kept->may_go_on());
    take_into(*kept, place, until, failed);
    return place;
  }
  /// Does not wait: nothing when there is nothing.
  std::optional<Message> try_receive() {
    socket_core& core = *this->core_;
    std::optional<Message> place;
    core.operate_now("try_receive", [&](std::error_code& failed) {
      return take_next(core, place, failed);
    });
    return place;
  }

  /// Ready when a message can be received, or the socket is closed. Its life
  /// is that of the socket.
  readiness& readable() { return this->core_->receivable; }

protected:
  using Base::Base;

private:
  static bool take_next(socket_core& core, std::optional<Message>& place,
                        std::error_code& failed) {
    lane_base* const from = Socket::next(core, &failed);
    if (from) place.emplace(Socket::take_from(core, *from));
    return from;
  }
  static bool take_into(socket_core& core, std::optional<Message>& place,
                        deadline until, std::error_code& failed) {
    socket_core::turn mine{core, false};
    return core.operate(mine, until, failed, [&](std::error_code& why) {
      return take_next(core, place, why);
    });
  }
  [[gnu::noinline]] Message wait_and_take(deadline until) {
    const auto kept = this->core_;
    std::optional<Message> place;
    std::error_code failed;
    if (!take_into(*kept, place, until, failed)) kept->fail(failed, "receive");
    return std::move(*place);
  }
};

} // namespace greenroom::inproc
