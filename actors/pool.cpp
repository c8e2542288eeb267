#include <greenroom/actors/pool.hpp>

#include <greenroom/hub/hub.hpp>

#include <stdexcept>
#include <string>

namespace greenroom {

pool::~pool() {
  if (queued_) home().take_back(*this);
}

void pool::refuse_capacity(long long capacity) {
  throw std::invalid_argument("pool: a capacity of " +
                              std::to_string(capacity) + " greenlets");
}

bool pool::wait_for_room(deadline until) {
  bool again = false; // keeps its place if others were quicker
  while (full()) {
    if (!room_.wait_turn(until, "pool::add", this, again)) return false;
    again = true;
  }
  return true;
}

std::size_t pool::wait_available(deadline until) {
  return wait_for_room(until) ? free_count() : 0;
}

void pool::room_made() {
  if (queued_ || room_.empty()) return;
  queued_ = true;
  served_ = 0;
  home().make_ready(*this);
}

/// In the drain after a member left: whoever waits comes in here and now,
/// oldest first, each by itself when it runs, right after this. One that does
/// not take the room, for whatever reason, does not keep it from the next.
void pool::hand_on(runnable& step) {
  auto& self = static_cast<pool&>(step);
  hub& here = self.home();
  self.queued_ = !self.full() && !self.room_.empty();
  if (!self.queued_) return;
  constexpr int in_a_row = 64; // then others have their turn
  if (++self.served_ % in_a_row == 0)
    here.make_ready(self);
  else
    here.make_ready_next(self);
  self.room_.wake_one_next();
}

} // namespace greenroom
