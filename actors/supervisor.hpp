#pragma once

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/actor_base.hpp>
#include <greenroom/actors/child_options.hpp>
#include <greenroom/actors/on.hpp>
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
struct pool_options;
class supervisor_ref;

/// A supervisor's child could not be started; the others it had started have
/// been stopped.
class start_failure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// All that can be done with a supervisor, by whoever holds this: a value, as
/// an `actor_ref` is.
///
/// Ownership  None. A supervisor is over when it is destroyed, or when the one
///            above forgets it: as a child that was `remove`d, that was
///            temporary, or that was added while that one ran and stopped
///            since. Then nothing runs, and there are no children.
/// Thread     Its hub's thread.
/// Waits      `start`, `stop`, `join`; once it is started, also `add`,
///            `terminate`, `restart`, `remove` and `start_child`, until it has
///            done with what it does.
/// Errors     `std::invalid_argument` for contradictory options, an id that
///            is taken or unknown, and the like: nothing has changed then.
///            `start_failure`. `errc::dead` when it is over.
///            `std::errc::resource_deadlock_would_occur` in a child's
///            constructor or `on_start`, for which it waits itself.
class supervisor_ref {
public:
  /// Nobody: one that is over.
  supervisor_ref() = default;

  // --- the tree -------------------------------------------------------------

  /// Adds an actor. Before `start` it is only noted down; its reference is good
  /// already, for its siblings' arguments, but means nobody yet. Later it is
  /// started, too, before this returns. Arguments are kept as copies; give
  /// `std::ref(object)` for a reference to what outlives the tree.
  template <std::derived_from<actor_base> Actor, class... Arguments>
  actor_ref<Actor> add(std::string id, child_options how,
                       Arguments&&... arguments) const {
    return actor_ref<Actor>{
        add_actor(std::move(id), how,
                  maker_of<Actor>(std::forward<Arguments>(arguments)...))};
  }
  template <std::derived_from<actor_base> Actor, class... Arguments>
  actor_ref<Actor> add(std::string id, restart_policy restart,
                       Arguments&&... arguments) const {
    return add<Actor>(std::move(id), child_options{.restart = restart},
                      std::forward<Arguments>(arguments)...);
  }

  /// The same for an actor that lives on another hub, also after a restart. What
  /// it is made from is copied there. Waits a moment. When that hub ends, the
  /// child has ended with reason `noconnection`, and cannot be restarted; one
  /// that has to be killed brutally is told so, and not waited for.
  template <std::derived_from<actor_base> Actor, class... Arguments>
  actor_ref<Actor> add(std::string id, on there, child_options how,
                       Arguments&&... arguments) const {
    return actor_ref<Actor>{
        add_actor(std::move(id), there, how,
                  maker_of<Actor>(std::forward<Arguments>(arguments)...))};
  }
  template <std::derived_from<actor_base> Actor, class... Arguments>
  actor_ref<Actor> add(std::string id, on there, restart_policy restart,
                       Arguments&&... arguments) const {
    return add<Actor>(std::move(id), there, child_options{.restart = restart},
                      std::forward<Arguments>(arguments)...);
  }

  /// Adds a pool of actors, for which include `actor_pool.hpp`: it is sent to
  /// as one, and its reference and mail outlive its restarts. By default it has
  /// all the time it needs to stop.
  template <class Actor, class... Arguments>
  actor_ref<Actor> add_pool(std::string id, child_options how,
                            pool_options options,
                            const Arguments&... arguments) const;
  template <class Actor, class... Arguments>
  actor_ref<Actor> add_pool(std::string id, restart_policy restart,
                            pool_options options,
                            const Arguments&... arguments) const;

  /// Adds a greenlet that runs `function`: a server that serves for ever, say.
  void add(std::string id, child_options how,
           std::function<void()> function) const;
  void add(std::string id, restart_policy restart,
           std::function<void()> function) const {
    add(std::move(id), child_options{.restart = restart}, std::move(function));
  }

  /// Adds a supervisor, which is this one's to keep, and to start: `start` of
  /// its own is refused. By default it has all the time it needs to stop.
  supervisor_ref add_supervisor(std::string id, child_options how,
                                restart_strategy strategy,
                                supervisor_options options = {}) const;
  supervisor_ref add_supervisor(std::string id, restart_policy restart,
                                restart_strategy strategy,
                                supervisor_options options = {}) const {
    return add_supervisor(
        std::move(id), child_options{.restart = restart, .shutdown = infinity},
        strategy, std::move(options));
  }

  /// Starts one more child of a `dynamic` supervisor, which has to be started.
  template <std::derived_from<actor_base> Actor, class... Arguments>
  actor_ref<Actor> start_child(Arguments&&... arguments) const {
    return actor_ref<Actor>{
        start_nameless(maker_of<Actor>(std::forward<Arguments>(arguments)...))};
  }

  template <std::derived_from<actor_base> Actor, class... Arguments>
  actor_ref<Actor> start_child(on there, Arguments&&... arguments) const {
    return actor_ref<Actor>{start_nameless(
        there, maker_of<Actor>(std::forward<Arguments>(arguments)...))};
  }

  // --- its life ---------------------------------------------------------------

