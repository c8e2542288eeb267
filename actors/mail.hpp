#pragma once

// What travels to an actor; not for programs.

#include <greenroom/actors/actor_base.hpp>
#include <greenroom/actors/handlers.hpp>
#include <greenroom/actors/request.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/envelope.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace greenroom {

template <class... Messages>
class actor;

namespace inside {

/// Has the actor, or its behaviour, receive the message.
template <class Message, class... Messages>
reply_t<Message> receive_by(actor<Messages...>& receiver, Message&& message) {
  if (actor_access::has_behaviour(receiver)) [[unlikely]] {
    const auto kept = actor_access::behaviour(receiver); // it may change it
    auto& now = static_cast<behaviour<Messages...>&>(*kept);
    return handler_of<Message>(now).receive(std::move(message));
  }
  return handler_of<Message>(receiver).receive(std::move(message));
}

/// What `Interface` has in its inbox for a `Message` that comes to it.
template <class Interface, class Message>
using content_of =
    std::conditional_t<Interface::template takes_request<Message>,
                       request<Message>, Message>;

/// Mail of nobody who asks by `ask`. `Parts` live as long as it does.
template <class Interface, class Content, class... Parts>
struct mail final : mail_of<Content>, Parts... {
  template <class Given>
  explicit mail(Given&& content, Parts... parts)
      : mail_of<Content>(std::forward<Given>(content)),
        Parts(std::move(parts))... {}

  ~mail() override {
    if constexpr (requires { this->message.answer; }) // it was not received
      this->message.answer.abandon(errc::dead);
  }

  std::uint32_t kind() const override {
    return inbox_access::kind_of<typename Interface::inbox_type, Content>();
  }
  bool open(greenlet_base& receiver) override {
    if constexpr (Interface::handles_mail) {
      std::unique_ptr<mail> self{this};
      Content content = std::move(this->message);
      self.reset(); // its memory serves what receive() sends
      if constexpr (requires { content.answer; }) content.answer.owed_by({});
      receive_by<Content>(static_cast<Interface&>(receiver),
                          std::move(content));
    }
    return Interface::handles_mail;
  }
};

/// Mail whose sender waits for the reply. `Answer` is the asker's result, or
/// what refers to it.
template <class Interface, class Message, class Answer>
struct asked final : mail_of<Message> {
  using reply = reply_t<Message>;

  template <class To>
  asked(Message&& content, To&& to)
      : mail_of<Message>(std::move(content)), answer(std::forward<To>(to)) {}

  std::uint32_t kind() const override {
    return inbox_access::kind_of<typename Interface::inbox_type, Message>();
  }
  bool open(greenlet_base& receiver) override {
    const std::unique_ptr<asked> self{this};
    auto& actor = static_cast<Interface&>(receiver);
    try {
      if constexpr (std::is_void_v<reply>) {
        receive_by<Message>(actor, std::move(this->message));
        answer.set();
      } else {
        answer.set(receive_by<Message>(actor, std::move(this->message)));
      }
    } catch (const greenlet_exit&) {
      throw; // the destructor tells the asker
    } catch (...) {
      answer.set_exception(std::current_exception());
      throw;
    }
    return true;
  }

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

/// The mail that asks; `near`: on this hub.
template <class Interface, class Message>
envelope& mail_with_asker(Message&& message,
                          const async_result<reply_t<Message>>& answer,
                          bool near) {
  using result = async_result<reply_t<Message>>;
  if constexpr (Interface::template takes_request<Message>) {
    reply_to<reply_t<Message>> to{answer};
    if (!near) to.hold_asker();
    return *new mail<Interface, request<Message>>(
        request<Message>{std::move(message), std::move(to)});
  } else if (near) {
    return *new asked<Interface, Message, near_answer<result>>(
        std::move(message), answer);
  } else {
    return *new asked<Interface, Message, distant_answer<result>>(
        std::move(message), answer);
  }
}

/// The mail that sends `message`, which nobody waits for.
template <class Interface, class Message>
envelope& mail_alone(Message&& message) {
  using content = content_of<Interface, Message>;
  if constexpr (std::is_same_v<content, Message>)
    return *new mail<Interface, Message>(std::move(message));
  else
    return *new mail<Interface, content>(content{std::move(message)});
}

/// Puts `mail` into the inbox, if it is one that takes any; else false.
template <class Interface>
[[gnu::always_inline]] inline bool deliver(actor_base& to, envelope& mail) {
  auto& inbox = actor_access::inbox_of(static_cast<Interface&>(to));
  if (!inbox_access::plain(inbox)) [[unlikely]]
    return false;
  actor_access::deliver(to, inbox, mail);
  return true;
}

/// To an actor of this hub or another, alive or dead, whose inbox may be
/// bounded, closed or watched. Takes over `mail`. Throws `errc::timed_out` and
/// `errc::full`.
void send_slowly(const reference_key& to, envelope& mail, deadline until);
/// False when there is no room.
bool try_send(const reference_key& to, envelope& mail);

} // namespace inside
} // namespace greenroom
