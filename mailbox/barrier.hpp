#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/wait.hpp>

#include <cstddef>

namespace greenroom {

/// Where a number of greenlets wait for each other, again and again.
///
/// Ownership  Borrows its waiters. It may be destroyed as soon as the last has
///            arrived: those woken do not touch it again.
/// Thread     Its hub's thread only (a waiting call elsewhere: `wrong_hub`).
/// Waits      `arrive_and_wait`, but for the last to arrive.
/// Errors     `errc::destroyed`. Who leaves by a deadline, a kill or a timeout
///            has not arrived.
/// Source     std::barrier; Python's threading.Barrier, without its broken
///            state.
///
///     barrier step{2};
///     spawn([&] { for (;;) { move_left(); step.arrive_and_wait(); } });
///     spawn([&] { for (;;) { move_right(); step.arrive_and_wait(); } });
class barrier {
public:
  /// For `parties` greenlets, at least one.
  explicit barrier(std::ptrdiff_t parties);
  barrier(const barrier&) = delete;
  barrier& operator=(const barrier&) = delete;

  /// Waits until all parties have arrived; the last lets the others go, in the
  /// order in which they came, and goes on. False when `until` passed first.
  bool arrive_and_wait(deadline until = {});

  std::ptrdiff_t parties() const { return parties_; }
  /// How many wait now.
  std::ptrdiff_t arrived() const { return arrived_; }

private:
  struct arrival;

  // Constant after construction.
  const std::ptrdiff_t parties_;

  // Hub thread only.
  std::ptrdiff_t arrived_ = 0; // who stand in waiters_; below parties_
  wait_list waiters_;
};

} // namespace greenroom
