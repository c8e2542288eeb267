#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/ready_queue.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace greenroom {

class any_greenlet;
class greenlet_base;
class hub;
class local_base;
class timeout;
class tree_local_base;
struct local_value;
struct tree_values;
struct wait_record;

/// Where in its life a greenlet is.
enum class greenlet_state : std::uint8_t {
  unstarted,
  started, // waits for its first turn
  running, // now, or suspended in a waiting call
  idle,    // an actor without mail: holds no stack
  dead
};

/// One entry of what a greenlet tells at its end, in order of registration.
struct greenlet_link {
  using end_function = void (*)(greenlet_link&, greenlet_base& ended);

  explicit greenlet_link(end_function on_end) : at_end(on_end) {}

  greenlet_link* previous = nullptr;
  greenlet_link* next = nullptr;
  end_function at_end; // on the hub; must neither wait nor throw
};

/// What another room keeps with few greenlets, until their end.
struct greenlet_part {
  virtual ~greenlet_part() = default;
};

/// What a kill may throw: anything but the deadline that `kill` also takes.
template <class Type>
concept kill_reason = !std::convertible_to<Type, deadline>;

/// Names a callback given to `link`, for `unlink`.
enum class link_id : std::uintptr_t {};

/// What a greenlet of any kind has. Subclass it and override `run`, or let
/// `spawn` make one from a function.
///
/// Ownership  An object made by `spawn` is shared by its handles and, while
///            alive, the hub. One that you declare yourself is yours: it must
///            be dead (or never started) when it is destroyed; anything else
///            ends the program with a message naming it, as std::thread does.
/// Thread     The hub it was made on; from elsewhere go through `hub::post`.
/// Waits      `join` and `kill`.
/// Errors     What leaves `run` ends this greenlet only: it is logged once and
///            kept for `exception`, `get` and links.
/// Source     gevent.Greenlet; GEVENT.md 1.2.
///
///     class greeter : public greenlet_base {
///       void run() override { sleep(1s); }
///     };
///     greeter g;
///     g.start();
///     g.join();
class greenlet_base : public runnable {
public:
  greenlet_base();
  virtual ~greenlet_base();

  /// Enqueues it to run; does nothing when it was started before. A dead one
  /// cannot be started again.
  void start();

  /// Starts it after `delay`; `kill` before then cancels it.
  void start_later(std::chrono::nanoseconds delay);

  /// Waits until it has ended; false when `until` passed first. Links
  /// registered before are called before this returns.
  bool join(deadline until = {});

  /// Ends it by throwing `greenlet_exit` at its next waiting call, and waits
  /// until it has ended; false when `until` passed first (it may refuse).
  /// One that has not begun never runs. Killing oneself throws in place.
  bool kill(deadline until = {});

  /// As `kill`, throwing `reason` there; the greenlet then failed with it.
  template <kill_reason Exception>
  bool kill(Exception reason, deadline until = {}) {
    return kill_with(std::make_exception_ptr(std::move(reason)), until);
  }
  bool kill_with(std::exception_ptr reason, deadline until = {});

  /// As `kill`, without waiting for the end.
  void kill_soon(std::exception_ptr reason = {});

  /// As `kill_soon`, and thrown again at every waiting call until the stack
  /// is gone: for what refuses to end.
  void kill_brutally();

  /// Calls `callback` in a greenlet of its own when this one has ended; also
  /// when it has already. Callbacks are called in order of registration, and
  /// one may still `unlink` those behind it. One that waits must not use a
  /// greenlet that you declared yourself afterwards: it may be gone by then.
  link_id link(std::function<void(greenlet_base&)> callback);
  /// Only when it succeeded (being killed counts), or only when it failed.
  link_id link_value(std::function<void(greenlet_base&)> callback);
  link_id link_exception(std::function<void(greenlet_base&)> callback);
  void unlink(link_id id);

  /// For waiting objects: `entry` must stay until called or removed.
  void add_link(greenlet_link& entry);
  void remove_link(greenlet_link& entry);
  /// The oldest of a ring, or null.
  greenlet_link* links() const { return links_; }

  /// Started and not yet ended (gevent's rule: false after the end).
  bool started() const {
    return state_ != greenlet_state::unstarted && !dead();
  }
  bool dead() const { return state_ == greenlet_state::dead; }
  bool ready() const { return dead(); }
  /// Ended without an error; being killed is no error.
  bool successful() const { return dead() && !error_; }
  /// Ended by an uncaught `greenlet_exit`, or before it began.
  bool killed() const { return dead() && killed_; }
  /// What ended it, if that was an error; it is rethrown by `get`.
  std::exception_ptr exception() const { return error_; }

