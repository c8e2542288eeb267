#pragma once

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/actor_base.hpp>
#include <greenroom/actors/child_options.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace greenroom {

class supervisor_core;

/// A supervisor's child could not be started; the others it had started have
/// been stopped.
class start_failure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Starts its children in order, restarts those that fail by its strategy, and
/// stops them in reverse; when they fail too often, it stops all and ends with
/// reason `shutdown`, for its own supervisor to deal with.
///
/// A reference to a child stays valid over its restarts: each time the object
/// is made anew from copies of the arguments; mail is kept for it, but for the
/// message that it failed at.
///
/// Ownership  Owns the children. Destroyed while they run, it tells them to end
///            and does not wait: `stop` it first.
/// Thread     Its hub's thread.
/// Waits      `start`, `stop`, `join`; once it is started, also `add`,
///            `terminate`, `restart`, `remove`, `start_child` and `children`,
///            until it has done with what it does. Not from a child's
///            constructor or `on_start`, for which it waits itself.
/// Errors     `std::invalid_argument` for contradictory options, an id that
///            is taken or unknown, and the like: nothing has changed then.
///            `start_failure`.
/// Source     Erlang's supervisor; OTP.md 1.5.
///
///     supervisor tree{one_for_one, {.max_restarts = 3, .within = 5s}};
///     auto store = tree.add<cache>("cache", permanent, 100);
///     tree.add<front>("front", {.shutdown = 1s}, store);
///     supervisor& jobs = tree.add_supervisor("jobs", permanent, one_for_all);
///     jobs.add<worker>("worker", transient, store);
///     tree.add("ticker", transient, [] { tick(); });
///     tree.start();        // all are up, in this order
///     ...
///     tree.stop();
class supervisor {
public:
  explicit supervisor(restart_strategy strategy,
                      supervisor_options options = {});
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;
  ~supervisor();

  // --- the tree -------------------------------------------------------------

  /// Adds an actor. Before `start` it is only noted down; its reference is good
  /// already, for its siblings' arguments, but means nobody yet. Later it is
  /// started, too, before this returns. Arguments are kept as copies; give
  /// `std::ref(object)` for a reference to what outlives the tree.
  template <std::derived_from<actor_base> Actor, class... Arguments>
  actor_ref<Actor> add(std::string id, child_options how,
                       Arguments&&... arguments) {
    return actor_ref<Actor>{
        add_actor(std::move(id), how,
                  maker_of<Actor>(std::forward<Arguments>(arguments)...))};
  }
  template <std::derived_from<actor_base> Actor, class... Arguments>
  actor_ref<Actor> add(std::string id, restart_policy restart,
                       Arguments&&... arguments) {
    return add<Actor>(std::move(id), child_options{.restart = restart},
                      std::forward<Arguments>(arguments)...);
  }

  /// Adds a greenlet that runs `function`: a server that serves for ever, say.
  void add(std::string id, child_options how, std::function<void()> function);
  void add(std::string id, restart_policy restart,
           std::function<void()> function) {
    add(std::move(id), child_options{.restart = restart}, std::move(function));
  }

  /// Adds a supervisor, which is this one's to keep, and to start. By default
  /// it has all the time it needs to stop.
  supervisor& add_supervisor(std::string id, child_options how,
                             restart_strategy strategy,
                             supervisor_options options = {});
  supervisor& add_supervisor(std::string id, restart_policy restart,
                             restart_strategy strategy,
                             supervisor_options options = {}) {
    return add_supervisor(
        std::move(id), child_options{.restart = restart, .shutdown = infinity},
        strategy, std::move(options));
  }

  /// Starts one more child of a `dynamic` supervisor, which has to be started.
  template <std::derived_from<actor_base> Actor, class... Arguments>
  actor_ref<Actor> start_child(Arguments&&... arguments) {
    return actor_ref<Actor>{
        start_nameless(maker_of<Actor>(std::forward<Arguments>(arguments)...))};
  }

  // --- its life ---------------------------------------------------------------

