#pragma once

#include <greenroom/actors/exit_reason.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/actors/topic.hpp>
#include <greenroom/mailbox/inbox_base.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <string>

namespace greenroom {

class greenlet_base;
struct envelope;

/// A message that nobody will receive.
struct dead_letter {
  reference_key to;
  std::string message; ///< its type
  const char* why;     ///< "the actor is dead", ...
};

/// A supervisor has restarted a child.
struct actor_restarted {
  reference_key who;        ///< nobody, when it is no actor
  std::string name;         ///< of the child
  exit_reason why;          ///< it had ended for
  std::size_t restarts = 0; ///< of this child, with this one
};

/// A message has met a full inbox, for which it waits, drops or is refused.
struct inbox_overload {
  reference_key who;
  std::string name;
  std::size_t size;     ///< messages that wait
  std::size_t capacity; ///< its bound
  when_full policy;
};

/// What the framework itself has to tell, as topics of each hub. Nothing is
/// made, and nobody waits, unless somebody has subscribed; what telling itself
/// causes is not told.
///
/// Thread     Its hub's thread.
/// Source     Akka's event stream; Erlang's logger.
///
///     notices().dead_letters.subscribe(spawn<undertaker>());
///     on_dead_letter([](const dead_letter& lost) { ... });
class hub_notices {
public:
  topic<dead_letter> dead_letters;
  topic<actor_restarted> restarts;
  topic<inbox_overload> overloads;

  /// For what tells: publishes what `make` returns, if anybody listens.
  template <class Notice, std::invocable Make>
  void tell(topic<Notice>& to, Make make) noexcept {
    if (to.subscribers() > 0) quietly([&] { to.publish(make()); });
  }

private:
  friend void on_dead_letter(std::function<void(const dead_letter&)> hook);
  friend void lose_letter(const reference_key& to, const envelope& mail,
                          const char* why) noexcept;
  friend bool lost_letters_are_told();

  /// What `function` throws is logged.
  void quietly(const std::function<void()>& function) noexcept;

  std::function<void(const dead_letter&)> dead_letter_hook_;
  bool telling_ = false;
};

/// Those of the current hub.
hub_notices& notices();
/// Null when nobody has asked for them.
hub_notices* notices_if_any();

/// Calls `hook` for each dead letter of this hub, in the greenlet, or on the
/// hub, that loses it: it must not wait (`wait_refused`). What it throws is
/// logged. Without a hook: no more.
void on_dead_letter(std::function<void(const dead_letter&)> hook);

// --- what is inside ---------------------------------------------------------

/// Counts it, and tells those who want to know.
void lose_letter(const reference_key& to, const envelope& mail,
                 const char* why) noexcept;
bool lost_letters_are_told();
/// A message has come to the full `inbox` of `actor`.
void tell_overload(const reference_key& who, const greenlet_base& actor,
                   const inbox_base& inbox) noexcept;

} // namespace greenroom
