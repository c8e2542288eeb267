#include <greenroom/mailbox/queue.hpp>

#include <greenroom/hub/hub.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace greenroom {

queue_base::queue_base(const queue_calls& calls, std::size_t capacity)
    : runnable(&hand_on), calls_(calls), capacity_(capacity), room_(capacity) {
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

queue_base::refusal queue_base::wait_for_item(deadline until,
                                              const char* what) {
  for (bool again = false; empty(); again = true) { // keeps its place
    if (closed_) return errc::closed;
    if (!getters_.wait_turn(until, what, this, again)) return errc::timed_out;
  }
  return std::nullopt;
}

queue_base::refusal queue_base::wait_for_room(deadline until) {
  for (bool again = false; !has_room(); again = true) {
    if (closed_) return errc::closed;
    if (!putters_.wait_turn(until, calls_.put, this, again))
      return errc::timed_out;
  }
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

// --- handing on -----------------------------------------------------------

void queue_base::hand_on_later() {
  if (queued_) return;
  queued_ = true;
  served_ = 0;
  getters_.home().make_ready(*this);
}

/// In the drain after a put or get: whoever can go on does so here and now, a
/// putter and a getter in turn, oldest first. Each takes or adds its item
/// itself when it runs, right after this, so that an item that fails to move
/// is still in one place.
void queue_base::hand_on(runnable& step) {
  auto& self = static_cast<queue_base&>(step);
  hub& here = self.getters_.home();
  const bool putter = self.has_room() && !self.putters_.empty();
  const bool getter = !self.empty() && !self.getters_.empty();
  self.queued_ = putter || getter;
  if (!self.queued_) return;
  const bool serve_getter = getter && (self.putter_served_ || !putter);
  self.putter_served_ = !serve_getter;
  constexpr int in_a_row = 64; // then others have their turn
  if (++self.served_ % in_a_row == 0)
    here.make_ready(self);
  else
    here.make_ready_next(self);
  wait_list& served = serve_getter ? self.getters_ : self.putters_;
  served.wake_one_next();
}

} // namespace greenroom
