// What a greenlet calls to wait, whatever it waits for.

#include <greenroom/hub/hub.hpp>

#include "fiber.hpp"
#include "joining.hpp"

#include <stdexcept>
#include <string>

namespace greenroom {

bool hub::unwinding() const {
  return running_fiber_->thread_exceptions->uncaught > 0;
}

greenlet_base& hub::check_wait(const char* what) {
  check_thread(what);
  if (!running_ || no_wait_ > 0) [[unlikely]]
    refuse_wait(what);
  return *running_;
}

void hub::begin_wait(wait_record& record) {
  greenlet_base& self = check_wait(record.what);
  self.throw_pending();
  record.who = &self;
  record.interruptible = self.may_interrupt();
}

namespace {

/// The deadline of one wait.
struct wait_limit : timer {
  explicit wait_limit(wait_record& record)
      : timer(&pass, true), limited(record) {}

  static void pass(timer& fired) {
    wait_record& record = static_cast<wait_limit&>(fired).limited;
    if (record.waiting()) record.cancel(record, wake_cause::timed_out);
  }

  wait_record& limited;
};

} // namespace

void hub::park_until(wait_record& record, deadline until) {
  wait_limit limit{record};
  arm(limit, until);
  give_way();
  limit.unlink();
}

void hub::throw_pending() {
  if (deadlock_ && running_ == main_.get()) // no shield could let it wait on
    std::rethrow_exception(std::exchange(deadlock_, {}));
  running_->throw_pending();
}

void hub::refuse_wait(const char* what) const {
  if (closed_)
    throw wait_refused(std::string(what) + " would wait after the end of its "
                                           "thread's hub");
  if (!running_)
    throw wait_refused(std::string(what) +
                       " would wait inside a hub callback, where no greenlet "
                       "runs: spawn one for it");
  throw wait_refused("greenlet '" + running_->name() + "': " + what +
                     " would wait within a no_wait scope");
}

void hub::refuse_thread(const char* what) const {
  throw wrong_hub(std::string(what) +
                  " belongs to the hub of another thread: use hub::post");
}

void yield() {
  hub& here = hub::current();
  greenlet_base& self = here.check_wait("yield");
  self.throw_pending();
  here.make_ready(self);
  here.give_way();
}

namespace {

/// A wait that only a timer ends.
struct sleep_wait : wait_record, timer {
  sleep_wait() : wait_record("sleep", nullptr, &give_up), timer(&wake) {}

  static void give_up(wait_record& record, wake_cause cause) {
    static_cast<sleep_wait&>(record).unlink();
    record.who->home().wake(record, cause);
  }

  static void wake(timer& fired) {
    auto& self = static_cast<sleep_wait&>(fired);
    self.who->home().wake(self, wake_cause::notified);
  }
};

} // namespace

void sleep_until(steady_time when) {
  hub& here = hub::current();
  for (;;) {
    sleep_wait wait;
    here.begin_wait(wait);
    here.arm(wait, deadline{when});
    here.park(wait, deadline::never());
    if (wait.cause == wake_cause::notified) return;
    here.throw_pending();
  }
}

void sleep(std::chrono::nanoseconds time) {
  if (time <= std::chrono::nanoseconds::zero()) return yield();
  const deadline until{time};
  sleep_until(steady_time(std::chrono::nanoseconds(until.nanoseconds())));
}

bool idle(deadline until) {
  return hub::current().idle_->wait(until, "idle", nullptr);
}

bool hub::join(deadline until) {
  if (running_ != main_.get())
    throw std::logic_error("hub::join is for the main greenlet");
  for (;;) {
    join_wait record;
    begin_wait(record);
    if (!until.is_never()) arm(record.limit, until);
    joining_ = &record;
    park(record, deadline::never());
    joining_ = nullptr;
    if (record.cause == wake_cause::notified) return true;
    if (record.cause == wake_cause::timed_out) return false;
    throw_pending();
  }
}

void hub::poll() {
  if (running_ != main_.get())
    throw std::logic_error("hub::poll is for the main greenlet");
  idle(deadline{std::chrono::milliseconds(5)});
}

} // namespace greenroom
