#pragma once

#include <greenroom/actors/address.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/wire/codec.hpp>
#include <greenroom/wire/error_hook.hpp>
#include <greenroom/wire/limits.hpp>
#include <greenroom/wire/reply.hpp>
#include <greenroom/zmq/socket.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace greenroom::wire {

struct serve_options {
  /// From the request to the reply, which then says "timed_out".
  std::chrono::nanoseconds reply_within = std::chrono::seconds{5};
  /// Requests at a time, of a router; more stay in the socket.
  std::size_t most_asks = 100;
  limits body{};
  error_hook on_bad_message{};
};

namespace inside {

/// Makes a reply's body of a request's; may wait until `until`.
using answer_function =
    std::function<std::string(std::string_view body, deadline until)>;

void serve_bodies(zmq::socket& at, const serve_options& how,
                  const answer_function& answer);

/// The reply's body.
template <class Message>
std::string ask_for_body(const address<Message>& actor, Message&& message,
                         deadline until) {
  auto answer = actor.ask(std::move(message), until);
  if (!answer.wait(until))
    return refusal("timed_out", "no reply to " +
                                    std::string(name_of<Message>()) +
                                    " in time");
  if (const auto error = answer.exception()) return refusal_of(error);
  writer to;
  to.array(2);
  to.text("ok");
  if constexpr (std::is_void_v<reply_t<Message>>)
    to.nil();
  else
    write(to, answer.take());
  return to.take();
}

} // namespace inside

/// Has an actor answer requests from a rep or router socket, until that is
/// closed: a greenlet's whole work, under a supervisor, say. Only the messages
/// named are let in; what a request looks like, see `codec.hpp`:
///
///     ["deposit", [5]]  ->  ["ok", nil]
///     ["balance", []]   ->  ["ok", 5], ["dead", "..."], ["failed", "..."]
///
/// A router's requests are asked side by side, and answered as the actor does,
/// each to whom asked. A request of several frames is answered with its first
/// ones, up to an empty one, in front: so clients may be req, or dealer with a
/// number in front of the empty frame, and proxies may be between.
///
/// Ownership  Refers to the socket, which stays open when this ends, and can be
///            served again: by a restart, say.
/// Thread     The socket's. The actor may be on another hub.
/// Waits      All the time. When it ends, killed or not, who still waits for a
///            reply is told "no_reply".
/// Errors     What the socket throws, but `errc::closed`; what the hook throws.
///            A body that cannot be decoded goes to the hook, and its sender is
///            told "bad_message"; an actor that is dead or fails concerns who
///            asked only.
///
///     zmq::socket front{zmq::socket_type::router};
///     front.bind("tcp://127.0.0.1:5000");
///     tree.add("front", permanent, [&front, account] {
///       wire::serve<deposit, balance>(front, account);
///     });
template <class... Messages>
void serve(zmq::socket& at,
           const std::type_identity_t<address<Messages...>>& actor,
           const serve_options& how = {}) {
  using any = std::variant<Messages...>;
  inside::serve_bodies(
      at, how, [&](std::string_view body, deadline until) -> std::string {
        return std::visit(
            [&]<class Message>(Message&& asked) {
              return inside::ask_for_body<Message>(
                  actor, std::forward<Message>(asked), until);
            },
            decode<any>(body, how.body));
      });
}

} // namespace greenroom::wire
