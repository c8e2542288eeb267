#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/wait.hpp>

#include <cstddef>

namespace greenroom {

class watch_set;

/// One of the objects that a greenlet waits on at once. Stands in the
/// object's `wait_list` among the waiters, and takes nothing when it is woken:
/// it tells its set.
///
/// Ownership  Refers to its set while it stands somewhere or is noticed.
/// Thread     Its hub's thread only.
class watch : private wait_record, private greenlet_link {
public:
  watch();
  watch(const watch&) = delete;
  watch& operator=(const watch&) = delete;
  ~watch() { leave(); }

  /// Stands among those who wait on an object; at the front if it stood there
  /// before and was woken in vain.
  void stand_in(watch_set& set, wait_list& list);
  /// Waits for the end of a greenlet, which somebody must keep.
  void stand_in(watch_set& set, greenlet_base& target);
  /// Noticed without standing anywhere: the object is ready already.
  void notice(watch_set& set);
  /// Neither stands anywhere nor is noticed.
  void leave();

  /// Stands somewhere, and has not been woken.
  bool standing() const { return cause == wake_cause::watching && stands_; }
  /// What it stood in was destroyed, so the object must not be touched.
  bool object_gone() const { return stands_ && !list && !target_; }

private:
  friend class hub;
  friend class watch_set;

  void woken(wake_cause why, bool next);
  static void ended(greenlet_link& link, greenlet_base& target);

  watch_set* set_ = nullptr;
  greenlet_base* target_ = nullptr; // whose end it waits for
  watch* earlier_ = nullptr;        // among those noticed
  watch* later_ = nullptr;
  bool stands_ = false;    // somewhere, woken or not
  bool was_woken_ = false; // there
  bool noticed_ = false;   // and not taken
};

/// A greenlet's wait for any of several objects.
///
///     watch_set all{"select"};
///     watch first, second;
///     first.stand_in(all, jobs.watchers());
///     second.stand_in(all, control.watchers());
///     if (all.wait(until)) watch* noticed = all.take();
///
/// Ownership  Must outlive what stands somewhere for it: `watch::leave`.
/// Thread     Its hub's thread only.
/// Waits      `wait`.
/// Source     gevent's rawlink, which wait and iwait stand on.
class watch_set {
public:
  /// `what` and `on` are for listings, and stay the caller's.
  explicit watch_set(const char* what, const void* on = nullptr)
      : what_(what), on_(on) {}
  watch_set(const watch_set&) = delete;
  watch_set& operator=(const watch_set&) = delete;

  /// Waits until a watch has been noticed; false when `until` passed.
  bool wait(deadline until);

  /// The watch that was noticed first and not yet taken, or null.
  watch* take();

private:
  friend class watch;

  static void give_up(wait_record& record, wake_cause cause);
  void noticed(watch& which, bool next);
  void forget(watch& which);

  const char* what_;
  const void* on_;
  wait_record* parked_ = nullptr; // while somebody is in `wait`
  watch* first_noticed_ = nullptr;
  watch* last_noticed_ = nullptr;
};

} // namespace greenroom
