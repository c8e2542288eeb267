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
#include <stdexcept>
#include <string>
#include <utility>

namespace greenroom {
namespace {

constexpr std::size_t default_stack = 256 * 1024; // bytes

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
  bool of_main_thread = false;
  ~hub_holder() {
    if (!owned) return; // it could not be made
    owned->close();
    if (of_main_thread)
      keep_reachable(owned);
    else
      delete owned;
  }
};

hub& hub::make() {
  static thread_local hub_holder holder;
  try {
    holder.owned = new hub;
    holder.of_main_thread = getpid() == holder.owned->thread_id();
  } catch (...) { // no descriptors are left, say
    this_hub_ = nullptr;
    throw;
  }
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
  entry_.emplace(*this);
  address_ = entry_->address();
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
  running_ = nullptr; // who waits now is refused
  leave_registry(*this);
  forget_signals(*this);
  remove(*main_);
  tell_end();
  send_out();
  fetch_unsent(); // to be dropped with the rest
  entry_.reset();
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
  log_info("the end: " + std::to_string(greenlets()) +
           " greenlets were abandoned, not unwound:" + names +
           (greenlets() > 10 ? ", ..." : ""));
  keep_reachable(first_);
}

// --- the clock ------------------------------------------------------------

std::uint64_t hub::real_nanoseconds() {
  return static_cast<std::uint64_t>(
      std::chrono::steady_clock::now().time_since_epoch().count());
}

void hub::use_clock(clock_kind kind) {
  if (kind == clock_) return;
  if (kind == clock_kind::real)
    throw std::logic_error("hub::use_clock: virtual time cannot turn real, "
                           "which would be back");
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
  greenlet_count_.store(greenlets() + 1, std::memory_order_relaxed);
}

void hub::remove(greenlet_base& greenlet) {
  (greenlet.previous_ ? greenlet.previous_->next_ : first_) = greenlet.next_;
  (greenlet.next_ ? greenlet.next_->previous_ : last_) = greenlet.previous_;
  greenlet_count_.store(greenlets() - 1, std::memory_order_relaxed);
}

greenlet_base& current() {
  greenlet_base* running = hub::current().running();
  if (!running) throw wait_refused("no greenlet runs inside a hub callback");
  return *running;
}

spawn_callback_id
hub::add_spawn_callback(std::function<void(greenlet_base&)> callback) {
  check_thread("hub::add_spawn_callback");
  auto more = std::make_shared<spawn_callbacks>();
  if (spawn_callbacks_) *more = *spawn_callbacks_;
  const spawn_callback_id id{++last_spawn_callback_};
  more->push_back({id, std::move(callback)});
  spawn_callbacks_ = std::move(more);
  return id;
}

void hub::remove_spawn_callback(spawn_callback_id id) {
  check_thread("hub::remove_spawn_callback");
  if (!spawn_callbacks_) return;
  auto left = std::make_shared<spawn_callbacks>();
  for (const spawn_callback& each : *spawn_callbacks_)
    if (each.id != id) left->push_back(each);
  if (left->empty()) left.reset();
  spawn_callbacks_ = std::move(left);
}

/// One that a callback removes is still called for this greenlet.
void hub::call_spawn_callbacks(greenlet_base& started) {
  if (std::exchange(telling_start_, true)) return;
  const no_wait guard;
  const auto kept = spawn_callbacks_;
  for (const spawn_callback& each : *kept)
    try {
      each.call(started);
    } catch (...) {
      log_error("a spawn callback threw " + describe(std::current_exception()));
    }
  telling_start_ = false;
}

// --- from outside ---------------------------------------------------------

void hub::post(remote_task& work) noexcept {
  push(work);
  wake_up();
}

void hub::push(remote_task& work) noexcept {
  remote_task* newest = remote_.load(std::memory_order_relaxed);
  do
    work.next = newest;
  while (!remote_.compare_exchange_weak(
      newest, &work, std::memory_order_seq_cst, std::memory_order_relaxed));
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

work_guard::work_guard(hub& target) : hub_(target.address()) {
  target.context().get_executor().on_work_started();
}

work_guard::~work_guard() {
  hub_.visit([](hub& guarded) {
    guarded.context().get_executor().on_work_finished();
  });
}

// --- the end --------------------------------------------------------------

void hub::add_end_link(hub_end_link& entry) {
  entry.previous = nullptr;
  entry.next = end_links_;
  if (end_links_) end_links_->previous = &entry;
  end_links_ = &entry;
}

void hub::remove_end_link(hub_end_link& entry) {
  (entry.previous ? entry.previous->next : end_links_) = entry.next;
  if (entry.next) entry.next->previous = entry.previous;
}

void hub::tell_end() noexcept {
  while (hub_end_link* entry = end_links_) {
    remove_end_link(*entry);
    entry->on_end(*entry);
  }
}

void hub::add_shutdown_link(hub_shutdown_link& entry) {
  entry.previous = shutdown_links_.previous;
  entry.next = &shutdown_links_;
  entry.previous->next = entry.next->previous = &entry;
}

bool hub::shutdown(deadline until) {
  greenlet_base& self = check_wait("shutdown");
  while (shutdown_links_.standing()) {
    hub_shutdown_link& newest = *shutdown_links_.previous;
    newest.leave();
    newest.on_shutdown(newest, until);
  }
  bool settled = false; // who ended just before has told his links
  for (bool in_time = true; in_time;) {
    std::vector<any_greenlet> others;
    for (greenlet_base* each = first_; each; each = each->next_)
      if (each != &self && each != main_.get()) others.emplace_back(*each);
    if (others.empty()) {
      if (settled || !has_ready()) return true;
      settled = true;
      yield();
      continue;
    }
    settled = false;
    in_time = killall(others, until);
  }
  log_warning("shutdown ran out of time; still alive:\n" + listing());
  return false;
}

bool shutdown(deadline until) {
  return hub::current().shutdown(until);
}

} // namespace greenroom
