#include "clone_table.hpp"

#include <chrono>

namespace greenroom::zmq {

std::optional<clone_update> clone_table::apply(clone_update change,
                                               steady_time now) {
  const bool erased = change.value.empty();
  if (!erased && entries_.size() >= most_keys_ &&
      entries_.find(change.key) == entries_.end())
    return {};
  change.sequence = ++sequence_;
  erase(change.key);
  if (erased) return change;
  const auto ttl = ttl_of(change.properties);
  const auto expiry = ttl.count() > 0 ? expiries_.emplace(now + ttl, change.key)
                                      : expiries_.end();
  entries_.emplace(change.key,
                   kept{std::make_shared<const clone_update>(change), expiry});
  return change;
}

void clone_table::erase(const std::string& key) {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return;
  if (at->second.expiry != expiries_.end()) expiries_.erase(at->second.expiry);
  entries_.erase(at);
}

std::optional<clone_update> clone_table::expire(steady_time now) {
  if (expiries_.empty() || now < expiries_.begin()->first) return {};
  return apply({.key = expiries_.begin()->second}, now);
}

deadline clone_table::next_expiry() const {
  return expiries_.empty() ? deadline{} : deadline{expiries_.begin()->first};
}

std::vector<clone_table::entry>
clone_table::snapshot(std::string_view subtree) const {
  std::vector<entry> found;
  for (auto at = entries_.lower_bound(subtree);
       at != entries_.end() && at->first.starts_with(subtree); ++at)
    found.push_back(at->second.what);
  return found;
}

} // namespace greenroom::zmq