  greenlet_state state() const { return state_; }
  /// "Greenlet-7" unless named.
  std::string name() const;
  void name(std::string text);
  /// For signal handlers and debuggers: never allocates. Writes a C string.
  void name_to(char* text, std::size_t size) const noexcept;
  std::uint32_t id() const { return id_; }
  /// The greenlet that made this one, while it lives; empty afterwards, and
  /// when a hub callback made it. A walk over the hub's greenlets.
  any_greenlet spawner() const;
  hub& home() const { return *home_; }
  /// What it waits on now, or null.
  const wait_record* waiting_on() const { return wait_; }

protected:
  /// The greenlet's work, in its own context.
  virtual void run() = 0;

  /// It ended before its first turn: `run` is never called.
  virtual void never_begun() noexcept {}

  /// Its first step, on the dispatcher's stack, when it has none of its own.
  /// Actors replace it.
  explicit greenlet_base(step_function first);

  static void begin_step(runnable& self);
  /// For a first step: it asked for stacks of a size, and has begun there.
  bool moved_to_own_stack();
  /// In bytes, as given to `spawn`; else zero.
  std::size_t stack_size() const;
  /// Runs `body` as this greenlet, on the stack of the caller.
  template <class Body>
  void execute(Body&& body);
  void set_state(greenlet_state state) { state_ = state; }
  void make_ready();
  void finish() noexcept;
  bool kill_is_pending() const { return kill_pending_; }
  /// Null until given.
  greenlet_part* part() const noexcept;
  void part(std::unique_ptr<greenlet_part> given);
  /// Its last `execute` met an error or a kill.
  bool is_ending() const { return killed_ || error_; }
  /// Leaves the stack of the caller: with nothing to do, or to come again.
  void go_idle();
  void go_on_later();

private:
  friend class any_greenlet;
  friend class hub;
  friend class local_base;
  friend class shield;
  friend class timeout;
  friend class tree_local_base;
  friend struct local_value;
  friend struct greenlet_access;
  friend void yield();

  struct extras; // what few greenlets have
  extras& rare_parts();
  void disturb_wait();
  bool may_interrupt() const;
  void throw_pending();
  void throw_pending_timeout();
  void drop_timeouts() noexcept;
  void drop_locals() noexcept;
  const tree_values* handed_down() const;
  void hand_down(std::shared_ptr<const tree_values> values);
  void add_reference() { ++references_; }
  void drop_reference() noexcept;
  void schedule_links();
  static void links_step(runnable& self);
  void run_links();
  void ended_by(std::exception_ptr error);
  void end_as_killed(std::exception_ptr reason);
  void cancel_start(std::exception_ptr reason);
  void check_home() const;
  [[noreturn]] void refuse_end(const char* why) const;
  void enter_hub();

  static constexpr std::uint32_t no_id = 0xffff'ffff; // no greenlet's id

  // Hub thread only.
  hub* home_;
  greenlet_base* previous_ = nullptr; // among all greenlets of the hub
  greenlet_base* next_ = nullptr;
  wait_record* wait_ = nullptr;    // set only while suspended in a wait
  greenlet_link* links_ = nullptr; // circular, oldest first
  timeout* timeouts_ = nullptr;    // started for this greenlet, newest first
  std::unique_ptr<extras> extras_;
  std::exception_ptr error_;
  std::uint32_t references_ = 0; // by handles, and by the hub while alive
  std::uint32_t id_;
  std::uint32_t spawner_ = no_id; // its id: a reference would keep it
  std::uint16_t shields_ = 0;
  greenlet_state state_ = greenlet_state::unstarted;
  bool shared_ : 1 = false; // destroyed with its last reference
  bool kill_pending_ : 1 = false;
  bool kill_again_ : 1 = false; // brutal: thrown at every waiting call
  bool killed_ : 1 = false;
  bool links_due_ : 1 = false; // its links are in the ready queue
};

/// The greenlet that runs now. On a thread's own stack that is the main
/// greenlet. Throws `wait_refused` inside a hub callback, where there is none.
greenlet_base& current();

