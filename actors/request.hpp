#pragma once

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
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
  static_assert(std::is_void_v<type> || std::is_object_v<type>,
                "a message's `reply` is a plain type or void: no reference");
  static_assert(!std::is_const_v<type>,
                "a message's `reply` is a plain type: no const");
};
template <class Message>
using reply_t = typename reply_of<Message>::type;

/// The one answer that somebody who asked waits for. Whoever has it may give
/// it, now or later, from any greenlet; dropped without that, it fails the
/// asker with `errc::no_reply`.
///
/// Ownership  Moves; the answer can be given once.
/// Thread     Any, as `async_result`.
/// Waits      Never.
template <class Reply>
class reply_to {
public:
  /// Nobody asked: what is answered is dropped.
  reply_to() = default;
  explicit reply_to(async_result<Reply> asker) : result_(std::move(asker)) {}
  reply_to(reply_to&& other) noexcept
      : outside_(std::move(other.outside_)),
        result_(std::exchange(other.result_, std::nullopt)) {}
  reply_to& operator=(reply_to&& other) noexcept {
    reply_to dropped{std::move(*this)};
    outside_ = std::move(other.outside_);
    result_ = std::exchange(other.result_, std::nullopt);
    return *this;
  }
  ~reply_to() {
    if (result_) result_->abandon(errc::no_reply);
  }

  template <class... Value>
  void set(Value&&... value) {
    if (result_) result_->set(std::forward<Value>(value)...);
    forget(); // not given if that threw
  }
  void set_exception(std::exception_ptr error) {
    if (result_) result_->set_exception(std::move(error));
    forget();
  }
  template <class Exception>
  void fail(Exception error) {
    set_exception(std::make_exception_ptr(std::move(error)));
  }
  /// Fails the asker with `why`.
  void abandon(errc why) {
    if (result_) result_->abandon(why);
    forget();
  }

  /// Somebody waits for it.
  explicit operator bool() const { return result_.has_value(); }

  /// For finding circles of asks: who has it; nobody, when it may be anybody.
  void owed_by(result_debtor who) {
    if (result_ && !outside_) result_->owed_by(who);
  }
  /// For one who asks from another hub, which expects the answer so long.
  void hold_asker() { outside_ = std::make_unique<work_guard>(); }

private:
  void forget() {
    result_.reset();
    outside_.reset();
  }

  std::unique_ptr<work_guard> outside_; // of the asker's hub
  std::optional<async_result<Reply>> result_;
};

/// A message with the right to answer it. An actor that lists
/// `request<balance>` instead of `balance` is asked as ever, and answers when
/// and from where it likes.
///
///     class bank : public actor<request<balance>> {
///       void receive(request<balance> asked) override {
///         spawn([asked = std::move(asked)]() mutable {
///           asked.reply(look_up(asked->account));
///         });
///       }
///     };
template <class Message>
struct request {
  using content = Message;

  Message message;
  reply_to<reply_t<Message>> answer{};

  Message* operator->() { return &message; }
  const Message* operator->() const { return &message; }

  template <class... Value>
  void reply(Value&&... value) {
    answer.set(std::forward<Value>(value)...);
  }
  template <class Exception>
  void fail(Exception error) {
    answer.fail(std::move(error));
  }
};

} // namespace greenroom
