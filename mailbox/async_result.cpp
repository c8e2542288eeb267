#include <greenroom/mailbox/async_result.hpp>

#include <greenroom/hub/hub.hpp>

#include <stdexcept>

namespace greenroom {

bool result_state::wait(deadline until) {
  while (!ready_)
    if (!waiters_.wait(until, "async_result", this)) return false;
  return true;
}

void result_state::fail(std::exception_ptr error) {
  if (!error) throw std::invalid_argument("async_result: no exception to set");
  error_ = std::move(error);
  became_ready();
}

void result_state::became_ready() {
  ready_ = true;
  waiters_.wake_all();
}

void result_state::give_up() {
  while (wait_record* oldest = waiters_.front()) {
    waiters_.take_off(*oldest);
    waiters_.home().wake(*oldest, wake_cause::destroyed);
  }
}

} // namespace greenroom
