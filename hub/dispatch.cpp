// The scheduler: what runs next, on which stack, and what happens when there
// is nothing.

#include <greenroom/hub/hub.hpp>

#include "extras.hpp"
#include "fiber.hpp"
#include "joining.hpp"
#include "loop.hpp"
#include "stack.hpp"

#include <greenroom/hub/log.hpp>

#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <stdexcept>
#include <thread>
#include <utility>

namespace greenroom {
namespace {

constexpr int slice_items = 64; // between two looks at the clock
constexpr std::uint64_t drain_budget = 5'000'000;      // nanoseconds
constexpr std::uint64_t trim_interval = 1'000'000'000; // nanoseconds
constexpr std::size_t kept_stacks = 32;
constexpr int handlers_a_turn = 64;
constexpr std::uint64_t longest_spin = 20'000; // nanoseconds
constexpr std::uint64_t quick_answer = 60'000; // nanoseconds
constexpr int spins_a_poll = 16;

constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

} // namespace

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
    runnable& work = ready_.pop();
    count_switch();
    if (work.suspended_on)
      resume(work);
    else if (workers_->has_spare() || make_spare_worker(work))
      work.on_turn(work);
  }
}

/// What is about to run may wait, and then another worker must go on: its
/// stack is made sure of now, where a lack of memory can be told to a fresh
/// greenlet. False when that ended it.
bool hub::make_spare_worker(runnable& work) {
  try {
    workers_->keep_spare();
    return true;
  } catch (const std::bad_alloc&) {
    if (work.on_turn != &greenlet_base::begin_step)
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
  send_out();
  if (has_outside_work()) see_to_outside_work();
  const std::uint64_t time = real_nanoseconds();
  if (drain_began_ == 0) drain_began_ = time;
  return time - drain_began_ > drain_budget;
}

/// The clock is first looked at when the first slice is over: most drains are
/// shorter.
void hub::begin_drain() {
  drain_began_ = 0;
  slice_ = slice_items;
}

/// From a worker that has nothing of its own to keep: it becomes free.
void hub::resume(runnable& suspended) {
  fiber& self = *running_fiber_;
  fiber& target = *std::exchange(suspended.suspended_on, nullptr);
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
  runnable* next = ready_.front();
  if (next && slice_ > 0 && (next->suspended_on || next == &greenlet)) {
    --slice_;
    count_switch();
    ready_.pop();
    if (next == &greenlet) return;
    greenlet.suspended_on = &self;
    running_ = static_cast<greenlet_base*>(next);
    running_fiber_ = std::exchange(next->suspended_on, nullptr);
  } else {
    fiber& worker = idle_worker();
    greenlet.suspended_on = &self;
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
    fresh.never_begun();
    fresh.finish();
    return true;
  }
  prepare(*own, &run_own_stack, &fresh);
  fresh.suspended_on = own;
  resume(fresh);
  return true;
}

void hub::run_own_stack(void* greenlet) {
  auto& fresh = *static_cast<greenlet_base*>(greenlet);
  hub& here = fresh.home();
  fresh.on_turn(fresh); // the first, again
  // Others must not run on a stack of a size they did not ask for.
  fiber& self = *here.running_fiber_;
  fiber& worker = here.idle_worker();
  here.running_fiber_ = &worker;
  self.context = nullptr;
  self.pool->put(self);
  leave_fiber(self, worker);
}

// --- a turn of the loop ---------------------------------------------------

/// The ready queue is empty, or its time is over: sees to the rest of the
/// world, and blocks when there is nothing else.
void hub::turn() {
  send_out();
  if (has_outside_work()) see_to_outside_work();
  if (!ready_.empty()) { // its time is over
    poll_io();
    if (clock_ == clock_kind::real) fire_timers();
  } else if (joining_ && nothing_left()) {
    wake(*joining_, wake_cause::notified);
  } else if (timer_is_due()) {
    poll_io(); // data goes before the limits that are due with it
    fire_timers();
  } else if (clock_ == clock_kind::virtual_time) {
    if (!poll_io() && !wake_idle()) {
      const std::uint64_t next = timers_.earliest();
      if (next == never)
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

bool hub::timer_is_due() {
  const std::uint64_t next = timers_.earliest();
  return next != never && next <= nanoseconds();
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

namespace {

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

} // namespace

/// Between hubs that answer each other, falling asleep and being woken cost
/// more than the work: so one whose last sleep others ended quickly first waits
/// awake, for less time than that takes. True when something came. After a wait
/// in vain it does without, until a sleep is short again.
bool hub::spin() {
  static const bool others_can_run = std::thread::hardware_concurrency() > 1;
  if (!spins_ || !others_can_run || clock_ != clock_kind::real) return false;
  const std::uint64_t begin = real_nanoseconds();
  const std::uint64_t end = std::min(begin + longest_spin, timers_.earliest());
  do {
    for (int i = 0; i < 32; ++i) {
      if (has_outside_work()) return true;
      relax();
    }
  } while (real_nanoseconds() < end);
  spins_ = false;
  return false;
}

/// Waits for the outside: I/O, the next timer, another thread, a signal. What
/// came together is made ready together.
void hub::block() {
  trim_stacks();
  if (spin()) {
    if (++spun_ % spins_a_poll == 0) poll_io();
    return;
  }
  const bool real = clock_ == clock_kind::real;
  const std::uint64_t began = real_nanoseconds();
  loop_->wake_at(real ? timers_.earliest() : never);
  // Whoever adds outside work looks at asleep_ afterwards; we set it and look
  // again: in a total order one of the two sees the other.
  address_.seat()->sleeps_.store(true, std::memory_order_seq_cst);
  asleep_.store(true, std::memory_order_seq_cst);
  const bool called = fetch_unsent() ||
                      remote_.load(std::memory_order_seq_cst) ||
                      signalled_.load(std::memory_order_seq_cst);
  const bool came = !called && loop_->run_one();
  asleep_.store(false, std::memory_order_relaxed);
  address_.seat()->sleeps_.store(false, std::memory_order_relaxed);
  if (came) poll_io();
  spins_ = remote_.load(std::memory_order_relaxed) &&
           real_nanoseconds() - began < quick_answer;
  if (!came && !called && !has_outside_work()) report_deadlock();
}

void hub::trim_stacks() {
  if (workers_->free_count() <= kept_stacks && pools_.size() == 1) return;
  const std::uint64_t time = real_nanoseconds();
  if (time - trimmed_ < trim_interval) return;
  trimmed_ = time;
  for (const auto& pool : pools_)
    pool->trim(std::max(kept_stacks, pool->free_count() / 2));
}

/// Nothing can ever happen but the end of the time for `join`.
bool hub::nothing_left() {
  timer& limit = joining_->limit;
  const bool limited = limit.linked();
  limit.unlink();
  const bool none = timers_.earliest() == never && !loop_->has_work() &&
                    ready_.empty() && !has_outside_work();
  if (limited && !none) timers_.arm(limit, limit.when);
  return none;
}

void hub::report_deadlock() {
  if (!main_->wait_) return;
  if (deadlock_) { // told before: what it waits for knows no cancellation
    log_error(
        "the main greenlet waits for ever for what cannot be cancelled\n" +
        listing());
    std::terminate();
  }
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

} // namespace greenroom
