#pragma once

#include <greenroom/actors/actor_base.hpp>
#include <greenroom/actors/request.hpp>

#include <concepts>

namespace greenroom {

/// The chain of classes that declare `receive` for one message each. `Root` is
/// their common base.
template <class Root, class... Messages>
class handlers;

template <class Root, class Message, class... Others>
class handlers<Root, Message, Others...> : public handlers<Root, Others...> {
public:
  using handlers<Root, Others...>::handlers;
  using handlers<Root, Others...>::receive;
  /// Handles one message. May wait like any greenlet; the next message is
  /// handled when this returns. What it throws goes to the asker, if any, and
  /// ends the actor.
  virtual reply_t<Message> receive(Message message) = 0;
};

template <class Root>
class handlers<Root> : public Root {
public:
  using Root::Root;
  struct nothing {};
  void receive(nothing) {}
};

/// A function that can receive some of the messages.
template <class Function, class... Messages>
concept receiver_of = (std::invocable<Function&, Messages> || ...);

/// Receivers of an actor's mail for a time; see `actor::become`.
template <class... Messages>
using behaviour = handlers<behaviour_base, Messages...>;

namespace inside {

/// The class of the chain that declares `receive(Message)`.
template <class Message, class Root, class... Rest>
handlers<Root, Message, Rest...>&
handler_of(handlers<Root, Message, Rest...>& chain) {
  return chain;
}

} // namespace inside
} // namespace greenroom
