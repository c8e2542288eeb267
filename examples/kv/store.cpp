#include "store.hpp"

#include <algorithm>

namespace kv {

void store::receive(work message) {
  message.of->perform(number_, keys_);
  watch_expiry();
}

count_keys::reply store::receive(count_keys) {
  return {keys_.size(), keys_.expiring()};
}

void store::receive(sweep) {
  sweeps_at_ = moment::max();
  keys_.drop_expired();
  watch_expiry();
}

void store::watch_expiry() {
  constexpr std::chrono::milliseconds longest = std::chrono::hours(24);
  const auto next = keys_.next_expiry();
  if (!next || *next >= sweeps_at_) return;
  next_sweep_.cancel();
  const auto delay = std::min(*next - this_moment(), longest);
  next_sweep_ =
      self().send_after(std::max(delay, std::chrono::milliseconds(0)), sweep{});
  sweeps_at_ = *next;
}

} // namespace kv
