#include <greenroom/mailbox/latch.hpp>

#include <stdexcept>
#include <string>

namespace greenroom {

latch::latch(std::ptrdiff_t count) : count_(count) {
  if (count < 0)
    throw std::invalid_argument("latch: a count of " + std::to_string(count));
  if (count == 0) open_.set();
}

void latch::count_down(std::ptrdiff_t some) {
  open_.check_thread();
  if (some < 0 || some > count_)
    throw std::logic_error("latch: " + std::to_string(some) +
                           " counted down, with " + std::to_string(count_) +
                           " left");
  count_ -= some;
  if (count_ == 0) open_.set();
}

bool latch::wait(deadline until) {
  return ready() || open_.wait_as(until, "latch::wait", this);
}

} // namespace greenroom
