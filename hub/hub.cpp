#include <greenroom/hub/hub.hpp>

#include "extras.hpp"
#include "fiber.hpp"
#include "loop.hpp"
#include "monitor.hpp"
#include "registry.hpp"
#include "sanitizers.hpp"
#include "signals.hpp"
#include "stack.hpp"

#include <greenroom/hub/log.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <utility>

namespace greenroom {
namespace {

constexpr std::size_t default_stack = 256 * 1024; // bytes
constexpr int slice_items = 64; // between two looks at the clock
constexpr std::uint64_t drain_budget = 5'000'000;      // nanoseconds
constexpr std::uint64_t trim_interval = 1'000'000'000; // nanoseconds
constexpr std::size_t kept_stacks = 32;
constexpr int handlers_a_turn = 64;

class main_greenlet_t final : public greenlet_base {
public:
  main_greenlet_t() { set_state(greenlet_state::running); }
  /// It ends with its thread, not by returning.
  ~main_greenlet_t() override { set_state(greenlet_state::dead); }

private:
  void run() override {}
};

} // namespace

constinit thread_local hub* hub::this_hub_ = nullptr;

/// Makes the thread's hub, and ends it with the thread. The main thread's is
/// closed, but stays: static objects are destroyed later, greenlets may still
/// wait on them, and their sockets still refer to its loop.
struct hub_holder {
  hub* owned = nullptr;
  ~hub_holder() {
    owned->close();
    if (getpid() == owned->thread_id())
      keep_reachable(owned);
    else
      delete owned;
  }
};

hub& hub::make() {
  static thread_local hub_holder holder;
  holder.owned = new hub;
  return *holder.owned;
}

hub::hub() : main_fiber_(std::make_unique<fiber>()) {
  this_hub_ = this;
  thread_ = static_cast<int>(syscall(SYS_gettid));
  adopt_thread(*main_fiber_);
  running_fiber_ = main_fiber_.get();
  pools_.push_back(std::make_unique<stack_pool>(default_stack));
  workers_ = pools_.front().get();
  workers_->keep_spare();
  overflow_guard_ = std::make_unique<overflow_guard>();
  loop_ = std::make_unique<loop>();
  context_ = &loop_->context;
  const char* clock = std::getenv("GREENROOM_CLOCK");
  if (clock && std::strcmp(clock, "virtual") == 0)
    use_clock(clock_kind::virtual_time);
  idle_ = std::make_unique<wait_list>();
  main_ = std::make_unique<main_greenlet_t>();
  main_->name("main");
  add(*main_);
  running_ = main_.get();
  begin_drain();
  enter_registry(*this);
  install_quit_listing();
  start_monitor_if_asked();
}

hub::~hub() {
  loop_.reset(); // handlers that were never called go here
  main_.reset();
  idle_.reset();
  pools_.clear();
  this_hub_ = nullptr;
}

/// The thread ends: from here on nothing is run any more.
void hub::close() {
  closed_ = true;
  leave_registry(*this);
  forget_signals(*this);
  remove(*main_);
  drop_outside_work();
  abandon();
  for (const auto& pool : pools_)
    pool->keep_stacks_in_use();
  overflow_guard_.reset();
}

/// What still lives stays as it is: its frames may refer to what is gone.
void hub::abandon() noexcept {
  if (!first_) return;
  std::string names;
  int named = 0;
  for (greenlet_base* each = first_; each && named < 10; each = each->next_)
    names += (named++ ? ", '" : " '") + each->name() + "'";
  log_info("the end: " + std::to_string(greenlet_count_) +
           " greenlets were abandoned, not unwound:" + names +
           (greenlet_count_ > 10 ? ", ..." : ""));
  keep_reachable(first_);
}

// --- the clock ------------------------------------------------------------

std::uint64_t hub::real_nanoseconds() {
  return static_cast<std::uint64_t>(
      std::chrono::steady_clock::now().time_since_epoch().count());
}

void hub::use_clock(clock_kind kind) {
  if (kind == clock_kind::virtual_time && clock_ == clock_kind::real)
    virtual_now_ = real_nanoseconds();
  clock_ = kind;
}

steady_time hub::time() const {
  return steady_time(std::chrono::nanoseconds(nanoseconds()));
}

steady_time now() {
  return hub::current().time();
}

std::int64_t deadline::after(std::int64_t delay) {
  const auto time = static_cast<std::int64_t>(hub::current().nanoseconds());
  return delay >= never_ - time ? never_ : time + delay;
}

// --- greenlets of this hub ------------------------------------------------

void hub::add(greenlet_base& greenlet) {
  greenlet.previous_ = last_;
  greenlet.next_ = nullptr;
  (last_ ? last_->next_ : first_) = &greenlet;
  last_ = &greenlet;
  ++greenlet_count_;
}

void hub::remove(greenlet_base& greenlet) {
  (greenlet.previous_ ? greenlet.previous_->next_ : first_) = greenlet.next_;
  (greenlet.next_ ? greenlet.next_->previous_ : last_) = greenlet.previous_;
  --greenlet_count_;
}

greenlet_base& current() {
  greenlet_base* running = hub::current().running();
  if (!running) throw wait_refused("no greenlet runs inside a hub callback");
  return *running;
}

// --- the dispatcher -------------------------------------------------------

/// Runs on every worker stack, on one at a time. What it calls may wait and
/// so keep the stack; another worker then goes on with the work, and this
/// one continues here when that code has ended.
void hub::dispatch(void* self) {
  hub& here = *static_cast<hub*>(self);
  for (;;) {
    here.run_ready();
    here.turn();
  }
}

void hub::run_ready() {
  while (!ready_.empty()) {
    if (slice_-- <= 0 && (slice_is_over() || ready_.empty())) return;
    task& work = ready_.pop();
    count_switch();
    if (work.resume)
      resume(work);
    else if (workers_->has_spare() || make_spare_worker(work))
      work.step(work);
  }
}

/// What is about to run may wait, and then another worker must go on: its
/// stack is made sure of now, where a lack of memory can be told to a fresh
/// greenlet. False when that ended it.
bool hub::make_spare_worker(task& work) {
  try {
    workers_->keep_spare();
    return true;
  } catch (const std::bad_alloc&) {
    if (work.step != &greenlet_base::begin_step)
      return true; // a callback does not wait
    auto& fresh = static_cast<greenlet_base&>(work);
    fresh.ended_by(std::current_exception());
    fresh.finish();
    return false;
  }
}

/// Looks at the clock, and whether others want something; true when the
/// drain has used up its time.
bool hub::slice_is_over() {
  slice_ = slice_items;
  if (has_outside_work()) see_to_outside_work();
  return real_nanoseconds() - drain_began_ > drain_budget;
}

void hub::begin_drain() {
  drain_began_ = real_nanoseconds();
  slice_ = slice_items;
}

/// From a worker that has nothing of its own to keep: it becomes free.
void hub::resume(task& suspended) {
  fiber& self = *running_fiber_;
  fiber& target = *std::exchange(suspended.resume, nullptr);
  running_ = static_cast<greenlet_base*>(&suspended);
  running_fiber_ = &target;
  self.pool->put(self);
  switch_fibers(self, target);
}

/// Gives the thread away; returns when the running greenlet was made ready
/// and its turn has come.
void hub::give_way() {
  fiber& self = *running_fiber_;
  greenlet_base& greenlet = *running_;
  task* next = ready_.front();
  if (next && slice_ > 0 && (next->resume || next == &greenlet)) {
    --slice_;
    count_switch();
    ready_.pop();
    if (next == &greenlet) return;
    greenlet.resume = &self;
    running_ = static_cast<greenlet_base*>(next);
    running_fiber_ = std::exchange(next->resume, nullptr);
  } else {
    fiber& worker = idle_worker();
    greenlet.resume = &self;
    running_ = nullptr;
    running_fiber_ = &worker;
  }
  switch_fibers(self, *running_fiber_);
}

/// A worker to go on with: one suspended in `dispatch`, or a new one.
fiber& hub::idle_worker() {
  fiber& worker = workers_->take();
  if (!worker.context) prepare(worker, &dispatch, this);
  return worker;
}

void hub::default_stack_size(std::size_t bytes) {
  if (workers_->in_use() > 0 || switches() > 0)
    throw std::logic_error("hub: default_stack_size after the first greenlet");
  pools_.front() = std::make_unique<stack_pool>(bytes);
  workers_ = pools_.front().get();
  workers_->keep_spare();
}

stack_pool& hub::pool_for(std::size_t size) {
  for (std::size_t i = 1; i < pools_.size(); ++i)
    if (pools_[i]->size() == stack_pool::rounded(size)) return *pools_[i];
  pools_.push_back(std::make_unique<stack_pool>(size));
  return *pools_.back();
}

/// A greenlet that asks for a stack of its own size begins on one; the worker
/// is free again. False when it is there already.
bool hub::moved_to_own_stack(greenlet_base& fresh, std::size_t size) {
  stack_pool& pool = pool_for(size);
  if (running_fiber_->pool == &pool) return false;
  fiber* own = nullptr;
  try {
    own = &pool.take();
  } catch (const std::bad_alloc&) {
    fresh.ended_by(std::current_exception());
    fresh.finish();
    return true;
  }
  prepare(*own, &run_own_stack, &fresh);
  fresh.resume = own;
  resume(fresh);
  return true;
}

void hub::run_own_stack(void* greenlet) {
  auto& fresh = *static_cast<greenlet_base*>(greenlet);
  hub& here = fresh.home();
  greenlet_base::begin_step(fresh);
  // Others must not run on a stack of a size they did not ask for.
  fiber& self = *here.running_fiber_;
  fiber& worker = here.idle_worker();
  here.running_fiber_ = &worker;
  self.context = nullptr;
  self.pool->put(self);
  leave_fiber(self, worker);
}

// --- waiting --------------------------------------------------------------

bool hub::unwinding() const {
  return running_fiber_->thread_exceptions->uncaught > 0;
}

greenlet_base& hub::check_wait(const char* what) {
  check_thread(what);
  if (!running_ || no_wait_ > 0) [[unlikely]]
    refuse_wait(what);
  return *running_;
}

void hub::begin_wait(wait_record& record) {
  greenlet_base& self = check_wait(record.what);
  self.throw_pending();
  record.who = &self;
  record.interruptible = self.may_interrupt();
}

namespace {

/// The deadline of one wait.
struct wait_limit : timer {
  explicit wait_limit(wait_record& record)
      : timer(&pass, true), limited(record) {}

