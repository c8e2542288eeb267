#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/ready_queue.hpp>
#include <greenroom/hub/wait.hpp>

#include <cstddef>
#include <limits>

namespace greenroom {

/// A count of things to be had: `acquire` takes one and waits while there is
/// none, `release` gives one back.
///
/// Ownership  Borrows its waiters. What was acquired belongs to nobody: any
///            greenlet, and a callback too, may release it.
/// Thread     Its hub's thread only (a waiting call elsewhere: `wrong_hub`).
/// Waits      `acquire`, `lock` and `wait` while the count is 0. Waiters are
///            served oldest first, when the hub next drains; a call that finds
///            the count above 0 goes ahead of them (gevent's rule).
/// Errors     `errc::destroyed` when it ends while waited on. A kill while
///            waiting takes nothing.
/// Source     gevent.lock.Semaphore; GEVENT.md 1.6.
///
///     semaphore connections{10};
///     const semaphore_guard one{connections};     // or std::unique_lock
///     fetch(url);
class semaphore : private runnable {
public:
  static constexpr std::ptrdiff_t max_count =
      std::numeric_limits<std::ptrdiff_t>::max();

  /// `count` is how many may be acquired at first; not negative.
  explicit semaphore(std::ptrdiff_t count = 1) : semaphore(count, max_count) {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;
  ~semaphore();

  /// Takes one; false when `until` passed first.
  bool acquire(deadline until = {}) {
    return try_acquire() || wait_to_acquire(until, "semaphore::acquire", this);
  }

  /// False when there is none.
  bool try_acquire() {
    check_thread();
    if (count_ == 0) return false;
    --count_;
    return true;
  }

  /// Gives back `some`, which need not have been acquired before. A count
  /// above `max_count`, or a negative `some`, is a `std::logic_error` and
  /// changes nothing.
  void release(std::ptrdiff_t some = 1) {
    check_thread();
    if (some < 0 || some > limit_ - count_) [[unlikely]]
      refuse_release(some);
    count_ += some;
    if (!waiters_.empty()) serve_later();
  }

  /// Waits until there is one, and takes none. Returns how many there are; 0
  /// when `until` passed first.
  std::ptrdiff_t wait(deadline until = {});

  std::ptrdiff_t count() const { return count_; }
  bool locked() const { return count_ == 0; }
  bool ready() const { return count_ > 0; }

  // For std::unique_lock, std::lock_guard and std::scoped_lock.
  void lock() { acquire(); }
  bool try_lock() { return try_acquire(); }
  void unlock() { release(); }

  /// Whoever stands here is woken when there may be one to take.
  wait_list& watchers() { return waiters_; }

protected:
  semaphore(std::ptrdiff_t count, std::ptrdiff_t limit);

private:
  friend class rlock;

  void check_thread() const {
#ifndef NDEBUG
    check_home();
#endif
  }
  void check_home() const;
  bool wait_for_one(deadline until, const char* what, const void* on);
  bool wait_to_acquire(deadline until, const char* what, const void* on);
  [[noreturn]] void refuse_release(std::ptrdiff_t some) const;
  void serve_later();
  static void serve(runnable& self);

  // Constant after construction.
  const std::ptrdiff_t limit_;

  // Hub thread only.
  std::ptrdiff_t count_; // 0 <= count_ <= limit_
  wait_list waiters_;
  bool queued_ = false; // itself in the ready queue, to serve
  unsigned served_ = 0; // since it was made ready
};

/// A semaphore that finds it out when more is released than was acquired.
///
/// Errors     `release` beyond the first count is a `std::logic_error` that
///            names the greenlet, and changes nothing.
/// Source     gevent.lock.BoundedSemaphore; GEVENT.md 1.6.
///
///     bounded_semaphore two{2};
///     two.acquire();
///     two.release();
///     two.release();   // throws
class bounded_semaphore : public semaphore {
public:
  explicit bounded_semaphore(std::ptrdiff_t count = 1)
      : semaphore(count, count) {}
};

/// One of a semaphore's for the rest of a scope, however it is left: waits in
/// its constructor, releases at its end. `std::unique_lock` does the same and
/// can be moved.
///
/// Waits      In the constructor, until `until` at most.
/// Errors     `errc::timed_out`; what `semaphore::acquire` throws.
///
///     const semaphore_guard one{connections, 5s};
class [[nodiscard]] semaphore_guard {
public:
  explicit semaphore_guard(semaphore& of, deadline until = {});
  semaphore_guard(const semaphore_guard&) = delete;
  semaphore_guard& operator=(const semaphore_guard&) = delete;
  ~semaphore_guard() { of_.release(); }

private:
  semaphore& of_;
};

} // namespace greenroom
