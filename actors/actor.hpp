#pragma once

#include <greenroom/actors/reference.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/envelope.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace greenroom {

template <class Message>
concept names_reply = requires {
  typename Message::reply;
};

/// What an actor answers to a message: `Message::reply` where that is
/// declared, else nothing.
template <class Message>
struct reply_of {
  using type = void;
};
template <names_reply Message>
struct reply_of<Message> {
  using type = typename Message::reply;
};
template <class Message>
using reply_t = typename reply_of<Message>::type;

class actor_base;

/// A message on its way to an actor.
struct actor_mail : envelope {
  /// Destroys itself and calls the actor's `receive`. Throws what that throws.
  virtual void open(actor_base& receiver) = 0;
};

/// The part of an actor that does not know its messages.
class actor_base : public greenlet_base {
public:
  /// Takes over `mail`, which is handled after what came before it.
  void deliver(actor_mail& mail);

  /// Ends the actor after the mail that is in its inbox now.
  void stop() { deliver(*new stop_mail); }

  /// Messages waiting.
  std::size_t inbox_size() const { return waiting_; }

protected:
  actor_base();
  ~actor_base() override;

  /// Called before the first message, in the actor's own context.
  virtual void on_start() {}
  /// Called after the last message, however that ended it; must not throw.
  /// A killed actor may still wait here.
  virtual void on_stop() {}

  reference_key key() const { return key_; }

private:
  struct stop_mail : actor_mail {
    void open(actor_base& receiver) override {
      receiver.stopping_ = true;
      delete this;
    }
  };

  friend struct actor_access;

  static void first_step(runnable& self);
  static void mail_step(runnable& self);
  void open_mail();
  void run() final {}
  void never_begun() noexcept final { close_inbox(); }
  void rest_or_end();
  void end_actor() noexcept;
  void close_inbox() noexcept;

  envelope* oldest_ = nullptr;
  envelope* newest_ = nullptr; // meaningful only while oldest_ is set
  reference_key key_;
  std::uint32_t waiting_ = 0;
  bool begun_ = false;
  bool stopping_ = false;
};

template <class... Messages>
class handlers;

template <class Message, class... Others>
class handlers<Message, Others...> : public handlers<Others...> {
public:
  using handlers<Others...>::receive;
  /// Handles one message. May wait like any greenlet; the next message is
  /// handled when this returns. What it throws goes to the asker, if any, and
  /// ends the actor.
  virtual reply_t<Message> receive(Message message) = 0;
};

template <>
class handlers<> : public actor_base {
public:
  struct nothing {};
  void receive(nothing) {}
};

/// A greenlet that handles typed messages one at a time, in order of arrival
/// per sender. While idle it holds no stack: its whole cost is its object. A
/// `receive` that waits borrows one for as long as that lasts.
///
/// Ownership  Made by `spawn<A>(...)`, owned by its hub, destroyed at its
///            end. Everybody else holds an `actor_ref`, which owns nothing.
/// Thread     Its hub's thread.
/// Errors     An exception out of `receive` fails the actor and, for an ask,
///            the asker.
/// Names      A message called like a public member (`start`, `stop`, `link`)
///            is written `struct stop` inside the class.
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
class actor : public handlers<Messages...> {
  static_assert(sizeof...(Messages) > 0, "an actor handles some message");

public:
  using actor_interface = actor<Messages...>;

  /// Whether it has a `receive` for the message.
  template <class Message>
  static constexpr bool accepts = (std::same_as<Message, Messages> || ...);

protected:
  /// Its own reference, to hand to others.
  actor_ref<actor> self() const { return actor_ref<actor>{this->key()}; }
};

/// For `spawn`; not for programs.
struct actor_access {
  static reference_key key(const actor_base& made) { return made.key(); }
};

namespace inside {

/// The class of the chain that declares `receive(Message)`.
template <class Message, class... Rest>
handlers<Message, Rest...>& handler_of(handlers<Message, Rest...>& chain) {
  return chain;
}

template <class Interface, class Message>
struct mail final : actor_mail {
  explicit mail(Message&& content) : message(std::move(content)) {}

  void open(actor_base& receiver) override {
    std::unique_ptr<mail> self{this};
    Message content = std::move(message);
    self.reset(); // its memory serves what receive() sends
    handler_of<Message>(static_cast<Interface&>(receiver))
        .receive(std::move(content));
  }

  Message message;
};

/// Mail whose sender waits for the reply. `Answer` is the asker's result, or
/// what refers to it.
template <class Interface, class Message, class Answer>
struct request final : actor_mail {
  using reply = reply_t<Message>;

