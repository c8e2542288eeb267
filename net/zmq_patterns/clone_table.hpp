#pragma once

// Private to the zmq_patterns room: what a clone server keeps.

#include "clone_update.hpp"

#include <greenroom/hub/deadline.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::zmq {

/// Keys and values with a number for each change; some with a time to live.
class clone_table {
public:
  using entry = std::shared_ptr<const clone_update>;

  clone_table(std::uint64_t sequence, std::size_t most_keys)
      : most_keys_(most_keys), sequence_(sequence) {}

  /// Numbers the change and makes it: with an empty value, erases the key.
  /// Nothing when there is no room for one more key.
  std::optional<clone_update> apply(clone_update change, steady_time now);

  /// One change that erases a key whose time has come, if there is one.
  std::optional<clone_update> expire(steady_time now);
  deadline next_expiry() const;

  /// In the order of the keys. What is changed later leaves it as it is.
  std::vector<entry> snapshot(std::string_view subtree) const;

  std::uint64_t sequence() const { return sequence_; }
  std::size_t size() const { return entries_.size(); }

private:
  using expiries = std::multimap<steady_time, std::string>;
  struct kept {
    entry what;
    expiries::iterator expiry; // the end: lives on
  };

  void erase(const std::string& key);

  const std::size_t most_keys_;
  std::uint64_t sequence_;
  std::map<std::string, kept, std::less<>> entries_;
  expiries expiries_;
};

} // namespace greenroom::zmq
