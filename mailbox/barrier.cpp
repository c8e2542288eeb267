#include <greenroom/mailbox/barrier.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>

#include <stdexcept>
#include <string>

namespace greenroom {

/// One who waits for the others; takes itself back when its wait is cut short,
/// at once and not when its greenlet runs.
struct barrier::arrival : wait_record {
  explicit arrival(barrier& at)
      : wait_record("barrier::arrive_and_wait", &at, &give_up), of(at) {}
  ~arrival() {
    if (list) of.waiters_.remove(*this);
  }

  static void give_up(wait_record& record, wake_cause why) {
    --static_cast<arrival&>(record).of.arrived_;
    wait_list::leave(record, why);
  }

  barrier& of; // alive while `list` is set
};

barrier::barrier(std::ptrdiff_t parties) : parties_(parties) {
  if (parties < 1)
    throw std::invalid_argument("barrier: for " + std::to_string(parties) +
                                " greenlets");
}

bool barrier::arrive_and_wait(deadline until) {
  hub& here = waiters_.home();
  here.check_thread("a barrier");
  while (arrived_ + 1 < parties_) {
    arrival self{*this};
    here.begin_wait(self);
    ++arrived_;
    waiters_.append(self);
    here.park(self, until);
    if (self.cause == wake_cause::notified) return true; // `this` may be gone
    if (self.cause == wake_cause::timed_out) return false;
    if (self.cause == wake_cause::interrupted) here.throw_pending();
    if (!self.list) throw_error(errc::destroyed, self.what);
  } // what interrupted it was withdrawn: it arrives again
  arrived_ = 0;
  waiters_.wake_all();
  return true;
}

} // namespace greenroom
