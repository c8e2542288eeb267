#include <greenroom/mailbox/condition.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>

#include <stdexcept>

namespace greenroom {

void condition::check_thread() const {
#ifndef NDEBUG
  waiters_.home().check_thread("a condition");
#endif
}

void condition::notify_one() {
  check_thread();
  waiters_.wake_one();
}

void condition::notify_all() {
  check_thread();
  waiters_.wake_all();
}

/// From the release on nothing of `this` is safe: it may be gone.
bool condition::wait(std::unique_lock<rlock>& held, deadline until) {
  const greenlet_base& self = current();
  if (!held.owns_lock() || held.mutex()->holder() != &self)
    throw std::logic_error("condition::wait: greenlet '" + self.name() +
                           "' does not hold the lock");
  const std::size_t depth = held.mutex()->release_all();
  bool noticed = false;
  try {
    noticed = wait_for_notice(until);
  } catch (...) {
    try {
      retake(held, depth);
    } catch (...) {
      // The first error goes on; that the lock is lost shows in `held`.
    }
    throw;
  }
  retake(held, depth);
  return noticed;
}

/// Who was interrupted for nothing may have missed a notice, and looks again.
bool condition::wait_for_notice(deadline until) {
  hub& here = waiters_.home();
  wait_record record{"condition::wait", this, &wait_list::leave};
  here.begin_wait(record);
  waiters_.append(record);
  here.park(record, until);
  const bool alive = record.list;
  if (alive) waiters_.remove(record);
  if (record.cause == wake_cause::interrupted) here.throw_pending();
  if (record.cause == wake_cause::notified) return true;
  if (record.cause == wake_cause::timed_out) return false;
  if (!alive) throw_error(errc::destroyed, "condition::wait");
  return true;
}

void condition::retake(std::unique_lock<rlock>& held, std::size_t depth) {
  try {
    held.mutex()->retake(depth);
  } catch (...) {
    held.release();
    throw;
  }
}

} // namespace greenroom
