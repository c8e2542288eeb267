#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/mailbox/lock.hpp>

#include <concepts>
#include <cstddef>
#include <mutex>

namespace greenroom {

/// Waiting, with a lock given up meanwhile, until another says that what the
/// lock guards has changed.
///
/// Ownership  Borrows its waiters. It may be destroyed once all of them have
///            been notified, even if they have not run yet.
/// Thread     Its hub's thread only (a waiting call elsewhere: `wrong_hub`).
/// Waits      `wait`; and then for the lock, which is held again however
///            `wait` is left: neither deadline nor kill nor timeout ends that.
/// Errors     `errc::destroyed`. Not held by the caller: `std::logic_error`.
///            When the lock cannot be had any more (it was destroyed, or
///            abandoned by its holder), `held` does not own it afterwards.
/// Source     std::condition_variable_any; Python's threading.Condition.
///
///     std::unique_lock held{guard};
///     changed.wait(held, [&] { return !jobs.empty(); });
class condition {
public:
  condition() = default;
  condition(const condition&) = delete;
  condition& operator=(const condition&) = delete;

  /// Gives the lock up, however often it is held, waits to be notified and
  /// takes it again as often. False when `until` passed first. True may be in
  /// vain: look at what the lock guards.
  bool wait(std::unique_lock<rlock>& held, deadline until = {});

  /// Waits, again and again, until `holds` says so; what it says when `until`
  /// has passed.
  template <std::predicate Predicate>
  bool wait(std::unique_lock<rlock>& held, Predicate holds,
            deadline until = {}) {
    while (!holds())
      if (!wait(held, until)) return holds();
    return true;
  }

  /// Wakes the one that has waited longest, or all. The caller need not hold
  /// the lock, and may be a callback.
  void notify_one();
  void notify_all();

private:
  bool wait_for_notice(deadline until);
  static void retake(std::unique_lock<rlock>& held, std::size_t depth);
  void check_thread() const;

  // Hub thread only.
  wait_list waiters_;
};

} // namespace greenroom
