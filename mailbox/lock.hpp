#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/mailbox/semaphore.hpp>

#include <cstddef>
#include <exception>

namespace greenroom {

/// A lock that its greenlet may take again, and gives up when it has released
/// it as often. `lock` is its name in programs; a class of that name could
/// not have the member `lock` that the standard's lock types call.
///
/// Ownership  Held by one greenlet, which alone may release it. When it ends
///            holding the lock, that is logged, and everybody who waits for
///            it or tries to take it from then on gets an error: what it
///            guards may be half done.
/// Thread     Its hub's thread only (a waiting call elsewhere: `wrong_hub`).
/// Waits      `acquire` and `lock`, while another holds it. Waiters are served
///            as those of a `semaphore`.
/// Errors     `errc::destroyed`; `std::errc::owner_dead` as above. Released by
///            another than its holder: `std::logic_error`. Inside a hub
///            callback there is nobody to hold it: `wait_refused`.
/// Source     gevent.lock.RLock; GEVENT.md 1.6.
///
///     lock balance;
///     const std::lock_guard held{balance};
///     transfer(from, to);       // may wait, and may lock `balance` itself
class rlock {
public:
  rlock() : end_(*this) {}
  rlock(const rlock&) = delete;
  rlock& operator=(const rlock&) = delete;
  ~rlock();

  /// Takes it, or holds it once more; false when `until` passed first.
  bool acquire(deadline until = {}) {
    greenlet_base& self = running_greenlet();
    if (owner_ == &self) {
      ++depth_;
      return true;
    }
    if (!block_.try_acquire() && !wait_for_it(until)) return false;
    own(self);
    return true;
  }

  /// False when another holds it.
  bool try_acquire() {
    greenlet_base& self = running_greenlet();
    if (owner_ == &self) {
      ++depth_;
      return true;
    }
    if (!block_.try_acquire()) return false;
    own(self);
    return true;
  }

  void release() {
    block_.check_thread();
    if (!owner_ || owner_ != block_.watchers().home().running()) [[unlikely]]
      refuse_release();
    if (--depth_ == 0) disown();
  }

  /// Held by somebody, or for ever by one that ended.
  bool locked() const { return owner_ || abandoned_; }
  /// Nobody holds it (or `acquire` would fail at once).
  bool ready() const { return block_.ready(); }
  /// Who holds it, or null.
  const greenlet_base* holder() const { return owner_; }

  // For std::lock_guard, std::unique_lock and std::scoped_lock.
  void lock() { acquire(); }
  bool try_lock() { return try_acquire(); }
  void unlock() { release(); }

  /// Whoever stands here is woken when it may be free.
  wait_list& watchers() { return block_.watchers(); }

private:
  friend class condition;

  struct holder_end : greenlet_link {
    explicit holder_end(rlock& lock) : greenlet_link(&holder_ended), of(lock) {}
    rlock& of;
  };

  static greenlet_base& running_greenlet() {
    greenlet_base* running = hub::current().running();
    return running ? *running : current();
  }

  void own(greenlet_base& self) {
    if (abandoned_) [[unlikely]]
      refuse_abandoned();
    self.add_link(end_);
    owner_ = &self;
    depth_ = 1;
  }

  void disown() {
    owner_->remove_link(end_);
    owner_ = nullptr;
    block_.release();
  }

  bool wait_for_it(deadline until);
  static void holder_ended(greenlet_link& link, greenlet_base& ended);
  [[noreturn]] void refuse_release() const;
  [[noreturn]] void refuse_abandoned();
  // For conditions: gives it up however often it is held, and takes it again.
  std::size_t release_all();
  void retake(std::size_t depth);

  // Hub thread only.
  semaphore block_;                // has one while nobody holds it
  greenlet_base* owner_ = nullptr; // it lives: its end is told by `end_`
  std::size_t depth_ = 0;          // how often it holds the lock
  holder_end end_;                 // linked to `owner_`
  std::exception_ptr abandoned_;   // what `acquire` throws for ever
};

using lock = rlock;

} // namespace greenroom