  template <class To>
  request(Message&& content, To&& to)
      : message(std::move(content)), answer(std::forward<To>(to)) {}

  void open(actor_base& receiver) override {
    const std::unique_ptr<request> self{this};
    auto& handler = handler_of<Message>(static_cast<Interface&>(receiver));
    try {
      if constexpr (std::is_void_v<reply>) {
        handler.receive(std::move(message));
        answer.set();
      } else {
        answer.set(handler.receive(std::move(message)));
      }
    } catch (const greenlet_exit&) {
      throw; // the destructor tells the asker
    } catch (...) {
      answer.set_exception(std::current_exception());
      throw;
    }
  }

  Message message;
  Answer answer;
};

/// The answer to one who asks on the actor's own hub.
template <class Result>
struct near_answer : Result::at_home {
  using base = typename Result::at_home;
  using base::base;
  ~near_answer() {
    if (!this->ready()) this->abandon(errc::dead);
  }
};

/// The answer to one on another hub, which expects it until this ends.
template <class Result>
class distant_answer {
public:
  explicit distant_answer(const Result& to) : result_(to) {}
  distant_answer(const distant_answer&) = delete;
  distant_answer& operator=(const distant_answer&) = delete;
  ~distant_answer() { result_.abandon(errc::dead); } // unless it was given

  template <class... Value>
  void set(Value&&... value) {
    result_.set(std::forward<Value>(value)...);
    const Result given = std::move(result_);
  }
  void set_exception(std::exception_ptr error) {
    result_.set_exception(std::move(error));
    const Result given = std::move(result_);
  }

private:
  work_guard outside_; // of the asker's hub; ends when the answer is sent
  Result result_;
};

/// What is lost on the way, or finds the actor dead, tells the asker so.
template <class Interface, class Message>
[[gnu::noinline]] void
ask_elsewhere(const reference_key& to, Message&& message,
              const async_result<reply_t<Message>>& answer) {
  using result = async_result<reply_t<Message>>;
  auto mail =
      std::make_unique<request<Interface, Message, distant_answer<result>>>(
          std::move(message), answer);
  to.visit_elsewhere([&](hub& home) {
    home.post([to, mail = std::move(mail)]() mutable {
      if (actor_base* target = to.local()) target->deliver(*mail.release());
    });
  });
}

} // namespace inside

/// Makes an actor and starts it. Never switches: `on_start` and the first
/// message wait for their turn.
template <std::derived_from<actor_base> Actor, class... Arguments>
actor_ref<Actor> spawn(Arguments&&... arguments) {
  static_assert(std::constructible_from<Actor, Arguments...>,
                "spawn: no public constructor of this actor takes these "
                "arguments, or a receive() is missing");
  if constexpr (std::constructible_from<Actor, Arguments...>) {
    auto* made = new Actor(std::forward<Arguments>(arguments)...);
    greenlet_access::share(*made);
    const any_greenlet kept{*made}; // it may have been killed by now
    const actor_ref<Actor> reference{actor_access::key(*made)};
    made->start();
    return reference;
  } else { // one error is enough
    return {};
  }
}

template <class Actor>
template <class Message>
void actor_ref<Actor>::send(Message message) const {
  using interface = typename Actor::actor_interface;
  constexpr bool accepted = interface::template accepts<Message>;
  static_assert(accepted, "send: this actor has no receive() for this message");
  if constexpr (accepted) { // one error is enough
    if (actor_base* target = key_.local()) [[likely]]
      target->deliver(
          *new inside::mail<interface, Message>(std::move(message)));
    else if (!key_.visit_elsewhere([&](hub& home) {
               home.post([to = *this, content = std::move(message)]() mutable {
                 to.send(std::move(content));
               });
             }))
      count_dead_letter();
  }
}

template <class Actor>
template <class Message>
async_result<reply_t<Message>> actor_ref<Actor>::ask(Message message) const {
  using interface = typename Actor::actor_interface;
  constexpr bool accepted = interface::template accepts<Message>;
  static_assert(accepted, "ask: this actor has no receive() for this message");
  using result = async_result<reply_t<Message>>;
  result answer;
  if constexpr (accepted) {
    using mail =
        inside::request<interface, Message, inside::near_answer<result>>;
    if (actor_base* target = key_.local()) [[likely]]
      target->deliver(*new mail(std::move(message), answer));
    else
      inside::ask_elsewhere<interface>(key_, std::move(message), answer);
  }
  return answer;
}

} // namespace greenroom