/// A shared handle to a greenlet of any kind; a pointer that keeps it.
///
/// Ownership  Shares the greenlet. Dropping the last handle neither stops nor
///            joins it.
/// Thread     Its hub's thread.
class any_greenlet {
public:
  any_greenlet() = default;
  /// Shares `target`; one that you declared yourself must outlive the handle.
  any_greenlet(greenlet_base& target) : target_(&target) {
    target.add_reference();
  }
  any_greenlet(const any_greenlet& other) : target_(other.target_) {
    if (target_) target_->add_reference();
  }
  any_greenlet(any_greenlet&& other) noexcept
      : target_(std::exchange(other.target_, nullptr)) {}
  any_greenlet& operator=(any_greenlet other) noexcept {
    std::swap(target_, other.target_);
    return *this;
  }
  ~any_greenlet() {
    if (target_) target_->drop_reference();
  }

  greenlet_base& operator*() const { return *target_; }
  greenlet_base* operator->() const { return target_; }
  operator greenlet_base&() const { return *target_; }
  explicit operator bool() const { return target_ != nullptr; }
  friend bool operator==(const any_greenlet&, const any_greenlet&) = default;

  // The greenlet's own members, so that a handle reads like the thing.
  bool join(deadline until = {}) const { return target_->join(until); }
  bool kill(deadline until = {}) const { return target_->kill(until); }
  template <kill_reason Exception>
  bool kill(Exception reason, deadline until = {}) const {
    return target_->kill(std::move(reason), until);
  }
  void kill_soon() const { target_->kill_soon(); }
  link_id link(std::function<void(greenlet_base&)> callback) const {
    return target_->link(std::move(callback));
  }
  link_id link_value(std::function<void(greenlet_base&)> callback) const {
    return target_->link_value(std::move(callback));
  }
  link_id link_exception(std::function<void(greenlet_base&)> callback) const {
    return target_->link_exception(std::move(callback));
  }
  void unlink(link_id id) const { target_->unlink(id); }
  bool started() const { return target_->started(); }
  bool dead() const { return target_->dead(); }
  bool ready() const { return target_->ready(); }
  bool successful() const { return target_->successful(); }
  bool killed() const { return target_->killed(); }
  std::exception_ptr exception() const { return target_->exception(); }
  std::string name() const { return target_->name(); }

private:
  greenlet_base* target_ = nullptr;
};

/// A greenlet whose work returns a `Result`.
template <class Result>
class greenlet_with_result : public greenlet_base {
public:
  /// The result, while it succeeded; else empty. Void has none.
  const auto& value() const { return value_; }

  /// Waits for the end and returns the result, or rethrows what ended the
  /// greenlet: the same object each time. Killed: `errc::killed`. `until`
  /// passed: `errc::timed_out`, and the greenlet goes on.
  Result get(deadline until = {});
  /// As `get` for a result nobody else reads: it is moved out.
  Result take(deadline until = {});

protected:
  using stored = std::conditional_t<std::is_void_v<Result>, bool, Result>;
  std::optional<stored> value_;
};

/// A shared handle to a greenlet that returns a `Result`; `spawn` makes it.
///
///     greenlet<int> g = spawn([] { sleep(1s); return 42; });
///     int answer = g.get();
template <class Result>
class greenlet : public any_greenlet {
public:
  greenlet() = default;
  explicit greenlet(greenlet_with_result<Result>& target)
      : any_greenlet(target) {}

  greenlet_with_result<Result>& operator*() const {
    return static_cast<greenlet_with_result<Result>&>(
        any_greenlet::operator*());
  }
  greenlet_with_result<Result>* operator->() const { return &**this; }

  Result get(deadline until = {}) const { return (**this).get(until); }
  Result take(deadline until = {}) const { return (**this).take(until); }
  const auto& value() const { return (**this).value(); }
};

/// Where a fresh greenlet stands in the ready queue.
enum class start_order : std::uint8_t {
  last, ///< behind everything: the order of spawning
  next  ///< ahead of everything: depth-first, for fork-join in little memory
};

struct spawn_options {
  std::string name{};
  std::size_t stack_size = 0; ///< bytes; 0: the hub's default
  start_order order = start_order::last;
};

/// Joins all; stops early when `until` passes or `count` have ended. Returns
/// those that have ended, in the order in which they did; an entry given twice
/// is returned twice.
std::vector<any_greenlet>
joinall(std::span<const any_greenlet> greenlets, deadline until = {},
        std::size_t count = std::numeric_limits<std::size_t>::max());

/// As `joinall`; as soon as one fails, rethrows its error. The others go on.
std::vector<any_greenlet>
joinall_or_throw(std::span<const any_greenlet> greenlets, deadline until = {});

