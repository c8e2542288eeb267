#pragma once

#include <greenroom/actors/actor_base.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/envelope.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// What can be done with any living actor of the hub, without its help: look at
/// it, read and replace its state, hold its mail back, follow its messages. For
/// debugging, upkeep and tests of a service that runs.
///
/// Thread     The actor's hub (`wrong_hub`).
/// Errors     `errc::dead`, unless said otherwise.
/// Source     Erlang's sys and process_info; OTP.md 1.6.

namespace greenroom {

/// An actor as it was at a moment.
struct actor_info {
  reference_key key;
  std::string name;
  std::size_t inbox = 0;     ///< messages waiting
  std::size_t stashed = 0;   ///< messages put aside
  std::size_t capacity = 0;  ///< of the inbox
  std::size_t dropped = 0;   ///< messages, by its bound
  std::uint32_t handled = 0; ///< messages, modulo 2^32; not of a `loop_actor`
  std::string waits_in;      ///< "sleep"; empty when it is not waiting
  bool suspended = false;
  bool restarting = false; ///< it has ended, and is about to be restarted
  bool traps_exits = false;
  std::vector<reference_key> links; ///< nobody: a greenlet that is no actor
  std::size_t monitors = 0;         ///< that it has on others
  std::size_t monitored_by = 0;     ///< that others have on it
};

/// Nothing when it is dead. Does not wait.
std::optional<actor_info> inspect(const reference_key& actor);
template <class Actor>
std::optional<actor_info> inspect(const actor_ref<Actor>& actor) {
  return inspect(actor.key());
}

/// All actors of the hub, in no order.
std::vector<actor_info> inspect_all();

/// Has a suspended actor handle nothing until `resume`: its mail collects, and
/// what it is in the middle of goes on. `with_state`, kills, exit signals and
/// the end by `stop` of one without mail still work. Ends with the actor: one
/// that is restarted is not suspended.
void suspend(const reference_key& actor);
template <class Actor>
void suspend(const actor_ref<Actor>& actor) {
  suspend(actor.key());
}
void resume(const reference_key& actor);
template <class Actor>
void resume(const actor_ref<Actor>& actor) {
  resume(actor.key());
}

/// A message that an actor takes, to `trace`.
struct traced_message {
  reference_key to;
  std::string message; ///< its type
};

/// Calls `hook` with each message that the actor takes, in the actor, which
/// then handles it. It must not wait (`wait_refused`); what it throws is
/// logged; `exit` and `kill` of the actor end it after the message. One at a
/// time; an empty one ends it, as does the actor's end.
void trace(const reference_key& actor,
           std::function<void(const traced_message&)> hook);
template <class Actor>
void trace(const actor_ref<Actor>& actor,
           std::function<void(const traced_message&)> hook) {
  trace(actor.key(), std::move(hook));
}

// --- its state --------------------------------------------------------------

namespace inside {

/// What `with_state` waits for, and its own part of that.
template <class Function, class Result>
struct state_call {
  state_call(Function& called, async_result<Result> result)
      : function(&called), done(std::move(result)) {}

  Function* function; // null: nobody waits any more
  async_result<Result> done;
};

template <class Actor, class Function, class Result>
struct state_call_envelope final : envelope {
  using call = state_call<Function, Result>;

  explicit state_call_envelope(std::shared_ptr<call> whole)
      : order(std::move(whole)) {}
  ~state_call_envelope() override {
    if (!order->done.ready()) order->done.abandon(errc::dead);
  }

  bool open(greenlet_base& receiver) override {
    const std::unique_ptr<state_call_envelope> self{this};
    auto& actor = static_cast<Actor&>(receiver);
    actor_access::opened_no_message(actor);
    if (!order->function) return true;
    try {
      const no_wait guard;
      if constexpr (std::is_void_v<Result>) {
        (*order->function)(actor);
        order->done.set();
      } else {
        order->done.set((*order->function)(actor));
      }
    } catch (const greenlet_exit&) {
      throw; // the destructor tells the caller
    } catch (...) {
      order->done.set_exception(std::current_exception());
    }
    return true;
  }

  std::shared_ptr<call> order;
};

void call_actor(const reference_key& to, std::unique_ptr<envelope> call);

} // namespace inside

/// Calls `function` with the actor's object, in the actor, between two messages
/// and ahead of the mail that waits; returns what it returns. What it throws
/// leaves this call, and does nothing to the actor, but for `exit`, which ends
/// it. For an `actor`, not for one with its own loop.
///
/// Waits      For the end of the message that the actor handles. `function`
///            itself must not (`wait_refused`), and is not called any more
///            once this has been left.
/// Errors     `errc::timed_out`; `errc::dead`, also when the actor dies first;
///            an actor that waits for itself:
///            `std::errc::resource_deadlock_would_occur`.
///
///     long total = with_state(a, [](account& self) { return self.total(); });
///     with_state(a, [](account& self) { self.set_total(0); }, 1s);
template <class Actor, class Function>
auto with_state(const actor_ref<Actor>& of, Function function,
                deadline until = {}) {
  constexpr bool handles_mail = Actor::actor_interface::handles_mail;
  static_assert(handles_mail, "with_state: an actor with its own loop takes "
                              "nothing but its messages");
  static_assert(std::invocable<Function&, Actor&>,
                "with_state: the function takes a reference to the actor");
  using result = std::decay_t<std::invoke_result_t<Function&, Actor&>>;
  using call = inside::state_call<Function, result>;
  async_result<result> done;
  done.owed_by(of.key().debtor());
  auto order = std::make_shared<call>(function, done);
  struct caller {
    call& order;
    ~caller() { order.function = nullptr; }
  } const here{*order};
  inside::call_actor(
      of.key(),
      std::make_unique<inside::state_call_envelope<Actor, Function, result>>(
          order));
  return done.get(until);
}

} // namespace greenroom
