#include <greenroom/mailbox/alarm_clock.hpp>

#include <greenroom/hub/hub.hpp>

namespace greenroom {

void alarm_clock::set(deadline moment) {
  hub& here = waiters_.home();
  here.check_thread("an alarm");
  unlink();
  rang_ = false;
  if (!moment.is_never()) here.arm(*this, moment);
}

bool alarm_clock::wait(deadline until) {
  return rang_ || waiters_.wait(until, "alarm_clock", this);
}

void alarm_clock::ring(timer& fired) {
  auto& self = static_cast<alarm_clock&>(fired);
  self.rang_ = true;
  self.waiters_.wake_all();
}

} // namespace greenroom
