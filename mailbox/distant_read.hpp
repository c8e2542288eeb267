#pragma once

#include <greenroom/hub/address.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/wait.hpp>

#include <atomic>
#include <cstdint>
#include <exception>

namespace greenroom {

class result_state;

/// A call of `get`, `take` or `wait` away from the result's home: a message
/// that goes there, stands with those who wait if it must, and comes back with
/// what was set.
///
/// It holds a handle of its own, for a message that is on its way must find
/// the state. While it stands at home that handle is lent, which is to say not
/// counted: one that only waits keeps nobody waiting.
///
/// Whether it is served or withdrawn, because its greenlet was killed or its
/// deadline passed, is decided once, by `claim`. Once home has claimed it, the
/// wait ends by its coming back, and a kill is left for the next wait: so a
/// value that was taken is not lost.
///
/// Ownership  Shared by the call, the message and a withdrawal on its way.
/// Thread     As marked.
class distant_read : private remote_task, private hub_end_link {
public:
  enum class end : std::uint8_t { served, timed_out, try_again, stranded };

  distant_read();
  distant_read(const distant_read&) = delete;
  distant_read& operator=(const distant_read&) = delete;

  /// Waits on the calling thread's hub until the message is back; once only.
  /// `try_again`: what interrupted it has been withdrawn. `stranded`: the home
  /// hub has ended. Throws what is pending for the greenlet, what was thrown at
  /// home, and `errc::destroyed` when the result or its home went.
  end travel(deadline until, const char* what);
  /// When home has ended: loads on this thread. One caller at a time, as at
  /// home.
  void load_stranded();

  void drop_reference() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

protected:
  virtual ~distant_read() = default;
  void enter(result_state& at);

private:
  friend class result_state;
  struct waiting;
  struct withdrawal : remote_task {
    distant_read* call = nullptr;
  };

  virtual result_state& target() = 0;
  /// At home: `enter`s, while keeping the target.
  virtual void arrive() = 0;
  /// At home: brings along what was set.
  virtual void load(result_state& from) = 0;

  bool claim() noexcept {
    // Only decides: what goes with it travels with the messages.
    return !claimed_.exchange(true, std::memory_order_relaxed);
  }
  void add_reference() noexcept {
    references_.fetch_add(1, std::memory_order_relaxed);
  }
  // At home.
  static void arrived(remote_task& self);
  static void stranded(remote_task& self);
  static void home_ends(hub_end_link& self) noexcept;
  static void withdrawn(remote_task& self);
  void serve(result_state& from) noexcept;
  void give_up() noexcept;
  void go_back() noexcept;
  // On the hub of the call.
  static void came_back(remote_task& self);
  static void dropped(remote_task& self);
  static void withdrawal_dropped(remote_task& self);
  void withdraw() noexcept;

  // Constant from `travel` on.
  hub_address asker_;
  withdrawal withdrawal_;

  // Hub of the call only.
  wait_record* waiter_ = nullptr; // null when it has left

  // Home only, then, when it is back, hub of the call only.
  distant_read* previous_ = nullptr; // in the ring of the state
  distant_read* next_ = nullptr;
  bool listed_ = false;
  bool in_vain_ = false; // the result went, or its home
  std::exception_ptr error_;

  // Any thread.
  std::atomic<std::uint32_t> references_{1};
  std::atomic<bool> claimed_{false};
};

} // namespace greenroom
