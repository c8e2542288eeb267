#include "keyspace.hpp"

#include <greenroom/hub/deadline.hpp>

namespace kv {

moment this_moment() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(
      greenroom::now());
}

keyspace::entry* keyspace::find(std::string_view key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  const auto& expiry = found->second.expiry;
  if (expiry && (*expiry)->first <= this_moment()) {
    erase(found);
    return nullptr;
  }
  return &found->second;
}

keyspace::entry& keyspace::make(std::string_view key) {
  if (entry* const found = find(key)) return *found;
  return entries_.try_emplace(std::string(key)).first->second;
}

bool keyspace::erase(std::string_view key) {
  if (!find(key)) return false;
  erase(entries_.find(key));
  return true;
}

void keyspace::erase(table::iterator which) {
  if (which->second.expiry) expiries_.erase(*which->second.expiry);
  entries_.erase(which);
}

void keyspace::clear() {
  expiries_.clear();
  entries_.clear();
}

std::optional<moment> keyspace::expiry(std::string_view key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || !found->second.expiry) return std::nullopt;
  return (*found->second.expiry)->first;
}

void keyspace::set_expiry(std::string_view key, std::optional<moment> when) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  auto& expiry = found->second.expiry;
  if (expiry) expiries_.erase(*expiry);
  expiry.reset();
  if (when) expiry = expiries_.emplace(*when, found->first);
}

void keyspace::drop_expired() {
  const moment now = this_moment();
  while (!expiries_.empty() && expiries_.begin()->first <= now)
    erase(entries_.find(expiries_.begin()->second));
}

std::optional<moment> keyspace::next_expiry() const {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first;
}

} // namespace kv