  static void pass(timer& fired) {
    wait_record& record = static_cast<wait_limit&>(fired).limited;
    if (record.waiting()) record.cancel(record, wake_cause::timed_out);
  }

  wait_record& limited;
};

} // namespace

void hub::park(wait_record& record, deadline until) {
  record.who->wait_ = &record;
  if (until.is_never()) {
    give_way();
    return;
  }
  wait_limit limit{record};
  arm(limit, until);
  give_way();
  limit.unlink();
}

void hub::throw_pending() {
  if (deadlock_ && running_ == main_.get()) // no shield could let it wait on
    std::rethrow_exception(std::exchange(deadlock_, {}));
  running_->throw_pending();
}

void hub::refuse_wait(const char* what) const {
  if (!running_)
    throw wait_refused(std::string(what) +
                       " would wait inside a hub callback, where no greenlet "
                       "runs: spawn one for it");
  throw wait_refused("greenlet '" + running_->name() + "': " + what +
                     " would wait within a no_wait scope");
}

void hub::refuse_thread(const char* what) const {
  throw wrong_hub(std::string(what) +
                  " belongs to the hub of another thread: use hub::post");
}

void yield() {
  hub& here = hub::current();
  greenlet_base& self = here.check_wait("yield");
  self.throw_pending();
  here.make_ready(self);
  here.give_way();
}

namespace {

/// A wait that only a timer ends.
struct sleep_wait : wait_record, timer {
  sleep_wait() : wait_record("sleep", nullptr, &give_up), timer(&wake) {}

