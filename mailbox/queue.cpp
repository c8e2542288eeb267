#include <greenroom/mailbox/queue.hpp>

#include <greenroom/hub/hub.hpp>

#include <stdexcept>

namespace greenroom {

queue_base::queue_base(std::size_t capacity)
    : runnable(&hand_on), capacity_(capacity) {
  if (capacity == 0)
    throw std::invalid_argument("queue: a capacity of 0 items");
}

queue_base::~queue_base() {
  if (queued_) getters_.home().take_back(*this);
}

void queue_base::check_home() const {
  getters_.home().check_thread("a queue");
}

bool queue_base::wait_for_item(deadline until) {
  bool again = false; // keeps its place if others were quicker
  do {
    if (!getters_.wait_turn(until, "queue::get", this, again)) return false;
    again = true;
  } while (empty());
  return true;
}

bool queue_base::wait_for_room(deadline until) {
  bool again = false;
  do {
    if (!putters_.wait_turn(until, "queue::put", this, again)) return false;
    again = true;
  } while (full());
  return true;
}

void queue_base::item_added() {
  ++size_;
  if (!getters_.empty()) hand_on_later();
}

void queue_base::item_taken() {
  --size_;
  if (!putters_.empty()) hand_on_later();
}

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
  const bool putter = !self.full() && !self.putters_.empty();
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
