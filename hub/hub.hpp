#pragma once

#include <greenroom/hub/address.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/distant_item.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/ready_queue.hpp>
#include <greenroom/hub/timer.hpp>
#include <greenroom/hub/wait.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace asio {
class io_context;
} // namespace asio

namespace greenroom {

class hub_outbox;
class overflow_guard;
class stack_pool;

enum class clock_kind : std::uint8_t {
  real,        ///< the steady clock
  virtual_time ///< stands while anything can run, then jumps to the next timer
};

/// Names a callback given to `add_spawn_callback`.
enum class spawn_callback_id : std::uint64_t {};

/// Called first by `hub::shutdown`, which then kills everybody: for what ends
/// its greenlets in an order of its own. The newest is called first, each
/// once; it stands nowhere when it is called, and may wait until the deadline.
///
/// Ownership  Its own; its end leaves the hub.
/// Thread     The hub's.
struct hub_shutdown_link {
  using shutdown_function = void (*)(hub_shutdown_link&, deadline until);

  explicit hub_shutdown_link(shutdown_function at_shutdown = nullptr)
      : on_shutdown(at_shutdown) {}
  hub_shutdown_link(const hub_shutdown_link&) = delete;
  hub_shutdown_link& operator=(const hub_shutdown_link&) = delete;
  ~hub_shutdown_link() { leave(); }

  void leave() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  bool standing() const { return next != this; }

  shutdown_function on_shutdown;
  hub_shutdown_link* previous = this; // a ring, oldest first, with its head
  hub_shutdown_link* next = this;
};

/// The event loop of one OS thread and the scheduler of its greenlets.
///
/// There is no `run()`: a hub is made when a thread first needs one, the
/// thread's own stack is its main greenlet, and whenever that waits the hub
/// runs the others. One greenlet runs at a time. Ready work forms one FIFO
/// that is drained before each poll of I/O and timers; work added meanwhile
/// runs in the same drain, for at most 5 ms.
///
/// Ownership  Owned by its thread, destroyed at the thread's end. Greenlets
///            that still wait then are abandoned, not unwound (their frames
///            may refer to locals that are gone): one log line names them.
/// Thread     Its own, but for `post`, `wake` and what says so.
/// Waits      `poll` and `shutdown`.
/// Fork       A forked child must not use the hub: exec, or `_exit`.
/// Source     gevent's hub, GEVENT.md 1.0; borrowed stacks: DESIGN.md 3.
///
///     int main() { spawn([] { sleep(1s); }).join(); }
class hub {
public:
  /// The calling thread's hub, made on first use.
  static hub& current() { return this_hub_ ? *this_hub_ : make(); }
  /// The same, or null; never makes one.
  static hub* current_if_any() { return this_hub_; }

  hub(const hub&) = delete;
  hub& operator=(const hub&) = delete;

  /// The Asio loop: hand it to any Asio-based library. Handlers run on the
  /// hub, outside any greenlet: they may spawn, set, put and send, but not
  /// wait. Other threads may post to it; its sockets and timers are for the
  /// hub's thread only, whose operations take no lock.
  asio::io_context& context() { return *context_; }

  /// Runs `function` on the hub, outside any greenlet, in order of posting
  /// per thread. Any thread. The hub must be alive (where that is not sure,
  /// `post_to` its address); posting alone does not keep it from `loop_exit`:
  /// hold a `work_guard` for that.
  template <std::invocable Function>
  void post(Function&& function);

  /// Without allocation, and safe in a signal handler. Any thread.
  void post(remote_task& work) noexcept;

  /// Sends on what has collected for other hubs. Mail to another hub goes over
  /// in batches: when 60 wait, when this hub's greenlets have given way, at
  /// once if that hub sleeps, and before it would sleep. So this is for one
  /// who goes on to compute for long, or to block the thread, while that hub
  /// is busy.
  void send_out() {
    if (unsent_) send_out_all();
  }

  /// For a main loop that is not ours (a GUI's): runs everything that is
  /// ready or due, for 5 ms at most, then returns without blocking. From the
  /// main greenlet.
  void poll();

  /// Waits until nothing is left to do: no other greenlet can ever run again,
  /// no timer, no I/O and no work guard is pending. False when `until` passed
  /// first. From the main greenlet.
  bool join(deadline until = {});

