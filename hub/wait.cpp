#include <greenroom/hub/wait.hpp>

#include <greenroom/hub/hub.hpp>

namespace greenroom {
namespace {

void leave_list(wait_record& record, wake_cause cause) {
  wait_list& list = *record.list;
  list.remove(record);
  if (cause == wake_cause::interrupted) list.expect_back(record);
  list.home().wake(record, cause);
}

} // namespace

wait_list::wait_list() : home_(&hub::current()) {
}

wait_list::~wait_list() {
  while (wait_record* oldest = first_) {
    remove(*oldest);
    home_->wake(*oldest, wake_cause::destroyed);
  }
  for (wait_record* each = interrupted_; each; each = each->next)
    each->list = nullptr;
}

bool wait_list::wait(deadline until, const char* what, const void* on,
                     bool in_front) {
  hub& here = *home_;
  for (;;) {
    wait_record record{what, on, &leave_list};
    here.begin_wait(record);
    in_front ? prepend(record) : append(record);
    here.park(record, until);
    switch (record.cause) {
    case wake_cause::notified:
      return true;
    case wake_cause::timed_out:
      return false;
    case wake_cause::destroyed: // `this` is gone
      throw_error(errc::destroyed, what);
    default: // what interrupted it may have been withdrawn since
      const bool alive = record.list;
      if (alive) came_back(record);
      here.throw_pending();
      if (!alive) throw_error(errc::destroyed, what);
    }
  }
}

void wait_list::expect_back(wait_record& record) {
  record.list = this;
  record.previous = nullptr;
  record.next = interrupted_;
  if (interrupted_) interrupted_->previous = &record;
  interrupted_ = &record;
}

void wait_list::came_back(wait_record& record) {
  (record.previous ? record.previous->next : interrupted_) = record.next;
  if (record.next) record.next->previous = record.previous;
}

bool wait_list::wake_one() {
  wait_record* oldest = first_;
  if (!oldest) return false;
  remove(*oldest);
  home_->wake(*oldest, wake_cause::notified);
  return true;
}

bool wait_list::wake_one_next() {
  wait_record* oldest = first_;
  if (!oldest) return false;
  remove(*oldest);
  home_->wake_next(*oldest, wake_cause::notified);
  return true;
}

void wait_list::wake_all() {
  while (wake_one()) {
  }
}

void wait_list::append(wait_record& record) {
  record.list = this;
  record.previous = last_;
  record.next = nullptr;
  (last_ ? last_->next : first_) = &record;
  last_ = &record;
}

void wait_list::prepend(wait_record& record) {
  record.list = this;
  record.previous = nullptr;
  record.next = first_;
  (first_ ? first_->previous : last_) = &record;
  first_ = &record;
}

void wait_list::remove(wait_record& record) {
  (record.previous ? record.previous->next : first_) = record.next;
  (record.next ? record.next->previous : last_) = record.previous;
  record.list = nullptr;
}

} // namespace greenroom
