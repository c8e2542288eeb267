#pragma once

#include <greenroom/hub/address.hpp>

namespace greenroom {

/// Where an actor is to live.
///
///     auto a = spawn<account>(on(hubs.round_robin()), 100L);
struct on {
  explicit on(const hub_address& hub) : where(hub) {}
  hub_address where;
};

} // namespace greenroom