  /// Stops supervisors that run, the newest first, each in its own order, and
  /// calls what else stands in `add_shutdown_link`. Then kills every greenlet
  /// but the caller and waits for their end, in the order they were made, and
  /// those spawned meanwhile; false when `until` passed first, and then a log
  /// line names those still alive.
  bool shutdown(deadline until = {});

  /// On the virtual clock time passes only while nothing is ready: a greenlet
  /// that only yields stops it. There is no way back to the real one:
  /// `std::logic_error`.
  void use_clock(clock_kind kind);
  clock_kind clock() const { return clock_; }
  /// The hub's time.
  steady_time time() const;
  std::uint64_t nanoseconds() const {
    return clock_ == clock_kind::real ? real_nanoseconds() : virtual_now_;
  }

  /// Bytes of the stacks made from now on for greenlets that ask for no size
  /// of their own; 256 KiB unless set. Before the first greenlet runs.
  void default_stack_size(std::size_t bytes);

  greenlet_base& main_greenlet() { return *main_; }

  /// From now on `callback` is called with every greenlet that is started on
  /// this hub: spawned, now or later, an actor, or started itself. Called
  /// where it is started, before it runs; it may name, link or kill the
  /// greenlet, but not wait (`wait_refused`). What it throws is logged, and
  /// the greenlet runs all the same. Greenlets started inside a callback are
  /// not told of.
  spawn_callback_id
  add_spawn_callback(std::function<void(greenlet_base&)> callback);
  void remove_spawn_callback(spawn_callback_id id);

  /// To keep and to find the hub by, for as long as it lives. Any thread.
  const hub_address& address() const { return address_; }

  /// The thread has ended, and nothing is run any more.
  bool is_closed() const { return closed_; }

  /// Every live greenlet with its state and what it waits on, one a line.
  std::string listing() const;
  /// Of any state. Any thread.
  std::size_t greenlets() const {
    return greenlet_count_.load(std::memory_order_relaxed);
  }
  /// Blocked for want of anything to do. Any thread.
  bool is_asleep() const { return asleep_.load(std::memory_order_relaxed); }
  /// The kernel's identity of the hub's thread.
  int thread_id() const { return thread_; }
  /// How often the hub has handed the thread to somebody. Any thread.
  std::uint64_t switches() const {
    return switches_.load(std::memory_order_relaxed);
  }

  // --- for those who build things to wait on ------------------------------

  /// The running greenlet, or null inside a callback.
  greenlet_base* running() const { return running_; }

  /// Suspends the running greenlet until `record` is woken. Throws before
  /// waiting: a pending kill or timeout, `wait_refused`, `wrong_hub`. The
  /// caller has not yet told anybody of `record`; `prepare` does, just before
  /// the switch. What is thrown after waking is `finish_wait`'s business.
  void begin_wait(wait_record& record);
  /// The same checks, for a call that gives way without a record.
  greenlet_base& check_wait(const char* what);
  void park(wait_record& record, deadline until);
  /// Throws the pending kill or timeout that interrupted a wait; returns when
  /// it was withdrawn meanwhile.
  void throw_pending();

  /// Makes a suspended wait ready; only the first cause counts.
  void wake(wait_record& record, wake_cause cause);

  /// As `wake`, ahead of everything else that is ready.
  void wake_next(wait_record& record, wake_cause cause);

  /// Has `kind` deliver the item on the hub that sits there, with the next
  /// batch, after all that was sent there before. Takes it over.
  void send_away(hub_seat& to, const distant_kind& kind, distant_item item);

  /// Whether others would run before a greenlet that yields goes on.
  bool has_ready() const { return !ready_.empty(); }
  void make_ready(runnable& work) { ready_.push_back(work); }
  void make_ready_next(runnable& work) { ready_.push_front(work); }
  /// Takes back what was made ready and has not run; `work` must be queued.
  void take_back(runnable& work) { ready_.erase(work); }

  /// One more item of work within the same step; false when others must have
  /// their turn first.
  bool another_item() { return --slice_ > 0; }

  void arm(timer& item, deadline when) {
    timers_.arm(item, static_cast<std::uint64_t>(when.nanoseconds()));
  }