/// Kills all, those not yet begun first, and waits for their end; false when
/// `until` passed first.
bool killall(std::span<const any_greenlet> greenlets, deadline until = {});

/// Lets everything else that is ready run first. Lets no timer and no I/O
/// run, unless the hub's turn has lasted 5 ms. gevent's sleep(0).
void yield();

/// Waits at least `time`. Zero and less: `yield`.
void sleep(std::chrono::nanoseconds time);
void sleep_until(steady_time when);

/// Waits until the hub has nothing else to do: what is ready has run, I/O and
/// timers that were due have been seen to. False when `until` passed first.
bool idle(deadline until = {});

// --- what is inside -------------------------------------------------------

/// For the templates here and in other rooms; not for programs.
struct greenlet_access {
  static void start(greenlet_base& target, spawn_options&& options);
  static void share(greenlet_base& target) { target.shared_ = true; }
  /// A handle to keep it by; none if it is its user's own, whom no handle
  /// keeps from destroying it.
  static any_greenlet kept(greenlet_base& target) {
    return target.shared_ ? any_greenlet{target} : any_greenlet{};
  }
  static void check_got(const greenlet_base& target, bool ended);
};

template <class Result>
Result greenlet_with_result<Result>::get(deadline until) {
  greenlet_access::check_got(*this, join(until));
  if constexpr (!std::is_void_v<Result>) return *value_;
}

template <class Result>
Result greenlet_with_result<Result>::take(deadline until) {
  greenlet_access::check_got(*this, join(until));
  if constexpr (!std::is_void_v<Result>) return std::move(*value_);
}

template <class Result, class Function>
class spawned final : public greenlet_with_result<Result> {
public:
  explicit spawned(Function&& function) : function_(std::move(function)) {}

private:
  void run() override {
    // Moved here so that what it captured ends inside the greenlet.
    Function function = std::move(function_);
    if constexpr (std::is_void_v<Result>) {
      function();
      this->value_ = true;
    } else {
      this->value_.emplace(function());
    }
  }

  Function function_;
};

namespace inside {

template <class Function, class... Arguments>
auto make_greenlet(Function&& function, Arguments&&... arguments) {
  using result =
      std::decay_t<std::invoke_result_t<std::decay_t<Function>&,
                                        std::decay_t<Arguments>&...>>;
  if constexpr (sizeof...(Arguments) == 0) {
    using kept = std::decay_t<Function>;
    greenlet<result> made{
        *new spawned<result, kept>(kept(std::forward<Function>(function)))};
    greenlet_access::share(*made);
    return made;
  } else {
    auto call = [f = std::decay_t<Function>(std::forward<Function>(function)),
                 bound = std::tuple<std::decay_t<Arguments>...>(
                     std::forward<Arguments>(arguments)...)]() mutable {
      return std::apply(f, bound);
    };
    greenlet<result> made{
        *new spawned<result, decltype(call)>(std::move(call))};
    greenlet_access::share(*made);
    return made;
  }
}

} // namespace inside

/// What `spawn` takes: it is called with copies of the arguments.
template <class Function, class... Arguments>
concept callable_with = std::invocable < std::decay_t<Function>
&, std::decay_t<Arguments>&... > ;

/// Makes a greenlet that calls `function(arguments...)` and starts it. Never
/// switches: it runs when the caller next waits, behind what is ready.
///
///     spawn([](int n) { return n + 1; }, 2).get();   // 3
template <class... Arguments, callable_with<Arguments...> Function>
auto spawn(Function&& function, Arguments&&... arguments) {
  auto made = inside::make_greenlet(std::forward<Function>(function),
                                    std::forward<Arguments>(arguments)...);
  made->start();
  return made;
}

template <class... Arguments, callable_with<Arguments...> Function>
auto spawn(spawn_options options, Function&& function,
           Arguments&&... arguments) {
  auto made = inside::make_greenlet(std::forward<Function>(function),
                                    std::forward<Arguments>(arguments)...);
  greenlet_access::start(*made, std::move(options));
  return made;
}

/// As `spawn`, starting after `delay`.
template <class Rep, class Period, class... Arguments,
          callable_with<Arguments...> Function>
auto spawn_later(std::chrono::duration<Rep, Period> delay, Function&& function,
                 Arguments&&... arguments) {
  auto made = inside::make_greenlet(std::forward<Function>(function),
                                    std::forward<Arguments>(arguments)...);
  made->start_later(
      std::chrono::duration_cast<std::chrono::nanoseconds>(delay));
  return made;
}

} // namespace greenroom
