#pragma once

#include <greenroom/inproc/socket_base.hpp>

#include <memory>
#include <string_view>

namespace greenroom::inproc {

/// What a message is subscribed to by: itself, if it is text, else its member
/// `topic`; of one that is shared, that of what it refers to. For your own
/// types: a function `topic_of` of yours in the type's namespace.
template <class Message>
std::string_view topic_of(const Message& message) {
  if constexpr (std::is_convertible_v<const Message&, std::string_view>)
    return message;
  else
    return message.topic;
}
template <class Message>
std::string_view topic_of(const std::shared_ptr<Message>& message) {
  return topic_of(*message);
}

/// Sends each message to all `sub` sockets that have subscribed to how its
/// topic begins. One that is at its high-water mark loses it, which both count
/// (`dropped`), and holds up nobody.
///
/// Ownership  Each subscriber gets a copy; the last one the message itself. So
///            what is large is sent as `std::shared_ptr<const ...>`: no copy.
/// Thread     Its hub's only (`wrong_hub`).
/// Waits      For no subscriber. `send` lets others run at times.
/// Errors     `greenroom::errc::closed`. What copying a message throws leaves
///            `send`; those behind do not get it.
/// Source     ZMQ_PUB.
///
///     inproc::pub<std::string> news;
///     news.bind("inproc://news");
///     news.send("weather: fog");
template <transferable Message>
class pub : public sending<pub<Message>, Message> {
public:
  using message_type = Message;

  pub()
      : pub::sending(
            socket_core::profile_of<socket_type::pub, Message, nothing>()) {}

private:
  friend class sending<pub, Message>;

  static bool put(socket_core& core, Message& message, std::error_code*) {
    const std::string_view topic = topic_of(message);
    lane_base* last = nullptr;
    for (const auto& each : core.connections) {
      lane_base& to = each->lane_from(core);
      if (!to.to || !to.to->wants(topic)) continue;
      if (!to.has_room()) {
        ++core.dropped;
        ++to.to->dropped;
        continue;
      }
      if (last) pub::add(*last, Message(message));
      last = &to;
    }
    if (last) pub::add(*last, std::move(message));
    return true;
  }
};

/// Receives what `pub` sockets send of the topics that it has subscribed to,
/// from then on.
///
/// Ownership  A message is moved out once.
/// Thread     Its hub's only (`wrong_hub`).
/// Waits      `receive`. Any number of greenlets, served oldest first.
/// Errors     Both forms: `greenroom::errc::timed_out`, `closed`. `unsubscribe`
///            of what was not subscribed to:
///            `std::errc::no_such_file_or_directory`.
/// Source     ZMQ_SUB.
///
///     inproc::sub<std::string> news;
///     news.connect("inproc://news");
///     news.subscribe("weather");
///     std::cout << news.receive();
template <transferable Message>
class sub : public receiving<sub<Message>, Message> {
public:
  using message_type = Message;

  sub()
      : sub::receiving(
            socket_core::profile_of<socket_type::sub, nothing, Message>()) {}

  /// What begins so is received. Each asks for one `unsubscribe`.
  void subscribe(std::string_view prefix = {}) {
    this->core_->subscribe(prefix);
  }
  void unsubscribe(std::string_view prefix = {}) {
    this->core_->unsubscribe(prefix);
  }

private:
  friend class receiving<sub, Message>;

  static lane_base* next(socket_core& core, std::error_code*) {
    return core.readable.front();
  }
  static Message take_from(socket_core& core, lane_base& from) {
    return sub::template take<Message>(core, from);
  }
};

} // namespace greenroom::inproc