  /// Throws `wrong_hub` unless called on this hub's thread.
  void check_thread(const char* what) const {
    if (this_hub_ != this) [[unlikely]]
      refuse_thread(what);
  }

  /// `entry` must stay until it is told or removed.
  void add_end_link(hub_end_link& entry);
  void remove_end_link(hub_end_link& entry);

  /// `entry` must stand nowhere.
  void add_shutdown_link(hub_shutdown_link& entry);

  // --- for signal handlers and debuggers ----------------------------------

  bool in_stack_guard(const void* address) const noexcept;
  void running_name(char* text, std::size_t size) const noexcept;
  /// Writes the listing to a descriptor; async-signal-safe.
  void list_to(int descriptor) const noexcept;
  /// Spawns a greenlet for each signal that has arrived. See signal.hpp.
  void signal_arrived() noexcept;

private:
  friend class greenlet_base;
  friend class no_wait;
  friend class work_guard;
  friend struct greenlet_access;
  friend struct hub_holder;
  friend void yield();
  friend bool idle(deadline until);

  struct loop; // the Asio side
  struct spawn_callback {
    spawn_callback_id id;
    std::function<void(greenlet_base&)> call;
  };
  using spawn_callbacks = std::vector<spawn_callback>;
  struct join_wait;

  hub();
  ~hub();
  static hub& make();
  void close();
  static std::uint64_t real_nanoseconds();

  [[noreturn]] static void dispatch(void* self);
  void run_ready();
  bool make_spare_worker(runnable& work);
  void turn();
  void give_way();
  void park_until(wait_record& record, deadline until);
  void resume(runnable& suspended);
  fiber& idle_worker();
  bool moved_to_own_stack(greenlet_base& fresh, std::size_t size);
  static void run_own_stack(void* self);
  bool unwinding() const;
  stack_pool& pool_for(std::size_t size);
  bool slice_is_over();
  hub_outbox& outbox_to(hub_seat& to);
  static void send_out(hub_outbox& box) noexcept;
  bool fetch_unsent() noexcept;
  void push(remote_task& work) noexcept;
  void send_out_all() noexcept;
  bool has_outside_work() const;
  void see_to_outside_work();
  void drop_outside_work() noexcept;
  void tell_end() noexcept;
  bool timer_is_due();
  bool poll_io();
  void fire_timers();
  void begin_drain();
  bool wake_idle();
  bool spin();
  void block();
  void report_deadlock();
  bool nothing_left();
  void trim_stacks();
  void wake_up() noexcept;
  static void wake_watch(wait_record& record, wake_cause cause, bool next);
  void abandon() noexcept;
  [[noreturn]] void refuse_wait(const char* what) const;
  [[noreturn]] void refuse_thread(const char* what) const;
  void add(greenlet_base& greenlet);
  void remove(greenlet_base& greenlet);
  void tell_start(greenlet_base& started) {
    if (spawn_callbacks_) [[unlikely]]
      call_spawn_callbacks(started);
  }
  void call_spawn_callbacks(greenlet_base& started);
  void count_switch() {
    switches_.store(switches_.load(std::memory_order_relaxed) + 1,
                    std::memory_order_relaxed);
  }

  static constinit thread_local hub* this_hub_;

