#pragma once

#include <greenroom/actors/actor_base.hpp>
#include <greenroom/actors/actor_of.hpp>
#include <greenroom/actors/delayed_send.hpp>
#include <greenroom/actors/handlers.hpp>
#include <greenroom/actors/mail.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/actors/request.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/envelope.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace greenroom {

/// A greenlet that handles typed messages one at a time, in order of arrival
/// per sender. While idle it holds no stack: its whole cost is its object. A
/// `receive` that waits borrows one for as long as that lasts.
///
/// Ownership  Made by `spawn<A>(...)`, owned by its hub, destroyed at its
///            end. Everybody else holds an `actor_ref`, which owns nothing.
/// Thread     Its hub's thread.
/// Errors     An exception out of `receive` fails the actor and, for an ask,
///            the asker.
/// Names      A message called like a member (`start`, `stop`, `exit`,
///            `monitor`) is written `struct stop` inside the class.
/// Cost       See README: nanoseconds a message, bytes an idle actor.
/// Source     Erlang's processes and Agha's actors; DESIGN.md 3 and 4.
///
///     struct deposit { long amount; };
///     struct balance { using reply = long; };
///
///     class account : public actor<deposit, balance> {
///       void receive(deposit d) override { total_ += d.amount; }
///       long receive(balance) override { return total_; }
///       long total_ = 0;
///     };
///
///     auto a = spawn<account>();
///     a.send(deposit{5});
///     long now = a.ask(balance{}).get(1s);
template <class... Messages>
class actor : public handlers<actor_of<Messages...>, Messages...> {
public:
  using actor_interface = actor<Messages...>;

  static constexpr bool handles_mail = true;

protected:
  actor() : handlers<actor_of<Messages...>, Messages...>(&first_step) {}

  /// Its own reference, to hand to others.
  actor_ref<actor> self() const { return actor_ref<actor>{this->key()}; }

  /// Has `next` receive the mail from the next message on, instead of this
  /// actor itself; null: this actor again. To take part, `next` may hold a
  /// reference to the actor's own state.
  void become(std::shared_ptr<behaviour<Messages...>> next) {
    this->set_behaviour(std::move(next));
  }
  /// The same with functions, one for each type of message to be received
  /// otherwise; the rest come to this actor as before.
  ///
  ///     become([this](knock) { open_ = true; });
  template <receiver_of<Messages...>... Functions>
  void become(Functions... functions);

  /// Sends itself `message` when `delay` has passed, unless by then it has
  /// become something else, or this was called again.
  ///
  ///     become([this](acknowledged) { next(); });
  ///     set_state_timeout(5s, resend{});
  template <class Message>
  void set_state_timeout(std::chrono::nanoseconds delay, Message message) {
    actor_base::set_state_timeout(self().send_after(delay, std::move(message)));
  }

  /// From now on gets a `receive_timeout` each time it has rested, without a
  /// message to handle, for `limit`; zero, or more than a century: no
  /// more. Negative: `std::invalid_argument`.
  void set_receive_timeout(std::chrono::nanoseconds limit) {
    constexpr bool accepted = actor::template accepts<receive_timeout>;
    static_assert(accepted, "set_receive_timeout: this actor has no "
                            "receive(receive_timeout)");
    if constexpr (accepted)
      this->set_rest_limit(limit, &actor::template wrap_new<receive_timeout>);
  }

private:
  static void first_step(runnable& turn) {
    turn.on_turn = &mail_step;
    auto& self = static_cast<actor&>(turn);
    actor_access::first_turn(self, actor_access::inbox_of(self));
  }
  static void mail_step(runnable& turn) {
    auto& self = static_cast<actor&>(turn);
    actor_access::mail_turn(self, actor_access::inbox_of(self));
  }
  void open_sealed(std::unique_ptr<envelope> mail) final;
};

// --- what is inside ---------------------------------------------------------

namespace inside {

/// Overrides `receive` for the first of the messages left, with the one of the
/// functions that takes it, if any.
template <class Actor, class Functions, class Base, class... Messages>
struct overrides;

template <class Actor, class Functions, class Base>
struct overrides<Actor, Functions, Base> : Base {
  overrides(Actor& of, Functions&& given)
      : self(of), functions(std::move(given)) {}
  using Base::receive;
  Actor& self;
  Functions functions;
};

template <class Actor, class Functions, class Base, class Message,
          class... Others>
struct overrides<Actor, Functions, Base, Message, Others...>
    : overrides<Actor, Functions, Base, Others...> {
  using overrides<Actor, Functions, Base, Others...>::overrides;
  using overrides<Actor, Functions, Base, Others...>::receive;

  reply_t<Message> receive(Message message) override {
    if constexpr (std::invocable<Functions&, Message>)
      return this->functions(std::move(message));
    else
      return handler_of<Message>(this->self).receive(std::move(message));
  }
};

template <class... Functions>
struct overloaded : Functions... {
  using Functions::operator()...;
};

} // namespace inside

template <class... Messages>
template <receiver_of<Messages...>... Functions>
void actor<Messages...>::become(Functions... functions) {
  using all = inside::overloaded<Functions...>;
  using next =
      inside::overrides<actor, all, behaviour<Messages...>, Messages...>;
  become(std::make_shared<next>(*this, all{std::move(functions)...}));
}

