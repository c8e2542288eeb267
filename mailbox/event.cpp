#include <greenroom/mailbox/event.hpp>

#include <greenroom/hub/hub.hpp>

namespace greenroom {

void event::check_thread() const {
#ifndef NDEBUG
  waiters_.home().check_thread("an event");
#endif
}

void event::set() {
  check_thread();
  set_ = true;
  waiters_.wake_all();
}

void event::clear() {
  check_thread();
  set_ = false;
}

bool event::wait(deadline until) {
  return wait_as(until, "event::wait", this);
}

bool event::wait_as(deadline until, const char* what, const void* on) {
  check_thread();
  if (!set_) return waiters_.wait(until, what, on); // `this` may be gone
  if (waiters_.waking()) go_behind_woken(what, on);
  return true;
}

/// Lets those run that were woken before it came; stands among them, so that
/// whoever comes later goes behind it.
void event::go_behind_woken(const char* what, const void* on) {
  struct woken : wait_record {
    using wait_record::wait_record;
    ~woken() {
      if (list) list->remove(*this);
    }
  };
  woken self{what, on, &wait_list::leave};
  waiters_.home().begin_wait(self);
  self.cause = wake_cause::notified;
  waiters_.append(self);
  waiters_.take_off(self);
  yield();
}

} // namespace greenroom