  // Hub thread only.
  ready_queue ready_;
  int slice_ = 0;                    // items until the clock is looked at
  greenlet_base* running_ = nullptr; // null on the hub itself
  fiber* running_fiber_ = nullptr;
  int no_wait_ = 0; // depth of no_wait scopes
  bool closed_ = false;
  clock_kind clock_ = clock_kind::real;
  std::uint64_t virtual_now_ = 0;
  std::uint64_t drain_began_ = 0; // real nanoseconds; 0: not looked yet
  std::uint64_t trimmed_ = 0;     // real nanoseconds
  bool spins_ = false;            // before it sleeps: see `spin`
  unsigned spun_ = 0;             // how often that was not in vain
  timer_queue timers_;
  std::vector<std::unique_ptr<stack_pool>> pools_; // the default one first
  stack_pool* workers_ = nullptr;                  // the default one
  std::unique_ptr<overflow_guard> overflow_guard_;
  std::unique_ptr<loop> loop_;
  asio::io_context* context_ = nullptr;
  std::unique_ptr<fiber> main_fiber_;
  std::unique_ptr<greenlet_base> main_;
  greenlet_base* first_ = nullptr; // every live greenlet, oldest first
  greenlet_base* last_ = nullptr;
  std::vector<hub_outbox*> outboxes_; // to others
  bool unsent_ = false;               // there may be something in them
  std::uint32_t next_id_ = 0;
  std::shared_ptr<const spawn_callbacks> spawn_callbacks_; // null: none
  std::uint64_t last_spawn_callback_ = 0;                  // id
  bool telling_start_ = false;
  std::unique_ptr<wait_list> idle_;   // who waits in `idle`
  std::exception_ptr deadlock_;       // a loop_exit on its way to main
  join_wait* joining_ = nullptr;      // main, in `join`
  hub_end_link* end_links_ = nullptr; // newest first
  hub_shutdown_link shutdown_links_;  // a ring's head

  // Any thread.
  std::atomic<std::uint64_t> switches_{0};     // written by the hub alone
  std::atomic<std::size_t> greenlet_count_{0}; // likewise
  std::atomic<remote_task*> remote_{nullptr};  // newest first
  std::atomic<bool> signalled_{false};
  std::atomic<bool> asleep_{false}; // pairs with remote_: see `block`
  int thread_ = 0;                  // constant: the thread's kernel id
  hub_address address_;             // constant

  std::optional<hub_entry> entry_; // others can find the hub; ends first
};

/// While one exists the hub waits for outside work instead of declaring
/// `loop_exit`: another thread is going to `post`.
///
/// Thread     Any may end it, also after the hub's end.
class [[nodiscard]] work_guard {
public:
  work_guard();
  explicit work_guard(hub& target);
  work_guard(const work_guard&) = delete;
  work_guard& operator=(const work_guard&) = delete;
  ~work_guard();

private:
  hub_address hub_;
};

/// Within this scope a call that would give way throws `wait_refused`: for
/// code that relies on nobody else running.
///
///     no_wait guard;
///     total += amount;     // a waiting call in here is an error, not a race
class [[nodiscard]] no_wait {
public:
  no_wait() : hub_(hub::current()) { ++hub_.no_wait_; }
  no_wait(const no_wait&) = delete;
  no_wait& operator=(const no_wait&) = delete;
  ~no_wait() { --hub_.no_wait_; }

private:
  hub& hub_;
};

/// `hub::shutdown` of the current hub.
bool shutdown(deadline until = {});

// --- what is inside -------------------------------------------------------

template <std::invocable Function>
void hub::post(Function&& function) {
  if (this_hub_) this_hub_->send_out(); // what was sent before comes before
  post(*new posted_function<std::decay_t<Function>>(
      std::forward<Function>(function)));
}

// Inline, because each return from a frame that was switched away from is
// mispredicted.
inline void hub::park(wait_record& record, deadline until) {
  record.who->wait_ = &record;
  until.is_never() ? give_way() : park_until(record, until);
}

inline void hub::wake(wait_record& record, wake_cause cause) {
  if (!record.waiting()) return wake_watch(record, cause, false);
  record.cause = cause;
  record.who->wait_ = nullptr;
  ready_.push_back(*record.who);
}

inline void hub::wake_next(wait_record& record, wake_cause cause) {
  if (!record.waiting()) return wake_watch(record, cause, true);
  record.cause = cause;
  record.who->wait_ = nullptr;
  ready_.push_front(*record.who);
}

inline void greenlet_base::make_ready() {
  home_->make_ready(*this);
}

template <class Body>
void greenlet_base::execute(Body&& body) {
  home_->running_ = this;
  state_ = greenlet_state::running;
  try {
    body();
  } catch (const greenlet_exit&) {
    killed_ = true;
  } catch (...) {
    ended_by(std::current_exception());
  }
}

inline void greenlet_base::go_idle() {
  home_->running_ = nullptr;
  state_ = greenlet_state::idle;
}

inline void greenlet_base::go_on_later() {
  home_->running_ = nullptr;
  make_ready();
}

} // namespace greenroom
