#include <greenroom/hub/timer.hpp>

#include <algorithm>
#include <cstdint>

namespace greenroom {

/// Finds the lowest slot that holds a timer.
bool timer_queue::first(position& at) {
  while (used_levels_) {
    at.level = __builtin_ctz(used_levels_);
    std::uint64_t& used = used_[at.level];
    while (used) {
      at.slot = static_cast<std::size_t>(__builtin_ctzll(used));
      if (wheel_[at.level][at.slot].linked()) return true;
      used &= used - 1;
    }
    used_levels_ &= used_levels_ - 1;
  }
  return false;
}

/// The earliest time that belongs in the slot.
std::uint64_t timer_queue::start_of(position at) const {
  const int shift = at.level * digit_bits;
  const std::uint64_t digits = last_ >> shift >> digit_bits;
  return (((digits << digit_bits) | at.slot)) << shift;
}

timer* timer_queue::pop_due(std::uint64_t now) {
  position at;
  while (first(at)) {
    const std::uint64_t start = start_of(at);
    if (start > now) {
      last_ = std::max(last_, now);
      return nullptr;
    }
    if (at.level == 0) {
      auto* item = static_cast<timer*>(wheel_[0][at.slot].next);
      last_ = start;
      item->unlink();
      return item;
    }
    open(at, now);
  }
  last_ = std::max(last_, now);
  return nullptr;
}

/// Moves a slot's timers down to the levels where they now belong.
void timer_queue::open(position at, std::uint64_t now) {
  timer_link& slot = wheel_[at.level][at.slot];
  std::uint64_t lowest = now;
  for (timer_link* link = slot.next; link != &slot; link = link->next)
    lowest = std::min(lowest, static_cast<timer*>(link)->when);
  last_ = lowest;
  used_[at.level] &= ~(std::uint64_t{1} << at.slot);
  while (slot.linked()) { // each lands on a lower level, so this ends
    auto& item = static_cast<timer&>(*slot.next);
    item.unlink();
    place(item);
  }
}

std::uint64_t timer_queue::earliest() {
  position at;
  if (!first(at)) return UINT64_MAX;
  const timer_link& slot = wheel_[at.level][at.slot];
  // The exact time where that is cheap; else the slot's start, which costs a
  // wake-up that only sorts the slot.
  constexpr int cheap = 16;
  std::uint64_t lowest = UINT64_MAX;
  int seen = 0;
  for (timer_link* link = slot.next; link != &slot; link = link->next) {
    if (++seen > cheap) return start_of(at);
    lowest = std::min(lowest, static_cast<timer*>(link)->when);
  }
  return lowest;
}

} // namespace greenroom
