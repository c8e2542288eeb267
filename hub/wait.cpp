#include <greenroom/hub/wait.hpp>

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>

#include <string>

namespace greenroom {
namespace {

/// Whoever waits is told by an exception; this tells who is to blame.
[[maybe_unused]] void name_culprit(hub& here, const wait_record& waiter) {
  const greenlet_base* culprit = here.running();
  log_warning(
      (culprit ? "greenlet '" + culprit->name() + "'"
               : std::string("a hub callback")) +
      " destroyed the object of a " + waiter.what +
      (waiter.who ? " that greenlet '" + waiter.who->name() + "' is in" : ""));
}

} // namespace

wait_list::wait_list() : home_(&hub::current()) {
}

wait_list::~wait_list() {
#ifndef NDEBUG
  if (first_) name_culprit(*home_, *first_);
#endif
  while (wait_record* oldest = first_) {
    unlink_waiting(*oldest);
    oldest->list = nullptr;
    home_->wake(*oldest, wake_cause::destroyed);
  }
  for (wait_record* each = woken_; each; each = each->next)
    each->list = nullptr;
}

wait_list::end wait_list::wait_once(deadline until, const char* what,
                                    const void* on, bool in_front,
                                    bool needs_object) {
  hub& here = *home_;
  const unsigned before = times_all_woken_;
  wait_record record{what, on, &leave};
  here.begin_wait(record);
  in_front ? prepend(record) : append(record);
  here.park(record, until);
  const bool alive = record.list; // else `this` is gone
  if (alive) unlink_woken(record);
  switch (record.cause) {
  case wake_cause::notified:
    if (!alive && needs_object) throw_error(errc::destroyed, what);
    return end::woken;
  case wake_cause::timed_out:
    return end::timed_out;
  case wake_cause::destroyed:
    throw_error(errc::destroyed, what);
  default: // what interrupted it may have been withdrawn since
    here.throw_pending();
    if (!alive) throw_error(errc::destroyed, what);
    return times_all_woken_ == before ? end::disturbed : end::woken;
  }
}

bool wait_list::wake_one() {
  wait_record* oldest = first_;
  if (!oldest) return false;
  take_off(*oldest);
  home_->wake(*oldest, wake_cause::notified);
  return true;
}

bool wait_list::wake_one_next() {
  wait_record* oldest = first_;
  if (!oldest) return false;
  take_off(*oldest);
  home_->wake_next(*oldest, wake_cause::notified);
  return true;
}

void wait_list::wake_all() {
  ++times_all_woken_;
  while (wake_one()) {
  }
}

bool wait_list::waking() const {
  const wait_record* each = woken_;
  while (each && !(each->who && each->cause == wake_cause::notified))
    each = each->next;
  return each;
}

void wait_list::leave(wait_record& record, wake_cause why) {
  wait_list& list = *record.list;
  list.take_off(record);
  list.home_->wake(record, why);
}

} // namespace greenroom