  static void give_up(wait_record& record, wake_cause cause) {
    static_cast<sleep_wait&>(record).unlink();
    record.who->home().wake(record, cause);
  }

  static void wake(timer& fired) {
    auto& self = static_cast<sleep_wait&>(fired);
    self.who->home().wake(self, wake_cause::notified);
  }
};

} // namespace

void sleep_until(steady_time when) {
  hub& here = hub::current();
  for (;;) {
    sleep_wait wait;
    here.begin_wait(wait);
    here.arm(wait, deadline{when});
    here.park(wait, deadline::never());
    if (wait.cause == wake_cause::notified) return;
    here.throw_pending();
  }
}

void sleep(std::chrono::nanoseconds time) {
  if (time <= std::chrono::nanoseconds::zero()) return yield();
  const deadline until{time};
  sleep_until(steady_time(std::chrono::nanoseconds(until.nanoseconds())));
}

bool idle(deadline until) {
  return hub::current().idle_->wait(until, "idle", nullptr);
}

void hub::poll() {
  if (running_ != main_.get())
    throw std::logic_error("hub::poll is for the main greenlet");
  idle();
}

// --- a turn of the loop ---------------------------------------------------

/// The ready queue is empty, or its time is over: sees to the rest of the
/// world, and blocks when there is nothing else.
void hub::turn() {
  if (has_outside_work()) see_to_outside_work();
  if (!ready_.empty()) { // its time is over
    poll_io();
    if (clock_ == clock_kind::real) fire_timers();
  } else if (timers_.earliest() <= nanoseconds()) {
    poll_io(); // data goes before the limits that are due with it
    fire_timers();
  } else if (clock_ == clock_kind::virtual_time) {
    if (!poll_io() && !wake_idle()) {
      const std::uint64_t next = timers_.earliest();
      if (next == std::numeric_limits<std::uint64_t>::max())
        block();
      else
        virtual_now_ = std::max(virtual_now_, next);
      fire_timers();
    }
  } else if (idle_->empty() || (!poll_io() && !wake_idle())) {
    block();
  }
  begin_drain();
}

bool hub::poll_io() {
  return loop_->poll(handlers_a_turn) > 0;
}

bool hub::wake_idle() {
  const bool any = !idle_->empty();
  idle_->wake_all();
  return any;
}

void hub::fire_timers() {
  const std::uint64_t time = nanoseconds();
  timer_link late; // fire after the others
  while (timer* due = timers_.pop_due(time)) {
    if (due->late)
      late.append(*due);
    else
      due->fire(*due);
  }
  while (late.linked()) {
    auto& due = static_cast<timer&>(*late.next);
    due.unlink();
    due.fire(due);
  }
}

/// Waits for the outside: I/O, the next timer, another thread, a signal.
void hub::block() {
  trim_stacks();
  const bool real = clock_ == clock_kind::real;
  loop_->wake_at(real ? timers_.earliest()
                      : std::numeric_limits<std::uint64_t>::max());
  // Whoever adds outside work looks at asleep_ afterwards; we set it and look
  // again: in a total order one of the two sees the other.
  asleep_.store(true, std::memory_order_seq_cst);
  const bool called = remote_.load(std::memory_order_seq_cst) ||
                      signalled_.load(std::memory_order_seq_cst);
  const bool ran = called || loop_->run_one();
  asleep_.store(false, std::memory_order_relaxed);
  if (!ran && !has_outside_work()) report_deadlock();
}

void hub::trim_stacks() {
  const std::uint64_t time = real_nanoseconds();
  if (time - trimmed_ < trim_interval) return;
  trimmed_ = time;
  for (const auto& pool : pools_)
    pool->trim(std::max(kept_stacks, pool->free_count() / 2));
}

void hub::report_deadlock() {
  if (!main_->wait_) return;
  deadlock_ = std::make_exception_ptr(loop_exit(
      "this wait can never end: nothing is ready, and no timer, no I/O and "
      "no work_guard is left\n" +
      listing()));
  if (main_fiber_->exceptions.uncaught > 0) {
    log_error("the main greenlet waits for ever during unwinding\n" +
              listing());
    std::terminate();
  }
  main_->wait_->cancel(*main_->wait_, wake_cause::interrupted);
}

// --- from outside ---------------------------------------------------------

void hub::post(remote_task& work) noexcept {
  remote_task* newest = remote_.load(std::memory_order_relaxed);
  do
    work.next = newest;
  while (!remote_.compare_exchange_weak(
      newest, &work, std::memory_order_seq_cst, std::memory_order_relaxed));
  wake_up();
}

void hub::signal_arrived() noexcept {
  signalled_.store(true, std::memory_order_seq_cst);
  wake_up();
}

/// At most one wake-up is in flight: the first to see the hub asleep.
void hub::wake_up() noexcept {
  if (asleep_.load(std::memory_order_seq_cst) &&
      asleep_.exchange(false, std::memory_order_seq_cst))
    loop_->wake_up();
}

bool hub::has_outside_work() const {
  return remote_.load(std::memory_order_relaxed) ||
         signalled_.load(std::memory_order_relaxed);
}

void hub::see_to_outside_work() {
  if (signalled_.exchange(false, std::memory_order_acquire))
    deliver_signals(*this);
  remote_task* newest = remote_.exchange(nullptr, std::memory_order_acquire);
  remote_task* oldest = nullptr;
  while (newest)
    oldest = std::exchange(newest, std::exchange(newest->next, oldest));
  while (oldest) {
    remote_task& work = *std::exchange(oldest, oldest->next);
    try {
      work.run(work);
    } catch (...) {
      log_error("a posted function threw " +
                describe(std::current_exception()));
    }
  }
}

void hub::drop_outside_work() noexcept {
  remote_task* next = remote_.exchange(nullptr, std::memory_order_acquire);
  while (next) {
    remote_task& work = *std::exchange(next, next->next);
    if (work.drop) work.drop(work);
  }
}

work_guard::work_guard() : work_guard(hub::current()) {
}

work_guard::work_guard(hub& target) : hub_(target) {
  hub_.context().get_executor().on_work_started();
}

work_guard::~work_guard() {
  hub_.context().get_executor().on_work_finished();
}

// --- the end --------------------------------------------------------------

bool hub::shutdown(deadline until) {
  greenlet_base& self = check_wait("shutdown");
  for (bool in_time = true; in_time;) {
    std::vector<any_greenlet> others;
    for (greenlet_base* each = first_; each; each = each->next_)
      if (each != &self && each != main_.get()) others.emplace_back(*each);
    if (others.empty()) return true;
    in_time = killall(others, until);
  }
  log_warning("shutdown ran out of time; still alive:\n" + listing());
  return false;
}

bool shutdown(deadline until) {
  return hub::current().shutdown(until);
}

} // namespace greenroom
