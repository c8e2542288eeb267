#include <greenroom/io/thread_pool.hpp>

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace greenroom {

struct thread_pool::core : std::enable_shared_from_this<core> {
  explicit core(thread_pool_options given) : options(std::move(given)) {}

  bool has_room() const { // of the lock's holder, as all that follows
    return calls.size() < options.waiting + options.threads - running;
  }
  bool at_rest() const { return calls.empty() && running == 0; }
  struct place_in_line;
  void add(std::shared_ptr<call> made);
  void offer_room();
  void tell_joiners();
  void need_thread();
  void start_thread();
  void work();
  bool await_call(std::unique_lock<std::mutex>& lock);

  const thread_pool_options options;
  std::mutex lock;
  std::condition_variable news; // there is a call, or it is the end
  std::condition_variable ended;
  std::deque<std::shared_ptr<call>> calls; // that no thread has taken
  std::deque<async_result<void>> room;     // those who wait for it
  std::vector<async_result<void>> joiners;
  std::size_t threads = 0;
  std::size_t idle = 0; // of these
  std::size_t running = 0;
  bool closing = false;
};

// --- threads ----------------------------------------------------------------

void thread_pool::core::offer_room() {
  if (room.empty() || (!has_room() && !closing)) return;
  room.front().set();
  room.pop_front();
}

void thread_pool::core::tell_joiners() {
  if (!at_rest()) return;
  for (async_result<void>& each : joiners)
    each.set();
  joiners.clear();
}

/// Somebody sees to the newest call. Throws when there is nobody, and the
/// system has no thread.
void thread_pool::core::need_thread() {
  if (idle >= calls.size() || threads == options.threads) return;
  try {
    start_thread();
  } catch (const std::system_error&) {
    if (threads == 0) throw;
  }
}

void thread_pool::core::add(std::shared_ptr<call> made) {
  calls.push_back(std::move(made));
  try {
    need_thread();
  } catch (...) {
    calls.pop_back();
    throw;
  }
  news.notify_one();
}

/// One who waits for room. If he gave up when it was his, the next has it.
struct thread_pool::core::place_in_line {
  place_in_line(core& pool, const async_result<void>& told)
      : of(pool), turn(told) {}
  place_in_line(const place_in_line&) = delete;
  place_in_line& operator=(const place_in_line&) = delete;
  ~place_in_line() {
    const std::lock_guard own{of.lock};
    const bool waits = std::erase(of.room, turn) > 0;
    if (!waits && !came) of.offer_room();
  }

  core& of;
  const async_result<void>& turn;
  bool came = false; // and he goes on
};

/// Signals are for the threads of hubs.
void thread_pool::core::start_thread() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  struct restored {
    const sigset_t& mask;
    ~restored() { pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
  } const at_end{before};
  std::thread made{[self = shared_from_this()] { self->work(); }};
  constexpr std::size_t longest_name = 15;
  pthread_setname_np(made.native_handle(),
                     options.name.substr(0, longest_name).c_str());
  made.detach();
  ++threads;
}

void thread_pool::core::work() {
  std::unique_lock own{lock};
  while (await_call(own)) {
    const std::shared_ptr<call> next = std::move(calls.front());
    calls.pop_front();
    ++running;
    own.unlock();
    next->run();
    own.lock();
    --running;
    offer_room();
    tell_joiners();
  }
  --threads;
  ended.notify_all();
}

/// False when it is to end.
bool thread_pool::core::await_call(std::unique_lock<std::mutex>& own) {
  ++idle;
  const auto has_news = [&] { return closing || !calls.empty(); };
  // A point of time that the clock cannot count would be long past.
  constexpr std::chrono::hours longest{24 * 365};
  const bool in_time = news.wait_for(
      own, std::min<std::chrono::nanoseconds>(options.idle, longest), has_news);
  --idle;
  return in_time && !calls.empty();
}

// --- the pool ---------------------------------------------------------------

thread_pool::thread_pool(thread_pool_options options)
    : core_(std::make_shared<core>(std::move(options))) {
  if (core_->options.threads == 0)
    throw std::invalid_argument("thread_pool: without threads");
}

thread_pool::~thread_pool() {
  std::deque<std::shared_ptr<call>> dropped;
  {
    const std::lock_guard own{core_->lock};
    core_->closing = true;
    dropped.swap(core_->calls);
    while (!core_->room.empty())
      core_->offer_room();
    core_->news.notify_all();
  }
  for (const auto& each : dropped)
    each->drop(errc::destroyed);
  std::unique_lock own{core_->lock};
  core_->ended.wait(own, [this] { return core_->threads == 0; });
  core_->tell_joiners();
}

thread_pool& thread_pool::shared() {
  static auto* const pool = new thread_pool{{.name = "shared pool"}};
  return *pool;
}

void thread_pool::submit(const std::shared_ptr<core>& to,
                         std::shared_ptr<call> made, deadline until) {
  std::unique_lock own{to->lock};
  while (!to->closing) {
    if (to->has_room()) return to->add(std::move(made));
    if (until <= deadline{now()}) throw_error(errc::timed_out, "thread_pool");
    const async_result<void> turn; // set when there may be room
    to->room.push_back(turn);
    own.unlock();
    {
      core::place_in_line here{*to, turn};
      const work_guard outside;
      here.came = turn.wait(until);
    }
    own.lock();
  }
  throw_error(errc::destroyed, "thread_pool");
}

bool thread_pool::withdraw(core& from, const call& submitted) {
  const std::lock_guard own{from.lock};
  const auto found =
      std::find_if(from.calls.begin(), from.calls.end(),
                   [&](const auto& each) { return each.get() == &submitted; });
  if (found == from.calls.end()) return false;
  from.calls.erase(found);
  from.offer_room();
  from.tell_joiners();
  return true;
}

bool thread_pool::join(deadline until) {
  const std::shared_ptr<core> kept = core_;
  const work_guard outside;
  async_result<void> at_rest;
  {
    const std::lock_guard own{kept->lock};
    if (kept->at_rest()) return true;
    kept->joiners.push_back(at_rest);
  }
  return at_rest.wait(until);
}

std::size_t thread_pool::threads() const {
  const std::lock_guard own{core_->lock};
  return core_->threads;
}

std::size_t thread_pool::running() const {
  const std::lock_guard own{core_->lock};
  return core_->running;
}

std::size_t thread_pool::waiting() const {
  const std::lock_guard own{core_->lock};
  return core_->calls.size();
}

} // namespace greenroom
