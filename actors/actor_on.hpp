#pragma once

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/on.hpp>
#include <greenroom/mailbox/spawn_on.hpp>

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

namespace greenroom {

/// Makes the actor on another hub, and starts it there; it stays there for
/// life. What it is made from moves there.
///
/// Waits      Until it is made, if that hub is not the caller's; one who is
///            killed meanwhile leaves it there, alive. For one who cannot wait:
///            `spawn_on(hub, [] { return spawn<account>(100L); })`.
/// Errors     What the constructor throws; `errc::dead` when that hub has ended.
template <std::derived_from<actor_base> Actor, class... Arguments>
actor_ref<Actor> spawn(on there, Arguments&&... arguments) {
  if (there.where.is_here())
    return spawn<Actor>(std::forward<Arguments>(arguments)...);
  auto made = spawn_on(
      there.where, [kept = std::tuple<std::decay_t<Arguments>...>(
                        std::forward<Arguments>(arguments)...)]() mutable {
        return std::apply(
            [](auto&... each) { return spawn<Actor>(std::move(each)...); },
            kept);
      });
  return made.get();
}

} // namespace greenroom
