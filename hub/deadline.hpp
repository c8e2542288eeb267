#pragma once

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <ratio>

namespace greenroom {

/// The clock of every wait. On a virtual hub its points are virtual too.
using steady_time = std::chrono::steady_clock::time_point;

/// The current hub's time: real, or virtual (see `hub::use_clock`).
steady_time now();

/// The latest moment a waiting call may last to; one small value instead of
/// for/until pairs. Made from a duration (counted from `now()` at that
/// moment), from a time point, or never.
///
/// Units      any `std::chrono` duration; kept in nanoseconds. A duration too
///            long to be counted means never.
/// Idea       userver's `engine::Deadline`.
///
///     int item = inbox.get(2s);
///     deadline both{5s};            // one limit over two calls
///     first.join(both);
///     second.join(both);
class deadline {
public:
  /// Never.
  constexpr deadline() = default;

  /// A point before the clock's epoch is long past, as the epoch is.
  constexpr deadline(steady_time when)
      : nanoseconds_(std::max<std::int64_t>(
            0, std::chrono::nanoseconds(when.time_since_epoch()).count())) {}

  template <class Rep, class Period>
  deadline(std::chrono::duration<Rep, Period> from_now)
      : nanoseconds_(after(in_nanoseconds(from_now))) {}

  static constexpr deadline never() { return {}; }

  constexpr bool is_never() const { return nanoseconds_ == never_; }

  /// Nanoseconds of the steady clock's epoch.
  constexpr std::int64_t nanoseconds() const { return nanoseconds_; }

  friend constexpr auto operator<=>(deadline, deadline) = default;

private:
  static constexpr std::int64_t never_ =
      std::numeric_limits<std::int64_t>::max();

  template <class Rep, class Period>
  static std::int64_t in_nanoseconds(std::chrono::duration<Rep, Period> time) {
    using nanoseconds = std::chrono::duration<long double, std::nano>;
    const long double count = nanoseconds(time).count();
    if (!(count < 9.2e18L)) return never_;
    if (count <= 0) return 0;
    if constexpr (std::chrono::treat_as_floating_point_v<Rep>)
      return static_cast<std::int64_t>(count);
    else
      return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
  }

  /// `delay` nanoseconds from now; never, when that cannot be counted.
  static std::int64_t after(std::int64_t delay);

  std::int64_t nanoseconds_ = never_;
};

} // namespace greenroom
