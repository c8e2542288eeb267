#include <greenroom/hub/watch.hpp>

#include <greenroom/hub/hub.hpp>

namespace greenroom {
namespace {

/// A watch is nobody's wait, so nothing interrupts it.
void never_cancelled(wait_record&, wake_cause) {
}

} // namespace

watch::watch()
    : wait_record("watch", nullptr, &never_cancelled), greenlet_link(&ended) {
  cause = wake_cause::watching;
}

void watch::stand_in(watch_set& set, wait_list& in) {
  in.home().check_thread(set.what_);
  const bool in_front = was_woken_;
  leave();
  set_ = &set;
  what = set.what_;
  stands_ = true;
  in_front ? in.prepend(*this) : in.append(*this);
}

void watch::stand_in(watch_set& set, greenlet_base& target) {
  leave();
  set_ = &set;
  target.add_link(*this);
  target_ = &target;
  stands_ = true;
}

void watch::notice(watch_set& set) {
  leave();
  set_ = &set;
  woken(wake_cause::notified, false);
}

void watch::leave() {
  if (list) list->remove(*this);
  if (target_) target_->remove_link(*this);
  if (noticed_) set_->forget(*this);
  target_ = nullptr;
  stands_ = false;
  was_woken_ = false;
  cause = wake_cause::watching;
}

/// The first cause counts.
void watch::woken(wake_cause why, bool next) {
  if (cause != wake_cause::watching) return;
  cause = why;
  was_woken_ = true;
  set_->noticed(*this, next);
}

void watch::ended(greenlet_link& link, greenlet_base&) {
  auto& self = static_cast<watch&>(link);
  self.target_ = nullptr; // has taken the link off
  self.stands_ = false;
  self.woken(wake_cause::notified, false);
}

void hub::wake_watch(wait_record& record, wake_cause cause, bool next) {
  if (record.cause == wake_cause::watching)
    static_cast<watch&>(record).woken(cause, next);
}

bool watch_set::wait(deadline until) {
  hub& here = hub::current();
  while (!first_noticed_) {
    wait_record record{what_, on_, &give_up};
    here.begin_wait(record);
    parked_ = &record;
    here.park(record, until);
    parked_ = nullptr;
    if (record.cause == wake_cause::timed_out) return false;
    if (record.cause == wake_cause::interrupted) here.throw_pending();
  }
  return true;
}

void watch_set::give_up(wait_record& record, wake_cause cause) {
  hub::current().wake(record, cause);
}

watch* watch_set::take() {
  watch* oldest = first_noticed_;
  if (oldest) forget(*oldest);
  return oldest;
}

void watch_set::noticed(watch& which, bool next) {
  which.noticed_ = true;
  which.earlier_ = last_noticed_;
  which.later_ = nullptr;
  (last_noticed_ ? last_noticed_->later_ : first_noticed_) = &which;
  last_noticed_ = &which;
  if (!parked_) return;
  hub& here = hub::current();
  next ? here.wake_next(*parked_, wake_cause::notified)
       : here.wake(*parked_, wake_cause::notified);
}

void watch_set::forget(watch& which) {
  (which.earlier_ ? which.earlier_->later_ : first_noticed_) = which.later_;
  (which.later_ ? which.later_->earlier_ : last_noticed_) = which.earlier_;
  which.noticed_ = false;
}

} // namespace greenroom
