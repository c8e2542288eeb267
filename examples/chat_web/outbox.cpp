#include "outbox.hpp"

#include <cstddef>
#include <system_error>
#include <utility>

namespace chat_web {
namespace {

constexpr std::size_t good_write = 16'384; // bytes

} // namespace

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

std::string outbox::take_all(greenroom::deadline until) {
  std::string all = "[";
  if (const event_ptr first = take(until)) all += first->json;
  while (all.size() < good_write && !events_.empty())
    all += ',' + events_.get()->json;
  return all += ']';
}

} // namespace chat_web
