#include <greenroom/mailbox/channel.hpp>

#include <greenroom/hub/hub.hpp>

#include <utility>

namespace greenroom {
namespace {

void leave_side(wait_record& record, wake_cause cause) {
  wait_list& list = *record.list;
  list.take_off(record);
  list.home().wake(record, cause);
}

} // namespace

channel_base::party::party(const char* call, channel_base& channel,
                           void* offered)
    : wait_record(call, &channel, &leave_side), item(offered) {
}

/// What was handed over ends, when it stands in no list any more.
channel_base::~channel_base() {
  wait_record* gone = nullptr;
  for (wait_record* next = putters_.front(); next;) {
    wait_record& each = *std::exchange(next, next->next);
    if (each.who) continue;
    putters_.remove(each);
    each.next = std::exchange(gone, &each);
  }
  while (gone)
    delete static_cast<handed_over*>(std::exchange(gone, gone->next));
}

void channel_base::check_home() const {
  getters_.home().check_thread("a channel");
}

// Inlined: every return from a frame that was switched is mispredicted.
/// Waits on its side until it is let go, called, or disturbed by what was
/// withdrawn. Once let go it must not touch the channel, which may be gone.
[[gnu::always_inline]] inline void
channel_base::stand(wait_list& list, party& self, deadline until) {
  hub& here = list.home();
  balance_ += weight_in(list);
  here.park(self, until);
  if (self.end != fate::open) return;
  const bool alive = self.list;
  if (alive) {
    list.remove(self);
    balance_ -= weight_in(list);
  }
  if (self.cause == wake_cause::timed_out) {
    self.end = fate::timed_out;
    return;
  }
  if (self.cause == wake_cause::interrupted) here.throw_pending();
  if (!alive) throw_error(errc::destroyed, self.what);
}

channel_base::fate channel_base::offer(void* item, deadline until) {
  for (;;) {
    if (closed_) return fate::closed;
    party self{"channel::put", *this, item};
    getters_.home().begin_wait(self);
    putters_.append(self);
    call_getter();
    stand(putters_, self, until);
    if (self.end != fate::open) return self.end;
  }
}

void channel_base::leave(std::unique_ptr<handed_over> item) {
  balance_ += weight_in(putters_);
  putters_.append(*item.release());
  call_getter();
}

channel_base::fate channel_base::wait_for_offer(deadline until) {
  bool called = false; // in vain: keeps its place
  while (!offered()) {
    if (closed_) return fate::closed;
    party self{"channel::get", *this, nullptr};
    getters_.home().begin_wait(self);
    called ? getters_.prepend(self) : getters_.append(self);
    stand(getters_, self, until);
    if (self.end != fate::open) return self.end;
    called = self.cause == wake_cause::notified;
  }
  return fate::open;
}

/// Lets one go for good; what was handed over has then been taken.
void channel_base::release(wait_list& list, party& waiting, fate how) {
  list.remove(waiting);
  balance_ -= weight_in(list);
  waiting.end = how;
  if (waiting.who) [[likely]]
    list.home().wake(waiting, wake_cause::notified);
  else
    delete static_cast<handed_over*>(&waiting);
}

/// A watch may have other plans: so they are all told, up to the first that
/// is sure to look.
void channel_base::call_getter() {
  while (const wait_record* oldest = getters_.front()) {
    const bool is_getter = oldest->waiting();
    getters_.wake_one();
    if (is_getter) return;
  }
}

channel_base::party* channel_base::waiting_getter() const {
  wait_record* each = getters_.front();
  while (each && !each->waiting())
    each = each->next;
  return static_cast<party*>(each);
}

void channel_base::shutdown() {
  check_thread();
  closed_ = true;
  while (party* getter = waiting_getter())
    release(getters_, *getter, fate::closed);
  getters_.wake_all(); // watches
  for (wait_record* next = putters_.front(); next;) {
    auto& each = static_cast<party&>(*std::exchange(next, next->next));
    if (each.who) release(putters_, each, fate::closed);
  }
}

} // namespace greenroom
