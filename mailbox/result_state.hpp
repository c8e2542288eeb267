#pragma once

#include <greenroom/hub/address.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/wait.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <span>

namespace greenroom {

class distant_read;
class greenlet_base;

/// Who is to set a result: an actor, by a name that outlives it.
struct result_debtor {
  std::uint32_t place = 0xffffffff;
  std::uint32_t generation = 0;

  /// The greenlet of that name on this hub, or null. The actors know.
  static inline const greenlet_base* (*find)(result_debtor) = nullptr;
};

class result_state;

/// The results that a greenlet needs all of, for finding circles: what its wait
/// of this name is on.
struct result_group {
  static constexpr char wait_name[] = "gather";

  /// Throws as the wait for each of them that is not ready would.
  void check_circles() const;

  std::span<const result_state* const> members;
};

/// The part of an `async_result` that does not know its value: what became of
/// it, who waits for it, and how many handles refer to it. It belongs to the
/// hub that it was made on, its home.
///
/// Every live handle is counted once: in `copies_`, without atomics, when it
/// was made at home, in `copied_elsewhere_` when another thread copied it;
/// moving takes the count along. A handle dropped at home is taken off
/// `copies_`. One dropped elsewhere is noted in `dropped_elsewhere_`, and the
/// first to note one sends the state home, itself being a task, so that a
/// destructor need not allocate; there all that were noted are taken off.
/// So `copies_` may pass zero, but the sum of the two is the number of handles
/// that are live or noted, and when home finds it zero, the state goes.
///
/// Home may see `copied_elsewhere_` late, yet the sum is never zero too early.
/// Suppose it is, and some handle is live that home has not seen counted. Go
/// back along the handles that it was copied from, one from the other, to the
/// earliest of them that home has not seen counted. The handle that this one
/// was copied from is counted, and, the sum being zero, taken off. But it was
/// copied from before it was dropped, and its drop has reached home: then so
/// has the count of the copy.
///
/// When the home hub has ended, nothing runs there any more. A value that was
/// set by then stays for any thread to read or take, one at a time, and drops
/// take a lock that all results share. Whoever learns from `home_` that the hub
/// has ended has seen all that it did.
class result_state {
public:
  result_state(const result_state&) = delete;
  result_state& operator=(const result_state&) = delete;

  // --- any thread, for which a handle keeps it -------------------------------

  bool is_here() const { return home_.is_here(); }
  const hub_address& home() const { return home_; }
  bool ready() const { return outcome() != result_outcome::none; }
  bool successful() const { return outcome() == result_outcome::value; }

  void count_copy() {
    if (is_here()) [[likely]]
      count_copy_at_home();
    else // its drop, later, carries this to home
      copied_elsewhere_.fetch_add(1, std::memory_order_relaxed);
  }
  void count_copy_at_home() { ++copies_; }
  /// Whoever is dropped next elsewhere was the one to set it, and did not.
  void leave_unanswered(errc why) {
    unanswered_.store(static_cast<int>(why), std::memory_order_relaxed);
  }
  /// Throws `wrong_hub` while its home is another thread's hub.
  void check_readable(const char* what) const;

  /// What to set for a greenlet that has no result, else null.
  static std::exception_ptr failure_of(const greenlet_base& ended);
  static std::exception_ptr other_type(const greenlet_base& ended);
  static std::exception_ptr failure(errc why) noexcept;

  // --- at home, or when that has ended ----------------------------------------

  std::exception_ptr error() const { return error_; }

  // --- at home ----------------------------------------------------------------

  bool wait(deadline until) {
    while (!ready()) {
      if (debtor_.place != result_debtor{}.place) check_circle();
      if (!waiters_.wait_turn(until, wait_name, this)) return false;
      // Disturbed, it may have missed that it was given up.
      if (!ready() && handles() == 0)
        throw_error(errc::destroyed, "async_result");
    }
    return true;
  }
  wait_list& watchers();
  /// For finding out who waits for each other in a circle.
  void owed_by(result_debtor who) { debtor_ = who; }
  void fail(std::exception_ptr error);

protected:
  enum class result_outcome : std::uint8_t { none, error, value };

  result_state() : home_(hub_address::here_if_any()) {}
  ~result_state() = default;

  result_outcome outcome() const {
    // Partner of the store in `became`: what was set is seen with it.
    return outcome_.load(std::memory_order_acquire);
  }
  void became(result_outcome what) {
    outcome_.store(what, std::memory_order_release); // partner: `outcome`
    waiters_.wake_all();
  }
  void fail_for_want_of_value(std::exception_ptr error);

  /// The handles that are live or noted, but for those lent.
  std::uint32_t handles() const {
    return copies_ + copied_elsewhere_.load(std::memory_order_relaxed);
  }
  /// Takes off a handle dropped at home; true when it was the last.
  bool was_last() { return --copies_, handles() == 0; }

  /// Notes a handle dropped elsewhere; true when the state must be sent home.
  bool note_drop() noexcept;
  /// At home: takes off what was noted; true when that was the last.
  bool take_off_noted() noexcept;
  /// The same, when home has ended; true when the state is to be deleted.
  bool take_off_stranded() noexcept;

  bool is_waited_for() const { return readers_ > 0; }
  bool has_distant() const { return distant_ != nullptr; }
  /// Gives those who wait elsewhere what was set.
  void serve_distant();
  /// Nobody is left who could set it.
  void give_up();

  // Home thread only, and later under the lock of stranded results.
  std::uint32_t readers_ = 0; // calls that go on, here or from elsewhere

private:
  friend class distant_read;
  friend struct result_group;

  static constexpr char wait_name[] = "async_result";

  const greenlet_base* debtor() const {
    return result_debtor::find ? result_debtor::find(debtor_) : nullptr;
  }
  void check_circle() const;
  struct circle_search;
  void enlist(distant_read& call);
  void unlist(distant_read& call);
  void let_go(distant_read& call);

  // Home thread only.
  wait_list waiters_;
  std::exception_ptr error_;
  result_debtor debtor_;
  distant_read* distant_ = nullptr; // who waits elsewhere: a ring, oldest first
  std::uint32_t copies_ = 1;        // modulo 2^32; later under the lock

  // Constant after construction.
  hub_address home_;

  // Any thread.
  std::atomic<std::uint32_t> copied_elsewhere_{0};
  std::atomic<std::uint32_t> dropped_elsewhere_{0};
  std::atomic<int> unanswered_{0};                            // an errc
  std::atomic<result_outcome> outcome_{result_outcome::none}; // set at home
};

} // namespace greenroom