  /// Starts the children, each when the one before has returned from its
  /// `on_start`. Throws `start_failure` when one cannot be started.
  void start();
  /// Stops the children in reverse order, for reason `shutdown`, and waits until
  /// all have ended; `why` is its own reason.
  void stop(exit_reason why = exit_kind::shutdown);
  /// The same, without waiting.
  void stop_soon(exit_reason why = exit_kind::shutdown);
  /// Waits until it has ended; false when `until` passed first.
  bool join(deadline until = {}) const;
  bool running() const;
  /// Why it ended the last time.
  exit_reason reason() const;
  /// The greenlet that does the work, for links; empty before `start`.
  any_greenlet greenlet() const;

  // --- children by id ---------------------------------------------------------

  /// Stops a child; it is kept, for `restart`, unless it is temporary.
  void terminate(const std::string& id);
  /// Of a `dynamic` one; the child is forgotten.
  template <class Actor>
  void terminate(const actor_ref<Actor>& child) {
    terminate_nameless(child.key());
  }
  /// Starts a child that is not running.
  void restart(const std::string& id);
  /// Forgets a child that is not running.
  void remove(const std::string& id);
  /// Nobody, when there is no such actor. Which type it has you must know.
  template <class Actor>
  actor_ref<Actor> find(const std::string& id) const {
    return actor_ref<Actor>{key_of(id)};
  }

  // --- what there is ------------------------------------------------------------

  /// The whole tree below, at this moment; does not wait.
  std::vector<child_info> children() const;
  std::size_t size() const;
  const std::string& name() const;

private:
  friend class supervisor_core;

  /// Makes an actor for the place.
  using maker = std::function<actor_base*(reference_key::half place)>;

  reference_key add_actor(std::string id, const child_options& how, maker make);
  reference_key start_nameless(maker make);
  void terminate_nameless(const reference_key& child);
  reference_key key_of(const std::string& id) const;

  template <class Actor, class... Arguments>
  static maker maker_of(Arguments&&... arguments);

  std::shared_ptr<supervisor_core> core_;
};

/// The tree as text, a line a child.
///
///     supervisor (one_for_one, running)
///       cache  actor  running  0 waiting  12 handled  1 restarts
std::string to_string(const supervisor& tree);

// --- what is inside ---------------------------------------------------------

namespace inside {

/// As `new Actor(arguments...)`, for the place.
template <class Actor, class... Arguments>
Actor* make_in_place(reference_key::half place, const Arguments&... arguments) {
  struct memory {
    memory() : at(get()) {}
    memory(const memory&) = delete;
    memory& operator=(const memory&) = delete;
    ~memory() {
      if (at) give_back(at);
    }
    static void* get() {
      if constexpr (requires { Actor::operator new(sizeof(Actor)); })
        return Actor::operator new(sizeof(Actor));
      else if constexpr (alignof(Actor) > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
        return ::operator new (sizeof(Actor), std::align_val_t{alignof(Actor)});
      else
        return ::operator new(sizeof(Actor));
    }
    static void give_back(void* block) {
      if constexpr (requires { Actor::operator delete(block, sizeof(Actor)); })
        Actor::operator delete(block, sizeof(Actor));
      else if constexpr (alignof(Actor) > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
        ::operator delete (block, std::align_val_t{alignof(Actor)});
      else
        ::operator delete(block);
    }
    void* at;
  } block;
  const reference_key::claim claim{block.at, sizeof(Actor), place};
  auto* made = ::new (block.at) Actor(arguments...);
  block.at = nullptr;
  greenlet_access::share(*made);
  return made;
}

} // namespace inside

template <class Actor, class... Arguments>
supervisor::maker supervisor::maker_of(Arguments&&... arguments) {
  constexpr bool constructible =
      std::constructible_from<Actor, const std::decay_t<Arguments>&...>;
  static_assert(constructible,
                "supervisor: no public constructor of this actor takes copies "
                "of these arguments, or a receive() is missing");
  if constexpr (constructible)
    return
        [kept = std::tuple<std::decay_t<Arguments>...>(std::forward<Arguments>(
             arguments)...)](reference_key::half place) -> actor_base* {
          return std::apply(
              [&](const auto&... each) {
                return inside::make_in_place<Actor>(place, each...);
              },
              kept);
        };
  else // one error is enough
    return {};
}

} // namespace greenroom
