#pragma once

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/actor_of.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace greenroom {

/// An actor with a loop of its own: it takes its mail out of `inbox()` when and
/// as it likes, in a `run` that you override. It holds a stack all its life.
///
/// Ownership  As `actor`.
/// Thread     Its hub's thread.
/// Stop       Closes the inbox: what is there can still be taken, then a taking
///            call fails with `errc::closed`. A `run` that lets that out has
///            ended normally.
/// Asks       List `request<balance>` to be asked for a `balance`.
/// Source     gevent's tutorial, "Actors", and Erlang's processes.
///
///     class teller : public loop_actor<deposit, request<balance>> {
///       void run() override {
///         for (;;) {
///           auto next = inbox().get();
///           if (auto* d = std::get_if<deposit>(&next)) total_ += d->amount;
///           if (auto* b = std::get_if<request<balance>>(&next))
///             b->reply(total_);
///         }
///       }
///       long total_ = 0;
///     };
template <class... Messages>
class loop_actor : public actor_of<Messages...> {
public:
  using actor_interface = loop_actor<Messages...>;
  static constexpr bool handles_mail = false;

protected:
  loop_actor() : actor_of<Messages...>(&first_step) {}

  void run() override = 0;

  /// Its own reference, to hand to others.
  actor_ref<loop_actor> self() const {
    return actor_ref<loop_actor>{this->key()};
  }

private:
  static void first_step(runnable& turn) {
    auto& self = static_cast<loop_actor&>(turn);
    if (!self.moved_to_own_stack()) actor_access::loop_turn(self);
  }
  void open_sealed(std::unique_ptr<envelope>) final {}
};

/// What `spawn_actor` takes: called with the inbox and, if it wants it, the
/// actor's reference.
template <class Function, class... Messages>
concept actor_function = std::invocable < Function&,
        inbox<Messages...>
& > || std::invocable<Function&, inbox<Messages...>&,
                      actor_ref<loop_actor<Messages...>>>;

namespace inside {

template <class Function, class... Messages>
class function_actor final : public loop_actor<Messages...> {
public:
  explicit function_actor(Function function) : function_(std::move(function)) {}

private:
  void run() override {
    // Moved here so that what it captured ends inside the actor.
    Function function = std::move(function_);
    if constexpr (std::invocable<Function&, inbox<Messages...>&>)
      function(this->inbox());
    else
      function(this->inbox(), this->self());
  }

  Function function_;
};

} // namespace inside

/// Makes an actor of a function, and starts it; its end is the actor's.
///
///     auto log = spawn_actor<line, quit>([](inbox<line, quit>& in) {
///       for (auto next = in.get(); std::holds_alternative<line>(next);
///            next = in.get())
///         std::puts(std::get<line>(next).text.c_str());
///     });
///     log.send(line{"hello"});
template <class... Messages, class Function>
actor_ref<loop_actor<Messages...>> spawn_actor(spawn_options options,
                                               Function&& function) {
  using kept = std::decay_t<Function>;
  static_assert(
      actor_function<kept, Messages...>,
      "spawn_actor: the function takes inbox<Messages...>& and, if it "
      "likes, the actor's reference");
  return spawn<inside::function_actor<kept, Messages...>>(
      std::move(options), std::forward<Function>(function));
}
template <class... Messages, class Function>
actor_ref<loop_actor<Messages...>> spawn_actor(Function&& function) {
  return spawn_actor<Messages...>(spawn_options{},
                                  std::forward<Function>(function));
}

} // namespace greenroom
