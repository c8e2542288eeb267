#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/wait.hpp>

namespace greenroom {

/// A flag that greenlets wait for: set, it lets everybody through until it is
/// cleared.
///
/// Ownership  Borrows its waiters. It may be destroyed as soon as it was set:
///            whoever `set` has woken still returns true and does not touch
///            it again.
/// Thread     Its hub's thread only (a waiting call elsewhere: `wrong_hub`).
/// Waits      `wait` while not set. A call that comes while others, woken by
///            `set`, have not run yet goes behind them.
/// Errors     `errc::destroyed` when it ends while waited on.
/// Source     gevent.event.Event; GEVENT.md 1.3.
///
///     event done;
///     spawn([&] { work(); done.set(); });
///     done.wait(5s) || give_up();
class event {
public:
  /// Not set.
  event() = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  bool is_set() const { return set_; }
  bool ready() const { return set_; }

  /// Wakes everybody who waits now, oldest first: they return true, even when
  /// `clear` is called before they run.
  void set();
  void clear();

  /// Waits until it is set; false when `until` passed first.
  bool wait(deadline until = {});

  /// Whoever stands here is woken by `set`.
  wait_list& watchers() { return waiters_; }

private:
  friend class latch;

  void check_thread() const;
  bool wait_as(deadline until, const char* what, const void* on);
  void go_behind_woken(const char* what, const void* on);

  // Hub thread only.
  wait_list waiters_;
  bool set_ = false;
};

} // namespace greenroom
