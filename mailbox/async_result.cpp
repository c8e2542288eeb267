#include <greenroom/mailbox/async_result.hpp>

namespace greenroom {

bool result_state::wait(deadline until) {
  while (!ready_)
    if (!waiters_.wait(until, "async_result", this)) return false;
  return true;
}

void result_state::fail(std::exception_ptr error) {
  error_ = std::move(error);
  became_ready();
}

void result_state::became_ready() {
  ready_ = true;
  waiters_.wake_all();
}

} // namespace greenroom
