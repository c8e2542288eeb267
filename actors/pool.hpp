#pragma once

#include <greenroom/actors/group.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/ready_queue.hpp>
#include <greenroom/hub/wait.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <utility>

namespace greenroom {

/// A group of so many greenlets at most: what adds to it waits while it is
/// full.
///
/// Those who wait are served oldest first, when the hub next drains; a call
/// that finds room goes ahead of them. A member holds its place until the
/// drain after its end, or until it is discarded. A greenlet added when it
/// runs already counts from then on only.
///
/// Ownership  As `group`. Those who wait for room get `errc::destroyed` when
///            it is destroyed.
/// Thread     Its hub's thread.
/// Waits      As `group`; also `add`, `start`, `spawn` while full, and
///            `wait_available`. Killing one that waits loses no place.
/// Errors     `errc::full` from `add` and `start` at their deadline.
/// Source     gevent.pool.Pool; GEVENT.md 1.5.
///
///     pool workers{10};
///     for (const auto& url : urls) workers.spawn(fetch, url);
///     workers.join();
class pool : public group, private runnable {
public:
  static constexpr std::size_t unbounded =
      std::numeric_limits<std::size_t>::max();

  /// Without a bound.
  pool() : pool(unbounded) {}

  /// `capacity` in greenlets. With 0 it is always full. Less than 0:
  /// `std::invalid_argument`.
  template <std::integral Count>
  explicit pool(Count capacity) : runnable(&hand_on) {
    if (std::cmp_less(capacity, 0))
      refuse_capacity(static_cast<long long>(capacity));
    capacity_ = static_cast<std::size_t>(capacity);
  }

  ~pool() override;

  /// In greenlets.
  std::size_t capacity() const { return capacity_; }
  bool full() const override { return size() >= capacity_; }
  /// How many more there is room for.
  std::size_t free_count() const { return full() ? 0 : capacity_ - size(); }

  /// Waits until there is room, without taking it; returns `free_count`, or 0
  /// when `until` passed.
  std::size_t wait_available(deadline until = {});

  /// For `greenroom::wait` and `select`: ready when there is room.
  bool ready() const { return !full(); }
  wait_list& watchers() { return room_; }

private:
  [[noreturn]] static void refuse_capacity(long long capacity);
  bool wait_for_room(deadline until) override;
  void room_made() override;
  static void hand_on(runnable& self);

  std::size_t capacity_; // constant after construction

  // Hub thread only.
  wait_list room_;      // who waits for it
  bool queued_ = false; // itself in the ready queue, to hand on
  unsigned served_ = 0; // since it was made ready
};

} // namespace greenroom
