#pragma once

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/actors/request.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/inbox.hpp>

#include <compare>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace greenroom {

namespace inside {

/// How one kind of message gets to actors of one interface.
template <class Message>
struct message_calls {
  using reply = async_result<reply_t<Message>>;

  void (*send)(const reference_key& to, Message&& message);
  void (*send_until)(const reference_key& to, Message&& message,
                     deadline until);
  bool (*try_send)(const reference_key& to, Message&& message);
  void (*send_anyhow)(const reference_key& to, Message&& message);
  reply (*ask)(const reference_key& to, Message&& message, deadline until);
};

template <class Interface, class Message>
constexpr bool answers =
    Interface::handles_mail || Interface::template takes_request<Message>;

template <class Interface, class Message>
async_result<reply_t<Message>>
ask_interface(const reference_key& to, Message&& message, deadline until) {
  const actor_ref<Interface> actor{to};
  if constexpr (answers<Interface, Message>) {
    return actor.ask(std::move(message), until);
  } else { // it has a loop of its own, and nothing to say
    actor.send(std::move(message), until);
    async_result<reply_t<Message>> none;
    none.set_exception(result_state::failure(errc::no_reply));
    return none;
  }
}

template <class Interface, class Message>
inline constexpr message_calls<Message> calls_to{
    [](const reference_key& to, Message&& message) {
      actor_ref<Interface>{to}.send(std::move(message));
    },
    [](const reference_key& to, Message&& message, deadline until) {
      actor_ref<Interface>{to}.send(std::move(message), until);
    },
    [](const reference_key& to, Message&& message) {
      return actor_ref<Interface>{to}.try_send(std::move(message));
    },
    [](const reference_key& to, Message&& message) {
      actor_access::put_anyhow(to,
                               std::unique_ptr<envelope>(
                                   &mail_alone<Interface>(std::move(message))));
    },
    &ask_interface<Interface, Message>};

template <class Message>
struct message_way {
  const message_calls<Message>* way = &calls_to<actor<Message>, Message>;
};

/// Accepts all of them, and answers those that name a reply.
template <class Interface, class... Messages>
constexpr bool
    serves = ((Interface::template accepts<Messages> &&
               (!names_reply<Messages> || answers<Interface, Messages>)) &&
              ...);

} // namespace inside

/// Somebody who accepts these messages, whatever else they are: an `actor_ref`
/// that does not name the actor's class. Any `actor_ref` to an actor that
/// accepts them all converts to it, and any address with more messages.
///
/// Two are equal when they mean the same actor.
///
/// Ownership  None, as `actor_ref`; a trivially copyable value of 16 bytes and
///            8 for each message.
/// Thread     Any, as `actor_ref`.
/// Waits      As `actor_ref::send`.
/// Cost       An indirect call more than an `actor_ref`.
///
///     struct subscribe { address<news> who; };
///     paper.send(subscribe{reader});     // an actor_ref<person>
///     address<news, bill> customer = reader;
///     customer.send(news{"..."});
template <class... Messages>
class address : private inside::message_way<Messages>... {
  static_assert(sizeof...(Messages) > 0, "an address takes some message");
  static_assert(((times_among<Messages, Messages...> == 1) && ...),
                "an address names each type of message once");

public:
  template <class Message>
  static constexpr bool accepts = one_of<Message, Messages...>;

  /// Nobody: all mail to it is a dead letter.
  address() = default;

  template <class Actor>
  address(const actor_ref<Actor>& actor) : key_(actor.key()) {
    using interface = typename Actor::actor_interface;
    constexpr bool accepted = inside::serves<interface, Messages...>;
    static_assert(accepted, "address: this actor does not accept, or not "
                            "answer, all messages of the address");
    if constexpr (accepted)
      ((way_of<Messages>() = &inside::calls_to<interface, Messages>), ...);
  }

  template <class... Others>
  address(const address<Others...>& wider) : key_(wider.key()) {
    constexpr bool accepted = (one_of<Messages, Others...> && ...);
    static_assert(accepted,
                  "address: the other address lacks some of the messages");
    if constexpr (accepted)
      ((way_of<Messages>() = wider.template way_of<Messages>()), ...);
  }

  /// As those of `actor_ref`. An actor with its own loop that does not take a
  /// message as `request` fails an `ask` with `errc::no_reply`.
  template <class Message>
  void send(Message message) const {
    calls<Message>().send(key_, std::move(message));
  }
  template <class Message>
  void send(Message message, deadline until) const {
    calls<Message>().send_until(key_, std::move(message), until);
  }
  template <class Message>
  bool try_send(Message message) const {
    return calls<Message>().try_send(key_, std::move(message));
  }
  /// Never waits, to an actor of this hub: a full inbox takes it as from
  /// another hub.
  template <class Message>
  void send_anyhow(Message message) const {
    calls<Message>().send_anyhow(key_, std::move(message));
  }
  template <class Message>
  async_result<reply_t<Message>> ask(Message message,
                                     deadline until = {}) const {
    return calls<Message>().ask(key_, std::move(message), until);
  }

  bool alive() const { return greenlet_of(key_) != nullptr; }
  bool dead() const { return !alive(); }
  std::string name() const { return to_string(key_); }
  const reference_key& key() const { return key_; }

  friend bool operator==(const address& a, const address& b) {
    return a.key_ == b.key_;
  }
  friend auto operator<=>(const address& a, const address& b) {
    return a.key_ <=> b.key_;
  }

private:
  template <class... Others>
  friend class address;

  template <class Message>
  const inside::message_calls<Message>*& way_of() {
    return inside::message_way<Message>::way;
  }
  template <class Message>
  const inside::message_calls<Message>* way_of() const {
    return inside::message_way<Message>::way;
  }

  template <class Message>
  const inside::message_calls<Message>& calls() const {
    static_assert(accepts<Message>, "this address has no such message");
    if constexpr (accepts<Message>)
      return *way_of<Message>();
    else // one error is enough
      return *inside::message_way<Message>{}.way;
  }

  reference_key key_;
};

} // namespace greenroom

template <class... Messages>
struct std::hash<greenroom::address<Messages...>> {
  std::size_t
  operator()(const greenroom::address<Messages...>& address) const noexcept {
    return std::hash<greenroom::reference_key>{}(address.key());
  }
};
