#include <greenroom/mailbox/queue.hpp>

#include <greenroom/hub/hub.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace greenroom {

queue_base::queue_base(const queue_calls& calls, std::size_t capacity)
    : runnable(&serve_after_watch), calls_(calls), capacity_(capacity),
      room_(capacity) {
}

queue_base::~queue_base() {
  if (queued_) getters_.home().take_back(*this);
}

void queue_base::refuse_capacity(const queue_calls& calls, long long capacity) {
  throw std::invalid_argument(std::string(calls.type) + ": a capacity of " +
                              std::to_string(capacity) + " items");
}

void queue_base::check_home() const {
  getters_.home().check_thread("a queue");
}

// --- waiting --------------------------------------------------------------

/// One that was woken in vain keeps its place, and lets the next be served
/// before it waits again. Once `until` has passed the queue may be gone.
[[gnu::always_inline]] inline queue_base::refusal
queue_base::wait_in(wait_list& list, turn& mine, deadline until,
                    const char* what, bool again) {
  if (std::exchange(mine.of_, nullptr)) serve();
  if (closed_) return errc::closed;
  if (!list.wait_turn(until, what, this, again)) return errc::timed_out;
  mine.of_ = this;
  return std::nullopt;
}

queue_base::refusal queue_base::wait_for_item(turn& mine, deadline until,
                                              const char* what) {
  for (bool again = false; empty(); again = true)
    if (const refusal why = wait_in(getters_, mine, until, what, again))
      return why;
  return std::nullopt;
}

queue_base::refusal queue_base::wait_for_room(turn& mine, deadline until) {
  for (bool again = false; !has_room(); again = true)
    if (const refusal why = wait_in(putters_, mine, until, calls_.put, again))
      return why;
  return std::nullopt;
}

// --- tasks ----------------------------------------------------------------

void queue_base::task_done() {
  check_thread();
  if (unfinished_ == 0) {
    const greenlet_base* caller = getters_.home().running();
    throw std::logic_error(
        std::string(calls_.type) + ": task_done called too often (" +
        (caller ? "by greenlet '" + caller->name() + "')" : "in a callback)"));
  }
  finish(1);
}

void queue_base::finish(std::size_t tasks) {
  unfinished_ -= tasks;
  if (unfinished_ == 0) joiners_.wake_all();
}

bool queue_base::join(deadline until) {
  check_thread();
  return unfinished_ == 0 || joiners_.wait(until, calls_.join, this);
}

// --- the end --------------------------------------------------------------

/// All are woken, and look for themselves: getters may find an item.
void queue_base::shutdown() {
  check_thread();
  closed_ = true;
  room_ = 0;
  getters_.wake_all();
  putters_.wake_all();
}

void queue_base::discard_all() {
  shutdown();
  // Somebody may have called one done before it was taken.
  finish(std::min(std::exchange(size_, 0), unfinished_));
}

// --- serving --------------------------------------------------------------
//
// In the drain after a put or get whoever can go on does so, a putter and a
// getter in turn, oldest first. Each takes or adds its item itself when it
// runs, so that an item that fails to move is still in one place, and then
// wakes the next (`turn`). A watch does not look for sure: behind one, the
// queue itself goes on.

void queue_base::begin_serving() {
  served_ = 0;
  serve_one(false);
}

void queue_base::serve() {
  constexpr unsigned in_a_row = 64; // then others have their turn
  serve_one(++served_ % in_a_row != 0);
}

void queue_base::serve_one(bool ahead_of_others) {
  if (queued_) return; // it goes on by itself: it stands there once at most
  wait_list* const served = next_served();
  serving_ = served;
  if (!served) return;
  const bool goes_on = served->front()->waiting(); // else it is a watch
  if (ahead_of_others) {
    if (!goes_on) getters_.home().make_ready_next(*this);
    served->wake_one_next();
  } else {
    served->wake_one();
    if (!goes_on) getters_.home().make_ready(*this);
  }
  queued_ = !goes_on;
}

wait_list* queue_base::next_served() {
  const bool putter = has_room() && !putters_.empty();
  const bool getter = !empty() && !getters_.empty();
  if (!putter && !getter) return nullptr;
  putter_served_ = putter && !(getter && putter_served_);
  return putter_served_ ? &putters_ : &getters_;
}

void queue_base::serve_after_watch(runnable& step) {
  auto& self = static_cast<queue_base&>(step);
  self.queued_ = false;
  self.serve();
}

} // namespace greenroom
