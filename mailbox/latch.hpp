#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/mailbox/event.hpp>

#include <cstddef>

namespace greenroom {

/// A count that goes down to 0, once, and those who wait for that.
///
/// Ownership  Borrows its waiters. It may be destroyed as soon as it is ready:
///            those woken do not touch it again.
/// Thread     Its hub's thread only (a waiting call elsewhere: `wrong_hub`).
/// Waits      `wait` and `arrive_and_wait`, while the count is above 0.
/// Errors     `errc::destroyed`; counted below 0: `std::logic_error`. A kill
///            while waiting takes no arrival back.
/// Source     std::latch.
///
///     latch loaded{3};
///     for (auto& part : parts) spawn([&] { load(part); loaded.count_down(); });
///     loaded.wait();
class latch {
public:
  /// Ready when `count` have been counted down; not negative.
  explicit latch(std::ptrdiff_t count);
  latch(const latch&) = delete;
  latch& operator=(const latch&) = delete;

  /// Wakes everybody when it reaches 0; never waits.
  void count_down(std::ptrdiff_t some = 1);

  /// Waits until the count is 0; false when `until` passed first.
  bool wait(deadline until = {});

  bool arrive_and_wait(deadline until = {}) {
    count_down();
    return wait(until);
  }

  /// What is left to count down.
  std::ptrdiff_t count() const { return count_; }
  bool ready() const { return count_ == 0; }

  /// Whoever stands here is woken when the count reaches 0.
  wait_list& watchers() { return open_.watchers(); }

private:
  // Hub thread only.
  std::ptrdiff_t count_;
  event open_; // set when count_ == 0
};

} // namespace greenroom
