#pragma once

#include <greenroom/hub/deadline.hpp>

#include <cstdint>

namespace greenroom {

class greenlet_base;
class hub;
class wait_list;

/// Why a waiting greenlet was woken.
enum class wake_cause : std::uint8_t {
  none,        // still waiting
  watching,    // not a waiter: stands in for one (see watch.hpp)
  notified,    // what it waited for happened
  timed_out,   // its own deadline passed
  interrupted, // a kill or a timeout is pending for it
  destroyed    // the object it waited on is gone
};

/// One greenlet's wait, in the frame of the waiting call. Everything that can
/// end the wait finds it through this record, and the first to do so wins.
///
/// Thread     Its hub's thread only.
struct wait_record {
  /// Ends the wait for a kill, a timeout or a deadline: takes the record off
  /// whatever would wake it, then wakes it, at once or when the operation it
  /// stands for has ended.
  using cancel_function = void (*)(wait_record&, wake_cause);

  wait_record(const char* call, const void* object, cancel_function on_cancel)
      : what(call), on(object), cancel(on_cancel) {}
  wait_record(const wait_record&) = delete;
  wait_record& operator=(const wait_record&) = delete;

  bool waiting() const { return cause == wake_cause::none; }

  const char* what; // for listings: "queue::get"
  const void* on;   // for listings: the object waited on, or null
  cancel_function cancel;
  greenlet_base* who = nullptr; // set by `hub::wait`
  wake_cause cause = wake_cause::none;
  bool interruptible = true; // false in a shield and during unwinding
  // In a wait_list; `list` until its greenlet runs, or the list is gone.
  wait_record* previous = nullptr;
  wait_record* next = nullptr;
  wait_list* list = nullptr;
};

/// The greenlets that wait on one object, oldest first.
///
/// Being woken takes nothing from the object: the woken one looks at it when
/// it runs, and waits again if somebody was quicker. So an object that hands
/// out something to one waiter at a time goes on waking while there is
/// something left, as `queue` does, and a waiter that is killed, or that only
/// watches, swallows nothing.
///
/// Ownership  Borrows the records, which live in the waiting frames.
/// Thread     Its hub's thread only; waiting on another throws `wrong_hub`.
/// Waits      `wait`, `wait_turn`. Waking never switches: it makes ready.
class wait_list {
public:
  /// Belongs to the current thread's hub.
  wait_list();
  wait_list(const wait_list&) = delete;
  wait_list& operator=(const wait_list&) = delete;

  /// Wakes every waiter with `wake_cause::destroyed`. In debug builds a log
  /// line says who destroyed what somebody waits on.
  ~wait_list();

  /// Suspends the current greenlet until it is woken or `until` passes, which
  /// is false; when woken, the list may be gone by now. Throws what is pending
  /// for the greenlet (kill, timeout), before or after waiting, and
  /// `errc::destroyed` when the list was destroyed while it waited. Disturbed
  /// by a kill or timeout that was withdrawn before it ran, it waits on, unless
  /// all were woken meanwhile.
  bool wait(deadline until, const char* what, const void* on) {
    end how = end::disturbed;
    while (how == end::disturbed)
      how = wait_once(until, what, on, false, false);
    return how == end::woken;
  }

  /// For one that then looks at the object, and waits again if it must: true
  /// when woken or disturbed, false when `until` passed. Also throws
  /// `errc::destroyed` when the object was destroyed between the wake-up and
  /// its turn. `in_front` is for one that was woken in vain and keeps its
  /// place.
  bool wait_turn(deadline until, const char* what, const void* on,
                 bool in_front = false) {
    return wait_once(until, what, on, in_front, true) != end::timed_out;
  }

  /// Wakes the greenlet that has waited longest; false when nobody waits.
  bool wake_one();
  /// As `wake_one`, ahead of everything else that is ready.
  bool wake_one_next();

  void wake_all();

  bool empty() const { return first_ == nullptr; }
  /// A greenlet was woken, and has not run yet.
  bool waking() const;

  hub& home() const { return *home_; }

  // --- for those who stand in it themselves --------------------------------

  wait_record* front() const { return first_; }
  void append(wait_record& record);
  /// For one that was woken in vain, and keeps its place.
  void prepend(wait_record& record);
  /// Forgets `record`, whether it has been woken or not.
  void remove(wait_record& record);
  /// Off the waiting ones; forgotten when its greenlet runs.
  void take_off(wait_record& record);
  /// The `cancel` of a record that stands in a list.
  static void leave(wait_record& record, wake_cause why);

private:
  enum class end : std::uint8_t { woken, timed_out, disturbed };

  end wait_once(deadline until, const char* what, const void* on, bool in_front,
                bool needs_object);
  void unlink_waiting(wait_record& record);
  void unlink_woken(wait_record& record);

  hub* home_;
  wait_record* first_ = nullptr; // oldest
  wait_record* last_ = nullptr;
  wait_record* woken_ = nullptr; // and not running yet; the newest
  unsigned times_all_woken_ = 0; // tells who stood aside that it missed one
};

// --- what is inside -------------------------------------------------------

inline void wait_list::unlink_waiting(wait_record& record) {
  (record.previous ? record.previous->next : first_) = record.next;
  (record.next ? record.next->previous : last_) = record.previous;
}

inline void wait_list::unlink_woken(wait_record& record) {
  (record.previous ? record.previous->next : woken_) = record.next;
  if (record.next) record.next->previous = record.previous;
}

inline void wait_list::append(wait_record& record) {
  record.list = this;
  record.previous = last_;
  record.next = nullptr;
  (last_ ? last_->next : first_) = &record;
  last_ = &record;
}

inline void wait_list::prepend(wait_record& record) {
  record.list = this;
  record.previous = nullptr;
  record.next = first_;
  (first_ ? first_->previous : last_) = &record;
  first_ = &record;
}

inline void wait_list::take_off(wait_record& record) {
  unlink_waiting(record);
  record.previous = nullptr;
  record.next = woken_;
  if (woken_) woken_->previous = &record;
  woken_ = &record;
}

inline void wait_list::remove(wait_record& record) {
  const bool stands =
      record.cause == wake_cause::none || record.cause == wake_cause::watching;
  stands ? unlink_waiting(record) : unlink_woken(record);
  record.list = nullptr;
}

} // namespace greenroom