/// Mail that was put there through `inbox()`, or by the framework.
template <class... Messages>
void actor<Messages...>::open_sealed(std::unique_ptr<envelope> mail) {
  using open = void (*)(actor&, std::unique_ptr<envelope>);
  static constexpr open openers[] = {[](actor& self,
                                        std::unique_ptr<envelope> one) {
    Messages content = std::move(
        inbox_access::content<greenroom::inbox<Messages...>, Messages>(*one));
    one.reset();
    inside::receive_by<Messages>(self, std::move(content));
  }...};
  const std::uint32_t kind = mail->kind();
  openers[kind](*this, std::move(mail));
}

namespace inside {

/// As `new Actor(arguments...)`, for `start` to begin with.
template <class Actor, class Start, class... Arguments>
actor_ref<Actor> begin_actor(Start&& start, Arguments&&... arguments) {
  constexpr bool constructible = std::constructible_from<Actor, Arguments...>;
  static_assert(constructible,
                "spawn: no public constructor of this actor takes these "
                "arguments, or a receive() is missing");
  if constexpr (constructible) {
    auto* made = new Actor(std::forward<Arguments>(arguments)...);
    greenlet_access::share(*made);
    const any_greenlet kept{*made}; // it may have been killed by now
    const actor_ref<Actor> reference{actor_access::key(*made)};
    start(*made);
    return reference;
  } else { // one error is enough
    return {};
  }
}

} // namespace inside

/// Makes an actor and starts it. Never switches: `on_start` and the first
/// message wait for their turn.
template <std::derived_from<actor_base> Actor, class... Arguments>
actor_ref<Actor> spawn(Arguments&&... arguments) {
  return inside::begin_actor<Actor>([](Actor& made) { made.start(); },
                                    std::forward<Arguments>(arguments)...);
}

/// The same with a name, or ahead of everything else that is ready; or, for one
/// with its own loop, with a stack of a size (`std::invalid_argument` for one
/// without: that borrows its stacks).
///
///     auto a = spawn<account>({.name = "ann"}, 100L);
template <std::derived_from<actor_base> Actor, class... Arguments>
actor_ref<Actor> spawn(spawn_options options, Arguments&&... arguments) {
  constexpr bool borrows = Actor::actor_interface::handles_mail;
  if (borrows && options.stack_size > 0)
    throw std::invalid_argument("spawn: an actor without its own loop has no "
                                "stack of its own");
  return inside::begin_actor<Actor>(
      [&options](Actor& made) {
        greenlet_access::start(made, std::move(options));
      },
      std::forward<Arguments>(arguments)...);
}

template <class Actor>
template <class Message>
void actor_ref<Actor>::send(Message message) const {
  using interface = typename Actor::actor_interface;
  constexpr bool accepted = interface::template accepts<Message>;
  static_assert(accepted, "send: this actor has no receive() for this message");
  if constexpr (accepted) { // one error is enough
    actor_base* const target = key_.local();
    envelope& mail = inside::mail_alone<interface>(std::move(message));
    if (target && inside::deliver<interface>(*target, mail)) [[likely]]
      return;
    inside::send_slowly(key_, mail, {});
  }
}

template <class Actor>
template <class Message>
void actor_ref<Actor>::send(Message message, deadline until) const {
  using interface = typename Actor::actor_interface;
  constexpr bool accepted = interface::template accepts<Message>;
  static_assert(accepted, "send: this actor has no receive() for this message");
  if constexpr (accepted)
    inside::send_slowly(key_, inside::mail_alone<interface>(std::move(message)),
                        until);
}

template <class Actor>
template <class Message>
bool actor_ref<Actor>::try_send(Message message) const {
  using interface = typename Actor::actor_interface;
  constexpr bool accepted = interface::template accepts<Message>;
  static_assert(accepted, "send: this actor has no receive() for this message");
  if constexpr (accepted)
    return inside::try_send(key_,
                            inside::mail_alone<interface>(std::move(message)));
  else
    return false;
}

template <class Actor>
template <class Message>
async_result<reply_t<Message>> actor_ref<Actor>::ask(Message message,
                                                     deadline until) const {
  using interface = typename Actor::actor_interface;
  constexpr bool accepted = interface::template accepts<Message>;
  static_assert(accepted, "ask: this actor has no receive() for this message");
  constexpr bool answers = !accepted || interface::handles_mail ||
                           interface::template takes_request<Message>;
  static_assert(answers, "ask: an actor with its own loop answers a message "
                         "when it takes it as request<...>");
  async_result<reply_t<Message>> answer;
  if constexpr (accepted && answers) {
    actor_base* const target = key_.local();
    envelope& mail = inside::mail_with_asker<interface>(
        std::move(message), answer, target != nullptr);
    if (target && interface::handles_mail) answer.owed_by(key_.debtor());
    if (target && inside::deliver<interface>(*target, mail)) [[likely]]
      return answer;
    inside::send_slowly(key_, mail, until);
  }
  return answer;
}

template <class Actor>
template <class Message>
void actor_ref<Actor>::forward(request<Message> asked) const {
  using interface = typename Actor::actor_interface;
  static_assert(interface::template takes_request<Message>,
                "forward: this actor has no receive(request<...>) for this "
                "message");
  if constexpr (interface::template takes_request<Message>) {
    if (interface::handles_mail && key_.local())
      asked.answer.owed_by(key_.debtor());
    inside::send_slowly(
        key_, *new inside::mail<interface, request<Message>>(std::move(asked)),
        {});
  }
}

} // namespace greenroom
