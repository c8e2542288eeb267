#include "outbox.hpp"

#include <memory>
#include <utility>

namespace chat {
namespace {

constexpr std::size_t good_write = 16'384; // bytes

std::string dropped_notice(std::size_t lines) {
  return "* you read too slowly: " + std::to_string(lines) +
         " lines were dropped here\n";
}

} // namespace

void outbox::put(line text) {
  if (!closed_) add(std::move(text));
}

void outbox::close() {
  if (std::exchange(closed_, true)) return;
  add(std::make_shared<const std::string>()); // wakes who waits in `take`
}

void outbox::add(line text) {
  if (lines_.full()) {
    lines_.pop();
    ++dropped_;
  }
  lines_.try_put(std::move(text));
}

std::string outbox::take() {
  if (closed_ && lines_.empty()) return {};
  line next = lines_.get();
  std::string taken;
  if (dropped_ > 0) taken = dropped_notice(std::exchange(dropped_, 0));
  taken += *next;
  while (taken.size() < good_write && !lines_.empty())
    taken += *lines_.get();
  return taken;
}

} // namespace chat
