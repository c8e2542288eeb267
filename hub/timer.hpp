#pragma once

#include <cstddef>
#include <cstdint>

namespace greenroom {

/// A link of a circular list; also its head.
struct timer_link {
  timer_link* previous = this;
  timer_link* next = this;

  timer_link() = default;
  timer_link(const timer_link&) = delete;
  timer_link& operator=(const timer_link&) = delete;

  bool linked() const { return next != this; }

  void append(timer_link& item) {
    item.previous = previous;
    item.next = this;
    previous->next = &item;
    previous = &item;
  }

  void unlink() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
};

/// One timer; lives in the frame or object that waits for it.
struct timer : timer_link {
  using fire_function = void (*)(timer&);

  /// `late`: fires after everything else that is due in the same turn. All
  /// limits (timeouts, deadlines) are late, so that data beats its deadline.
  explicit timer(fire_function on_fire, bool is_late = false)
      : fire(on_fire), late(is_late) {}

  std::uint64_t when = 0; // nanoseconds of the hub's clock
  fire_function fire;     // called on the hub, outside any greenlet
  bool late;
};

/// All pending timers of a hub, ordered by time, then by arming.
///
/// A radix wheel over the full 64-bit nanosecond count, six bits a level: a
/// timer stands at the level of the highest digit in which it differs from
/// `last_`, in the slot of that digit. So arming and cancelling are O(1), the
/// order is exact to the nanosecond without a tick, and a timer moves at most
/// once a level before it fires. Idea: radix heaps (Ahuja et al. 1990) and
/// Seastar's `timer_set`, crossed with the hashed wheels of Varghese & Lauck.
///
/// Thread     Its hub's thread only.
/// Cost       arm and cancel are a handful of stores; 11 KiB a hub.
class timer_queue {
public:
  /// Requires `item` not armed. A time already past counts as `last_`.
  void arm(timer& item, std::uint64_t when) {
    item.when = when > last_ ? when : last_;
    place(item);
  }

  /// Does nothing when `item` is not armed.
  static void cancel(timer& item) { item.unlink(); }

  /// Takes the first timer due at `now`, or null.
  timer* pop_due(std::uint64_t now);

  /// No pending timer is due before this; `UINT64_MAX` when none is pending.
  std::uint64_t earliest();

private:
  static constexpr int digit_bits = 6;
  static constexpr int levels = 11; // 66 bits
  static constexpr std::size_t slots = std::size_t{1} << digit_bits;

  struct position {
    int level;
    std::size_t slot;
  };

  position find(std::uint64_t when) const {
    const std::uint64_t differs = when ^ last_;
    const int level =
        differs ? (63 - __builtin_clzll(differs)) / digit_bits : 0;
    return {level, (when >> (level * digit_bits)) & (slots - 1)};
  }

  void place(timer& item) {
    const position at = find(item.when);
    wheel_[at.level][at.slot].append(item);
    used_[at.level] |= std::uint64_t{1} << at.slot;
    used_levels_ |= 1u << at.level;
  }

  bool first(position& at);
  std::uint64_t start_of(position at) const;
  void open(position at, std::uint64_t now);

  timer_link wheel_[levels][slots];
  // Bits may be left over from cancelled timers; `first` clears them.
  std::uint64_t used_[levels] = {};
  unsigned used_levels_ = 0;
  std::uint64_t last_ = 0; // no pending timer is before it
};

} // namespace greenroom
