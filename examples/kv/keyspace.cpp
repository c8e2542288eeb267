#include "keyspace.hpp"

#include <greenroom/hub/deadline.hpp>

namespace kv {

moment this_moment() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(
      greenroom::now());
}

std::optional<moment> keyspace::entry::expiry() const {
  if (!expiry_) return std::nullopt;
  return (*expiry_)->first;
}

keyspace::item* keyspace::find(std::string_view key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  const auto expiry = found->second.expiry();
  if (expiry && *expiry <= this_moment()) {
    erase(found);
    return nullptr;
  }
  return &*found;
}

keyspace::item& keyspace::make(std::string_view key) {
  if (item* const found = find(key)) return *found;
  return *entries_.try_emplace(std::string(key)).first;
}

bool keyspace::erase(std::string_view key) {
  if (!find(key)) return false;
  erase(entries_.find(key));
  return true;
}

void keyspace::erase(table::iterator which) {
  if (which->second.expiry_) expiries_.erase(*which->second.expiry_);
  entries_.erase(which);
}

void keyspace::clear() {
  expiries_.clear();
  entries_.clear();
}

void keyspace::set_expiry(item& of, std::optional<moment> when) {
  auto& expiry = of.second.expiry_;
  if (expiry) expiries_.erase(*expiry);
  expiry.reset();
  if (when) expiry = expiries_.emplace(*when, of.first);
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
