#pragma once

#include <greenroom/actors/mail.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/hub/timer.hpp>
#include <greenroom/mailbox/envelope.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace greenroom {

/// A message on its way to an actor at a later time, or again and again: what
/// `send_after` and `send_every` of an `actor_ref` return.
///
/// It comes never early, and messages of the same moment come in the order in
/// which they were sent. To a full inbox it comes as from another hub: beyond
/// a bound of policy `wait`. When the actor dies, the timer ends with it, and
/// nothing is a dead letter; one that its supervisor restarts goes on getting
/// its messages. A period counts from when the last message was due, so that
/// it does not drift; when the hub is late, all those due come at once.
///
/// Ownership  A handle, shared by its copies; dropping it cancels nothing.
/// Thread     The hub of the actor, which is the sender's.
/// Waits      Never.
/// Errors     `std::invalid_argument` for a delay that is negative or of more
///            years than the clock counts, or a period that is not positive;
///            `wrong_hub`. A message that throws when it is copied ends the
///            timer, with a log line.
/// Source     erlang:send_after and Akka's timers. Erlang's cancel leaves a
///            message that has been sent where it is; Akka's drops it when it
///            is taken; this takes it out of the inbox.
///
///     delayed_send reminder = desk.send_after(20min, call_back{customer});
///     if (reminder.cancel()) ...          // it will not be received any more
///     desk.send_every(1s, tick{});        // until `desk` is dead
class delayed_send {
public:
  /// Of nothing.
  delayed_send() = default;

  /// The message will not be received from now on, even if it waits in the
  /// inbox. Returns the time that was left, zero when it waited; nothing when
  /// it was too late, or done before.
  std::optional<std::chrono::nanoseconds> cancel() const;

  /// `cancel` would be in time.
  bool pending() const;

private:
  template <class Actor>
  friend class actor_ref;

  class state;
  template <class Interface, class Message>
  class state_of;
  class sent_mark;

  static void check_period(std::chrono::nanoseconds period);

  explicit delayed_send(std::shared_ptr<state> made)
      : state_(std::move(made)) {}

  std::shared_ptr<state> state_;
};

// --- what is inside ---------------------------------------------------------

class delayed_send::state : timer {
public:
  virtual ~state() = default;
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  /// `self` is this; nobody else need keep it while there is something to come.
  void begin(std::shared_ptr<state> self, std::chrono::nanoseconds delay);
  std::optional<std::chrono::nanoseconds> cancel();
  bool pending() const { return linked() || waiting > 0; }
  bool repeats() const { return period_ > 0; }

  std::uint32_t waiting = 0; // messages in the inbox

protected:
  state(const reference_key& to, std::chrono::nanoseconds period);

  /// A copy, if it `repeats`.
  virtual std::unique_ptr<envelope>
  next_mail(const std::shared_ptr<state>& self) = 0;

private:
  struct end_of_actor : reference_end_link {
    explicit end_of_actor(state& of) : reference_end_link(&ended), timed(of) {}
    static void ended(reference_end_link& link);
    state& timed;
  };

  static void fire(timer& due);
  void end();

  hub& home_;
  const reference_key to_;
  const std::int64_t period_; // nanoseconds; 0: once
  std::uint64_t due_ = 0;     // which the timer queue may put off
  end_of_actor actor_end_{*this};
  std::shared_ptr<state> self_; // until there is nothing to come
};

/// Part of a message that was sent: it waits as long as this lives.
class delayed_send::sent_mark {
public:
  explicit sent_mark(std::shared_ptr<state> sender)
      : sender_(std::move(sender)) {
    ++sender_->waiting;
  }
  sent_mark(sent_mark&&) noexcept = default;
  sent_mark& operator=(sent_mark&&) = delete;
  virtual ~sent_mark() { // virtual: so that mail can be asked for its mark
    if (sender_) --sender_->waiting;
  }

  bool is_from(const state& sender) const { return sender_.get() == &sender; }

private:
  std::shared_ptr<state> sender_;
};

template <class Interface, class Message>
class delayed_send::state_of final : public state {
public:
  state_of(const reference_key& to, std::chrono::nanoseconds period,
           Message&& message)
      : state(to, period), message_(std::move(message)) {}

private:
  using content = inside::content_of<Interface, Message>;

  std::unique_ptr<envelope>
  next_mail(const std::shared_ptr<state>& self) override {
    using mail = inside::mail<Interface, content, sent_mark>;
    return std::make_unique<mail>(next_content(), sent_mark{self});
  }
  content next_content() {
    if constexpr (std::copy_constructible<Message>)
      if (repeats()) return content{message_};
    return content{std::move(message_)};
  }

  Message message_;
};

template <class Actor>
template <class Message>
delayed_send actor_ref<Actor>::send_after(std::chrono::nanoseconds delay,
                                          Message message) const {
  using interface = typename Actor::actor_interface;
  constexpr bool accepted = interface::template accepts<Message>;
  static_assert(accepted, "send: this actor has no receive() for this message");
  std::shared_ptr<delayed_send::state> made;
  if constexpr (accepted) {
    made = std::make_shared<delayed_send::state_of<interface, Message>>(
        key_, std::chrono::nanoseconds{}, std::move(message));
    made->begin(made, delay);
  }
  return delayed_send{std::move(made)};
}

template <class Actor>
template <class Message>
delayed_send actor_ref<Actor>::send_every(std::chrono::nanoseconds period,
                                          Message message) const {
  using interface = typename Actor::actor_interface;
  constexpr bool accepted = interface::template accepts<Message>;
  static_assert(accepted, "send: this actor has no receive() for this message");
  constexpr bool copies = std::copy_constructible<Message>;
  static_assert(copies, "send_every: a message that cannot be copied");
  std::shared_ptr<delayed_send::state> made;
  if constexpr (accepted && copies) {
    delayed_send::check_period(period);
    made = std::make_shared<delayed_send::state_of<interface, Message>>(
        key_, period, std::move(message));
    made->begin(made, period);
  }
  return delayed_send{std::move(made)};
}

} // namespace greenroom
