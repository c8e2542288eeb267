#pragma once

// Private to the actors room: a supervisor's child on another hub.

#include <greenroom/actors/child_options.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/hub/address.hpp>

#include <functional>
#include <memory>

namespace greenroom {

/// Where such a child lives, over its restarts: a place on its hub, which is
/// given back when nobody needs it any more.
///
/// Thread     Any.
struct far_child {
  using maker = std::function<actor_base*(const reference_key& place)>;

  far_child(const hub_address& hub, const reference_key& place,
            const child_options& options, maker how)
      : where(hub), key(place), treated(options), make(std::move(how)) {}
  far_child(const far_child&) = delete;
  far_child& operator=(const far_child&) = delete;
  ~far_child();

  /// Waits. `errc::dead` when that hub has ended.
  static std::shared_ptr<const far_child>
  reserve(const hub_address& where, const child_options& how, maker make);

  // Constant.
  const hub_address where;
  const reference_key key;
  const child_options treated;
  const maker make; // called there
};

/// What makes the actor that stands for it in its supervisor: it begins, ends
/// and fails as the child does.
far_child::maker stand_in_for(std::shared_ptr<const far_child> child);

} // namespace greenroom
