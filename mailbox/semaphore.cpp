#include <greenroom/mailbox/semaphore.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>

#include <stdexcept>
#include <string>

namespace greenroom {

semaphore::semaphore(std::ptrdiff_t count, std::ptrdiff_t limit)
    : runnable(&serve), limit_(limit), count_(count) {
  if (count < 0)
    throw std::invalid_argument(
        std::string(limit == max_count ? "semaphore" : "bounded_semaphore") +
        ": a count of " + std::to_string(count));
}

semaphore::~semaphore() {
  if (queued_) waiters_.home().take_back(*this);
}

void semaphore::check_home() const {
  waiters_.home().check_thread("a semaphore");
}

bool semaphore::wait_for_one(deadline until, const char* what, const void* on) {
  bool again = false; // keeps its place if others were quicker
  do {
    if (!waiters_.wait_turn(until, what, on, again)) return false;
    again = true;
  } while (count_ == 0);
  return true;
}

bool semaphore::wait_to_acquire(deadline until, const char* what,
                                const void* on) {
  if (!wait_for_one(until, what, on)) return false;
  --count_;
  return true;
}

std::ptrdiff_t semaphore::wait(deadline until) {
  check_thread();
  if (count_ == 0 && !wait_for_one(until, "semaphore::wait", this)) return 0;
  return count_;
}

void semaphore::refuse_release(std::ptrdiff_t some) const {
  if (some < 0)
    throw std::invalid_argument("semaphore: a release of " +
                                std::to_string(some));
  if (limit_ == max_count)
    throw std::logic_error("semaphore: a count above " +
                           std::to_string(max_count));
  const greenlet_base* by = waiters_.home().running();
  throw std::logic_error("bounded_semaphore: released too often (by " +
                         (by ? "greenlet '" + by->name() + "'" : "a callback") +
                         ")");
}

void semaphore::serve_later() {
  if (queued_) return;
  queued_ = true;
  served_ = 0;
  waiters_.home().make_ready(*this);
}

/// In the drain after a release: the oldest waiter takes one here and now,
/// then the next. One that takes none (it only wanted to know) does not end
/// that.
void semaphore::serve(runnable& step) {
  auto& self = static_cast<semaphore&>(step);
  hub& here = self.waiters_.home();
  self.queued_ = self.count_ > 0 && !self.waiters_.empty();
  if (!self.queued_) return;
  constexpr int in_a_row = 64; // then others have their turn
  if (++self.served_ % in_a_row == 0)
    here.make_ready(self);
  else
    here.make_ready_next(self);
  self.waiters_.wake_one_next();
}

semaphore_guard::semaphore_guard(semaphore& of, deadline until) : of_(of) {
  if (!of.acquire(until)) throw_error(errc::timed_out, "semaphore_guard");
}

} // namespace greenroom
