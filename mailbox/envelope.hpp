#pragma once

#include <greenroom/hub/pooled.hpp>

#include <cstdint>
#include <utility>

namespace greenroom {

/// A message on its way: what an inbox holds.
struct envelope : pooled {
  explicit envelope(std::uint8_t type = 0) : kind(type) {}
  virtual ~envelope() = default;

  envelope* next = nullptr;
  std::uint8_t kind;   // which of its inbox's message types
  bool exempt = false; // outside the inbox's bound
};

template <class Message>
struct mail_of : envelope {
  template <class Content>
  mail_of(std::uint8_t type, Content&& content)
      : envelope(type), message(std::forward<Content>(content)) {}

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
    while (first_)
      delete &take_after(nullptr);
  }

  bool empty() const { return first_ == nullptr; }

  /// The one after `before`, or the oldest when that is null; null at the end.
  envelope* after(const envelope* before) const {
    return before ? before->next : first_;
  }

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

  /// Gives away the one after `before`, which must exist.
  envelope& take_after(envelope* before) {
    envelope& taken = *after(before);
    (before ? before->next : first_) = taken.next;
    if (last_ == &taken) last_ = before;
    return taken;
  }

private:
  envelope* first_ = nullptr;
  envelope* last_ = nullptr;
};

} // namespace greenroom
