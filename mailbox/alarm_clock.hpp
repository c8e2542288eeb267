#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/timer.hpp>
#include <greenroom/hub/wait.hpp>

namespace greenroom {

/// A moment that greenlets can wait for, alone or with other objects.
///
/// Ownership  Its own; its end wakes the waiters with `errc::destroyed`.
/// Thread     Its hub's thread.
/// Waits      `wait`.
/// Source     Go's time.Timer, asio::steady_timer; gevent's loop.timer.
///
///     alarm_clock tick{1s};
///     select(from(jobs, work), when(tick, [&] { report(); tick.set(1s); }));
class alarm_clock : private timer {
public:
  /// Never, until `set`.
  alarm_clock() : timer(&ring) {}
  explicit alarm_clock(deadline moment) : alarm_clock() { set(moment); }
  alarm_clock(const alarm_clock&) = delete;
  alarm_clock& operator=(const alarm_clock&) = delete;
  ~alarm_clock() { unlink(); }

  /// Counts to another moment; what rang before is forgotten.
  void set(deadline moment);
  /// Never, until `set`.
  void cancel() { set(deadline::never()); }

  /// The moment has come.
  bool ready() const { return rang_; }
  /// Waits until it rings; false when `until` passed first.
  bool wait(deadline until = {});

  wait_list& watchers() { return waiters_; }

private:
  static void ring(timer& fired);

  wait_list waiters_;
  bool rang_ = false;
};

} // namespace greenroom