  /// Starts the children, each when the one before has returned from its
  /// `on_start`. Throws `start_failure` when one cannot be started.
  void start() const;
  /// Stops the children in reverse order, for reason `shutdown`, and waits until
  /// all have ended; `why` is its own reason. One that is just being started is
  /// stopped, too.
  void stop(exit_reason why = exit_kind::shutdown) const;
  /// The same, without waiting.
  void stop_soon(exit_reason why = exit_kind::shutdown) const;
  /// Waits until it has ended; false when `until` passed first.
  bool join(deadline until = {}) const;
  bool running() const;
  /// Why it ended the last time.
  exit_reason reason() const;
  /// The greenlet that does the work, for links; empty before `start`.
  any_greenlet greenlet() const;

  // --- children by id ---------------------------------------------------------

  /// Stops a child; it is kept, for `restart`, unless it is temporary.
  void terminate(const std::string& id) const;
  /// Of a `dynamic` one; the child is forgotten.
  template <class Actor>
  void terminate(const actor_ref<Actor>& child) const {
    terminate_nameless(child.key());
  }
  /// Starts a child that is not running.
  void restart(const std::string& id) const;
  /// Forgets a child that is not running.
  void remove(const std::string& id) const;
  /// Nobody, when there is no such actor. Which type it has you must know.
  template <class Actor>
  actor_ref<Actor> find(const std::string& id) const {
    return actor_ref<Actor>{key_of(id)};
  }

  // --- what there is ------------------------------------------------------------

  /// The whole tree below, at this moment; does not wait.
  std::vector<child_info> children() const;
  std::size_t size() const;
  std::string name() const;

private:
  friend class supervisor;
  friend class supervisor_core;

  /// Makes an actor for the place.
  using maker = std::function<actor_base*(const reference_key& place)>;

  explicit supervisor_ref(std::weak_ptr<supervisor_core> core)
      : core_(std::move(core)) {}
  std::shared_ptr<supervisor_core> core() const; // throws when it is over

  reference_key add_actor(std::string id, const child_options& how,
                          maker make) const;
  reference_key add_actor(std::string id, on there, const child_options& how,
                          maker make) const;
  reference_key start_nameless(maker make) const;
  reference_key start_nameless(on there, maker make) const;
  void terminate_nameless(const reference_key& child) const;
  reference_key key_of(const std::string& id) const;

  template <class Actor, class... Arguments>
  static maker maker_of(Arguments&&... arguments);

  std::weak_ptr<supervisor_core> core_;
};

/// Starts its children in order, restarts those that fail by its strategy, and
/// stops them in reverse; when they fail too often, it stops all and ends with
/// reason `shutdown`, for its own supervisor to deal with.
///
/// A reference to a child stays valid over its restarts: each time the object
/// is made anew from copies of the arguments; mail is kept for it, but for the
/// message that it failed at.
///
/// Ownership  Owns the children, which do not outlive it: its destructor stops
///            them and waits, each for its `shutdown` time and a second more;
///            who does not end by then is logged. Where it cannot wait (a hub
///            callback, `no_wait`) it kills them brutally, and one of its own
///            children that destroys it only has it stop; both are logged.
/// Thread     Its hub's thread. Destroyed elsewhere, it is stopped there, later,
///            and an error is logged.
/// Waits      As `supervisor_ref`, and its destructor, also during unwinding;
///            kills and timeouts stay pending meanwhile.
/// Shutdown   `hub::shutdown` stops those that run first, the newest first.
/// Source     Erlang's supervisor; OTP.md 1.5.
///
///     supervisor tree{one_for_one, {.max_restarts = 3, .within = 5s}};
///     auto store = tree.add<cache>("cache", permanent, 100);
///     tree.add<front>("front", {.shutdown = 1s}, store);
///     auto jobs = tree.add_supervisor("jobs", permanent, one_for_all);
///     jobs.add<worker>("worker", transient, store);
///     tree.add("ticker", transient, [] { tick(); });
///     tree.start();        // all are up, in this order
///     ...
///     tree.stop();
class supervisor : public supervisor_ref {
public:
  explicit supervisor(restart_strategy strategy,
                      supervisor_options options = {});
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;
  ~supervisor();

private:
  friend class supervisor_core;
  friend class supervisor_ref;

  std::shared_ptr<supervisor_core> owned_;
};

/// The tree as text, a line a child.
///
///     supervisor (one_for_one, running)
///       cache  actor  running  0 waiting  12 handled  1 restarts
std::string to_string(const supervisor_ref& tree);

// --- what is inside ---------------------------------------------------------

namespace inside {

/// Whether one that ends leaves its mail to the next.
constexpr inbox_keeping keeps_inbox(restart_policy restart) {
  return restart == permanent   ? inbox_keeping::yes
         : restart == transient ? inbox_keeping::unless_orderly
                                : inbox_keeping::no;
}

/// As `new Actor(arguments...)`, for the place.
template <class Actor, class... Arguments>
Actor* make_in_place(const reference_key& place,
                     const Arguments&... arguments) {
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
supervisor_ref::maker supervisor_ref::maker_of(Arguments&&... arguments) {
  constexpr bool constructible =
      std::constructible_from<Actor, const std::decay_t<Arguments>&...>;
  static_assert(constructible,
                "supervisor: no public constructor of this actor takes copies "
                "of these arguments, or a receive() is missing");
  if constexpr (constructible)
    return
        [kept = std::tuple<std::decay_t<Arguments>...>(std::forward<Arguments>(
             arguments)...)](const reference_key& place) -> actor_base* {
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
