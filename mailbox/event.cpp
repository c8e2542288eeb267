#include <greenroom/mailbox/event.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>

namespace greenroom {

/// One greenlet in `wait`. While `list` is set the event is alive; those woken
/// stand there until they run, and run in the order in which they were woken.
struct event::waiter : wait_record {
  waiter(event& event, const char* call, const void* object)
      : wait_record(call, object, &leave), of(event) {}
  ~waiter() {
    if (!list) return;
    of.waiters_.remove(*this);
    if (of.last_woken_ == this) of.last_woken_ = nullptr;
  }

  static void leave(wait_record& record, wake_cause why) {
    wait_list::leave(record, why);
  }

  void wait(deadline until) {
    hub& here = of.waiters_.home();
    here.begin_wait(*this);
    of.waiters_.append(*this);
    here.park(*this, until);
  }

  /// Lets those run that were woken before it came.
  void go_behind_woken() {
    of.waiters_.home().begin_wait(*this);
    of.waiters_.append(*this);
    cause = wake_cause::notified;
    of.waiters_.take_off(*this);
    of.last_woken_ = this;
    yield();
  }

  event& of;
};

void event::check_thread() const {
#ifndef NDEBUG
  waiters_.home().check_thread("an event");
#endif
}

void event::set() {
  check_thread();
  set_ = true;
  ++times_set_;
  while (wait_record* oldest = waiters_.front()) {
    if (oldest->cancel == &waiter::leave) last_woken_ = oldest;
    waiters_.wake_one();
  }
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
  const unsigned before = times_set_;
  while (!set_ && times_set_ == before) {
    waiter self{*this, what, on};
    self.wait(until);
    if (self.cause == wake_cause::notified) return true; // `this` may be gone
    if (self.cause == wake_cause::timed_out) return false;
    if (self.cause == wake_cause::interrupted) hub::current().throw_pending();
    if (!self.list) throw_error(errc::destroyed, what);
  } // what interrupted it was withdrawn: somebody may have set it meanwhile
  if (last_woken_) waiter{*this, what, on}.go_behind_woken();
  return true;
}

} // namespace greenroom
