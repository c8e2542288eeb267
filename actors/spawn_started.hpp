#pragma once

#include <greenroom/actors/actor_base.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <concepts>
#include <utility>

namespace greenroom {

namespace inside {

void start_and_wait(actor_base& made, deadline until);

} // namespace inside

/// As `spawn`, and waits until the actor's `on_start` has returned.
///
/// Thread     The current hub's; the actor is of that hub.
/// Waits      Until it is up, or `until`. Then, and when the caller is killed
///            while it waits, the half-made actor is killed; at `until` it is
///            also waited for, a second at most.
/// Errors     What `on_start` threw. `errc::timed_out`. `errc::dead` when the
///            actor ended otherwise while it started; the text says why.
/// Source     Erlang's gen_server:start; OTP.md 1.4, G06 to G10.
///
///     auto store = spawn_started<cache>(5s, "cache.db");
template <std::derived_from<actor_base> Actor, class... Arguments>
actor_ref<Actor> spawn_started(deadline until, Arguments&&... arguments) {
  static_assert(std::constructible_from<Actor, Arguments...>,
                "spawn_started: no public constructor of this actor takes "
                "these arguments, or a receive() is missing");
  if constexpr (std::constructible_from<Actor, Arguments...>) {
    auto* made = new Actor(std::forward<Arguments>(arguments)...);
    greenlet_access::share(*made);
    const any_greenlet kept{*made};
    const actor_ref<Actor> reference{actor_access::key(*made)};
    inside::start_and_wait(*made, until);
    return reference;
  } else { // one error is enough
    return {};
  }
}

} // namespace greenroom
