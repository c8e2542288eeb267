#pragma once

#include "batch.hpp"
#include "keyspace.hpp"

#include <greenroom/actors/actor.hpp>

#include <cstddef>
#include <memory>

namespace kv {

/// What this store is to do for a batch.
struct work {
  using reply = void;
  std::shared_ptr<batch> of;
};

struct count_keys {
  struct reply {
    std::size_t keys = 0;
    std::size_t expiring = 0;
  };
};

/// Some keys have expired.
struct sweep {};

/// Owns its part of the keys: nobody else reads or writes them. What it is
/// asked in one message it does in one go.
class store : public greenroom::actor<work, count_keys, sweep> {
public:
  /// It is store `number` of those that share the keys.
  explicit store(std::size_t number) : number_(number) {}

private:
  void receive(work message) override;
  count_keys::reply receive(count_keys) override;
  void receive(sweep) override;

  void watch_expiry();

  const std::size_t number_;
  keyspace keys_;
  greenroom::delayed_send next_sweep_;
  moment sweeps_at_ = moment::max();
};

using store_ref = greenroom::actor_ref<store>;

} // namespace kv
