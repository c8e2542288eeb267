#pragma once

#include <greenroom/hub/pooled.hpp>

#include <cstdint>
#include <memory>
#include <typeinfo>
#include <utility>

namespace greenroom {

class greenlet_base;

/// A message on its way: what an inbox holds. Of 16 bytes and the message, for
/// thousands may wait.
struct envelope : pooled {
  virtual ~envelope() = default;
  /// Which of its inbox's message types.
  virtual std::uint32_t kind() const { return 0; }
  /// The type of the message.
  virtual const std::type_info& type() const { return typeid(void); }
  /// Outside its inbox's bound.
  virtual bool exempt() const { return false; }
  /// Mail that handles itself: destroys itself, and gives the message to
  /// `receiver`, whose kind its sender knew. False: it does not, and is as it
  /// was.
  virtual bool open(greenlet_base& receiver) {
    (void)receiver;
    return false;
  }

  envelope* next = nullptr;
};

template <class Message>
struct mail_of : envelope {
  template <class Content>
  explicit mail_of(Content&& content)
      : message(std::forward<Content>(content)) {}

  const std::type_info& type() const override { return typeid(Message); }

  Message message;
};

/// Envelopes in the order in which they are to be opened.
///
/// Ownership  Owns them. A message's destructor may do anything but wait: its
///            envelope is out of the list by then.
/// Thread     One at a time.
class mail_list {
public:
  mail_list() = default;
  mail_list(mail_list&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)),
        last_(std::exchange(other.last_, nullptr)) {}
  mail_list& operator=(mail_list&&) = delete;
  ~mail_list() {
    while (envelope* each = take_front())
      delete each;
  }

  bool empty() const { return first_ == nullptr; }

  /// The one after `before`, or the oldest when that is null; null at the end.
  envelope* after(const envelope* before) const {
    return before ? before->next : first_;
  }

  /// Takes over `mail`.
  void push_back(envelope& mail) {
    mail.next = nullptr;
    (last_ ? last_->next : first_) = &mail;
    last_ = &mail;
  }

  /// All of `others`, ahead of what is here.
  void push_front(mail_list&& others) {
    if (others.empty()) return;
    others.last_->next = first_;
    if (!last_) last_ = others.last_;
    first_ = std::exchange(others.first_, nullptr);
    others.last_ = nullptr;
  }

  /// Gives away the oldest; null when empty.
  envelope* take_front() {
    envelope* const taken = first_;
    if (!taken) return nullptr;
    first_ = taken->next;
    if (!first_) last_ = nullptr;
    return taken;
  }

  /// Gives away the one after `before`, which must exist.
  std::unique_ptr<envelope> take_after(envelope* before) {
    envelope* const taken = after(before);
    (before ? before->next : first_) = taken->next;
    if (last_ == taken) last_ = before;
    return std::unique_ptr<envelope>(taken);
  }

private:
  envelope* first_ = nullptr;
  envelope* last_ = nullptr;
};

} // namespace greenroom
