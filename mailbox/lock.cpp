#include <greenroom/mailbox/lock.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/timeout.hpp>

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace greenroom {

/// After the end of its hub the holder is gone, or has forgotten its links.
rlock::~rlock() {
  if (end_.next && hub::current_if_any() == &watchers().home())
    owner_->remove_link(end_);
}

bool rlock::wait_for_it(deadline until) {
  return block_.wait_to_acquire(until, "lock::acquire", this);
}

/// Everybody who waits gets the lock, one after another, and passes it on with
/// an error. It is free first, in case there is no memory to say so.
void rlock::holder_ended(greenlet_link& link, greenlet_base& ended) {
  rlock& self = static_cast<holder_end&>(link).of;
  self.owner_ = nullptr;
  self.block_.release();
  const std::string what =
      "lock: greenlet '" + ended.name() + "' ended while it held it";
  self.abandoned_ = std::make_exception_ptr(
      std::system_error(std::make_error_code(std::errc::owner_dead), what));
  log_error(what);
}

void rlock::refuse_abandoned() {
  const std::exception_ptr error = abandoned_;
  block_.release();
  std::rethrow_exception(error);
}

void rlock::refuse_release() const {
  const greenlet_base* by = hub::current().running();
  throw std::logic_error(
      "lock: released by " +
      (by ? "greenlet '" + by->name() + "'" : "a callback") + ", held by " +
      (owner_ ? "greenlet '" + owner_->name() + "'" : "nobody"));
}

std::size_t rlock::release_all() {
  const std::size_t depth = std::exchange(depth_, 0);
  disown();
  return depth;
}

void rlock::retake(std::size_t depth) {
  const shield uninterrupted;
  acquire();
  depth_ = depth;
}

} // namespace greenroom
