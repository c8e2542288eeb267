#pragma once

#include <greenroom/actors/address.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/wire/codec.hpp>
#include <greenroom/wire/error_hook.hpp>
#include <greenroom/wire/limits.hpp>
#include <greenroom/wire/typed_socket.hpp>
#include <greenroom/zmq/socket.hpp>

#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace greenroom::wire {

struct work_options {
  limits body{};
  error_hook on_bad_message{};
};

namespace inside {

inline void check_alive(const reference_key& actor) {
  if (!greenlet_of(actor) && !actor.is_elsewhere())
    throw_error(errc::dead, "wire::pull_work");
}

} // namespace inside

/// Sends what a pull socket receives to an actor, or to an actor_pool, until
/// the socket is closed: a greenlet's whole work, as `serve`. What it looks
/// like: ["job", [...]], as a `std::variant` of the messages named.
///
/// While the inbox is full (`bound_inbox`, `pool_options::capacity`, both of
/// policy `wait`) nothing is received, so that other workers get it, or those
/// who push wait: only one message is in hand.
///
/// Ownership  Refers to the socket.
/// Thread     The socket's; for the bound to hold, the actor's too.
/// Waits      All the time. Killed, it loses the one in hand, if any.
/// Errors     What the socket throws, but `errc::closed`; `errc::dead` when
///            the actor is.
///
///     actor_pool<painter> painters{{.least = 4, .capacity = 8}};
///     wire::pull_work<job>(jobs, painters.reference());
template <class... Messages>
void pull_work(zmq::socket& from,
               const std::type_identity_t<address<Messages...>>& to,
               const work_options& how = {}) {
  for (;;) {
    inside::check_alive(to.key());
    std::error_code failed;
    const zmq::message frames =
        inside::receive_next(from, how.on_bad_message, failed);
    if (failed == errc::closed) return;
    if (failed) throw std::system_error(failed, "wire::pull_work");
    inside::check_alive(to.key());
    try {
      std::visit([&](auto&& job) { to.send(std::move(job)); },
                 decode<std::variant<Messages...>>(inside::only_frame(frames),
                                                   how.body));
    } catch (const bad_message& why) {
      inside::tell(how.on_bad_message, why, frames);
    }
  }
}

} // namespace greenroom::wire
