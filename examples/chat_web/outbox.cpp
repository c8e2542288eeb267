#include "outbox.hpp"

#include <system_error>
#include <utility>

namespace chat_web {

void outbox::put(event_ptr what) {
  if (closed()) return;
  if (events_.full()) events_.pop();
  events_.try_put(std::move(what));
}

void outbox::close(std::uint16_t code) {
  if (closed()) return;
  close_code_ = code;
  events_.shutdown();
}

event_ptr outbox::take(greenroom::deadline until) {
  std::error_code failed;
  return events_.get(until, failed).value_or(nullptr);
}

} // namespace chat_web
