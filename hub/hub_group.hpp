#pragma once

#include <greenroom/hub/address.hpp>
#include <greenroom/hub/deadline.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom {

struct hub_group_options {
  /// How many threads; 0: one for each CPU that this process may use.
  std::size_t hubs = 0;
  /// Each thread stays on one CPU of those that this process may use.
  bool pinned = false;
  /// Of the threads, with a number behind it: "hub-0".
  std::string name = "hub";
  /// Called with its number by the main greenlet of each hub before the group
  /// is complete. May wait. What it throws, the constructor throws.
  std::function<void(std::size_t)> at_start = {};
};

/// Threads with a hub each. A hub's greenlets share nothing with those of
/// another but what says that it is for several: references to actors,
/// results, addresses of hubs, `spawn_on`. So there are no races among them,
/// and each hub runs its own in the same order as if it were alone.
///
/// The hub that makes the group is not among them. It is the one that waits for
/// them to end.
///
/// Ownership  Owns the threads; what others hold are addresses.
/// Thread     `size`, `operator[]` and the placements: any. The rest: one
///            thread at a time.
/// Waits      The constructor, `stop` and the destructor, the greenlet only.
/// Errors     `std::system_error` when a thread or its hub could not be made,
///            `std::invalid_argument` for more than 256 hubs; those that were
///            made are stopped again.
/// Source     Seastar's shards, CAF's workers without their stealing: an actor
///            stays where it was made. DESIGN.md 3, "Ownership across hubs".
///
///     hub_group hubs{4};
///     auto sum = spawn_on(hubs[0], [] { return add_up(); });
///     auto store = spawn<cache>(on(hubs.by_key("store")), 100);
///     sum.get();
///     hubs.stop(5s);
class hub_group {
public:
  explicit hub_group(std::size_t hubs = 0);
  explicit hub_group(hub_group_options options);
  hub_group(const hub_group&) = delete;
  hub_group& operator=(const hub_group&) = delete;
  /// `stop()` for as long as it takes, unless that was called: then threads
  /// that did not stop are left alone.
  ~hub_group();

  std::size_t size() const { return addresses_.size(); }
  /// `number` is less than `size()`. An address stays valid to hold.
  const hub_address& operator[](std::size_t number) const {
    return addresses_[number];
  }
  auto begin() const { return addresses_.begin(); }
  auto end() const { return addresses_.end(); }

  // --- where to put the next ----------------------------------------------

  /// One hub after the other.
  const hub_address& round_robin();
  /// The one with the fewest greenlets, actors included.
  const hub_address& least_loaded() const;
  /// The same for equal keys, in this program and group.
  template <class Key>
  const hub_address& by_key(const Key& key) const {
    if constexpr (std::convertible_to<const Key&, std::string_view>)
      return by_hash(std::hash<std::string_view>{}(key));
    else
      return by_hash(std::hash<Key>{}(key));
  }
  const hub_address& by_hash(std::size_t hash) const;

  /// Ends the hubs, the last first: each one's `shutdown`, then its thread,
  /// before the next is told, who gets what is left of the time. False when `until` passed first: a log line names
  /// the hubs that still run, and what would not end. A hub where a greenlet
  /// does not give way is such a one.
  bool stop(deadline until = {});

private:
  struct member;
  struct call;

  void start(const hub_group_options& options);
  bool stop(member& last, deadline until);
  void stop_blocking() noexcept;

  std::vector<std::shared_ptr<member>> members_;
  std::vector<hub_address> addresses_;
  std::atomic<std::size_t> turn_{0};
};

} // namespace greenroom
