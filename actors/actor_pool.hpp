#pragma once

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/actor_base.hpp>
#include <greenroom/actors/child_options.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/actors/request.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/inbox.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace greenroom {

/// How many workers a pool has, how much mail may wait, and how it treats a
/// worker that fails.
struct pool_options {
  /// It has so many workers from the start, and one more, up to `most`,
  /// whenever mail waits and none is free.
  std::size_t least = 1;
  std::size_t most = least;
  /// One more than the least goes when it has been free so long.
  std::chrono::nanoseconds idle_for = std::chrono::seconds{10};

  /// Of the mail that waits for a worker.
  std::size_t capacity = inbox_base::unbounded;
  when_full policy = when_full::wait;

  /// When more fail within any such span, the pool gives up.
  int max_restarts = 1;
  std::chrono::nanoseconds within = std::chrono::seconds{5};
  /// Always `permanent`: the pool decides how many there are.
  child_options workers{.restart = permanent};
  std::string name = "pool";
};

class pool_core; // what a pool is, without its actors' type

/// The part of `actor_pool` that does not know the actors' type.
class actor_pool_base {
public:
  actor_pool_base(const actor_pool_base&) = delete;
  actor_pool_base& operator=(const actor_pool_base&) = delete;

  /// From now on it has so many workers, or from `least` to `most`. New ones
  /// are up when this returns; those too many go when they have nothing in
  /// hand, for which it does not wait. Throws `start_failure` when one cannot
  /// be started; the pool tries again when it needs it.
  template <std::integral Count>
  void resize(Count workers) {
    resize(workers, workers);
  }
  template <std::integral Count>
  void resize(Count least, Count most) {
    set_size(counted(least), counted(most));
  }

  /// Ends it when the mail that is there now has been handled, and waits for
  /// that; what comes later is a dead letter. `why` is its own reason.
  /// In one of its workers: `std::errc::resource_deadlock_would_occur`.
  void stop(exit_reason why = exit_kind::shutdown);
  /// The same, without waiting.
  void stop_soon(exit_reason why = exit_kind::shutdown);
  /// Ends it at once: the workers are told to end, as by a supervisor, and mail
  /// that waits is dead. False when `until` passed first.
  bool kill(deadline until = {});
  /// Waits until it has ended; false when `until` passed first. In one of its
  /// workers as `stop`.
  bool join(deadline until = {}) const;
  bool running() const { return !front_.dead(); }
  /// Why it has ended; `normal` while it has not.
  exit_reason reason() const;
  /// What is linked to, or monitored, for its end.
  any_greenlet greenlet() const { return front_; }

  /// Workers; not those that are to go.
  std::size_t size() const;
  /// Those of them that have nothing to do.
  std::size_t free() const;
  /// Messages that wait for a worker.
  std::size_t waiting() const;
  /// The workers, as their supervisor sees them, at this moment.
  std::vector<child_info> children() const;
  const std::string& name() const;

protected:
  struct parts {
    actor_base* front;
    std::shared_ptr<pool_core> core;
  };

  /// Starts it; waits.
  explicit actor_pool_base(parts made);
  ~actor_pool_base();
  const reference_key& key() const { return key_; }
  std::vector<reference_key> worker_keys() const;
  template <std::integral Count>
  static std::size_t counted(Count workers) { // none is refused later
    return std::cmp_less(workers, 0) ? 0 : static_cast<std::size_t>(workers);
  }

private:
  void set_size(std::size_t least, std::size_t most);

  any_greenlet front_;
  reference_key key_; // its
  std::shared_ptr<pool_core> core_;
};

/// The pool as text, a line a worker.
///
///     pool  actor pool  running  3 waiting  0 free
///       pool#1  actor  running  0 waiting  12 handled  in sleep
std::string to_string(const actor_pool_base& pool);

namespace inside {

template <class Actor>
class pool_front;

} // namespace inside

/// Supervised actors of one kind that are sent to as one: the oldest message
/// goes to the next worker that is free. One that waits within `receive` is
/// not; of several, the one that was busy last is served.
///
/// Others hold its `reference()` as that of any actor. When a worker fails, the
/// message it failed at is gone, and its asker told; what waits, waits for the
/// others, and for the one that is made anew. When too many fail, the pool ends
/// with its supervisor's reason. A bound on the mail that waits holds back those
/// who send.
///
/// A worker that asks its own pool, or sends to it while it is full, waits for
/// another worker; if all do, only a deadline ends that.
///
/// Ownership  Owns the workers, made from copies of the arguments. They do not
///            outlive it: destroyed while it runs, it ends them and waits, as
///            `supervisor` does, and mail that waits is dead.
/// Thread     Its hub's thread (`wrong_hub`); `send`, `ask` and the reference:
///            any. Destroyed elsewhere, it is ended there, later, and an error
///            is logged.
/// Waits      The constructor, until all workers are up; `resize`, `stop`,
///            `kill`, `join`; `send` and `ask` as those of `actor_ref`. A worker
///            that ends its own pool uses `stop_soon`; one that resizes it
///            does not do so in its constructor or `on_start`.
/// Errors     `start_failure` when a worker cannot be started;
///            `std::invalid_argument` for contradictory options; `errc::dead`
///            for `resize` when it has ended.
/// Source     Akka's BalancingPool, poolboy, Ractor's factories.
///
///     actor_pool<resizer> resizers{4, disk};
///     resizers.send(picture{"cat.png"});
///     front.send(resizers.reference());     // an actor_ref<resizer>
///
///     actor_pool<worker> many{{.least = 2, .most = 16, .capacity = 1000}};
///     many.stop();
///
///     tree.add_pool<worker>("workers", permanent, {.least = 4});
template <class Actor>
class actor_pool : public actor_pool_base {
public:
  template <std::integral Count, class... Arguments>
  explicit actor_pool(Count workers, Arguments&&... arguments)
      : actor_pool(pool_options{.least = counted(workers)},
                   std::forward<Arguments>(arguments)...) {}
  template <class... Arguments>
  explicit actor_pool(pool_options options, Arguments&&... arguments)
      : actor_pool_base(make(std::move(options), arguments...)) {}

  actor_ref<Actor> reference() const { return actor_ref<Actor>{key()}; }

  template <class Message>
  void send(Message message) const {
    reference().send(std::move(message));
  }
  template <class Message>
  void send(Message message, deadline until) const {
    reference().send(std::move(message), until);
  }
  template <class Message>
  bool try_send(Message message) const {
    return reference().try_send(std::move(message));
  }
  template <class Message>
  async_result<reply_t<Message>> ask(Message message,
                                     deadline until = {}) const {
    return reference().ask(std::move(message), until);
  }

  /// Sends each worker a copy, to be handled after what it has in hand.
  template <class Message>
  void broadcast(const Message& message) const {
    for (const auto& each : workers())
      each.send(Message(message));
  }
  /// In the order in which they were added. Their references stay valid while
  /// they are restarted; what is sent to one is for that one.
  std::vector<actor_ref<Actor>> workers() const {
    std::vector<actor_ref<Actor>> all;
    for (const reference_key& each : worker_keys())
      all.emplace_back(each);
    return all;
  }

private:
  template <class... Arguments>
  static parts make(pool_options options, const Arguments&... arguments);
};

// --- what is inside ---------------------------------------------------------

namespace inside {

using worker_maker = std::function<actor_base*(const reference_key& place)>;

std::shared_ptr<pool_core> make_pool(actor_base& front, pool_options options,
                                     worker_maker make);
template <class Actor>
constexpr bool can_be_pooled() {
  constexpr bool handles_mail = Actor::handles_mail;
  static_assert(handles_mail, "actor_pool: an actor with its own loop takes "
                              "its mail itself; pool those that receive()");
  return handles_mail;
}

/// Throws when they contradict each other.
void check_pool(const pool_options& options);
/// In the front's `on_start`: starts the workers.
void start_pool(pool_core& core);
/// In its `on_stop`: ends them, and waits.
void end_pool(pool_core& core);
/// The front is no more.
void leave_pool(pool_core& core) noexcept;
/// The front's turns.
void first_turn(pool_core& core);
void next_turn(pool_core& core);

template <class Actor, class... Arguments>
worker_maker worker_maker_of(const Arguments&... arguments) {
  constexpr bool constructible =
      std::constructible_from<Actor, const std::decay_t<Arguments>&...>;
  static_assert(constructible,
                "actor_pool: no public constructor of this actor takes copies "
                "of these arguments, or a receive() is missing");
  if constexpr (constructible)
    return [kept = std::tuple<std::decay_t<Arguments>...>(arguments...)](
               const reference_key& place) -> actor_base* {
      return std::apply(
          [&](const auto&... each) {
            return make_in_place<Actor>(place, each...);
          },
          kept);
    };
  else // one error is enough
    return {};
}

/// Overrides each `receive` of an actor that does not open its mail.
template <class Interface, class... Messages>
class unopened;

template <class Interface>
class unopened<Interface> : public Interface {
public:
  using Interface::receive;
};

template <class Interface, class Message, class... Others>
class unopened<Interface, Message, Others...>
    : public unopened<Interface, Others...> {
public:
  using unopened<Interface, Others...>::receive;
  reply_t<Message> receive(Message) final {
    throw std::logic_error("a pool does not open its mail");
  }
};

template <class Interface>
struct unopened_by;
template <class... Messages>
struct unopened_by<actor<Messages...>> {
  using type = unopened<actor<Messages...>, Messages...>;
};

/// The actor that others send to: hands its mail, as it is, to the workers.
template <class Actor>
class pool_front final
    : public unopened_by<typename Actor::actor_interface>::type {
public:
  template <class... Arguments>
  explicit pool_front(pool_options options, const Arguments&... arguments)
      : core_(make_pool(*this, options, worker_maker_of<Actor>(arguments...))) {
    if (options.capacity != inbox_base::unbounded)
      this->bound_inbox(options.capacity, options.policy);
    this->on_turn = &first_step;
  }
  ~pool_front() override { leave_pool(*core_); }

  const std::shared_ptr<pool_core>& core() const { return core_; }

private:
  static void first_step(runnable& turn) {
    turn.on_turn = &next_step;
    first_turn(*static_cast<pool_front&>(turn).core_);
  }
  static void next_step(runnable& turn) {
    next_turn(*static_cast<pool_front&>(turn).core_);
  }
  void on_start() override {
    try {
      start_pool(*core_);
    } catch (const start_failure&) { // told to who starts it, not logged
      this->exit(exit_reason{std::current_exception()});
    }
  }
  void on_stop(const exit_reason&) override { end_pool(*core_); }

  const std::shared_ptr<pool_core> core_;
};

} // namespace inside

template <class Actor>
template <class... Arguments>
actor_pool_base::parts actor_pool<Actor>::make(pool_options options,
                                               const Arguments&... arguments) {
  if constexpr (inside::can_be_pooled<Actor>()) {
    auto* front =
        new inside::pool_front<Actor>(std::move(options), arguments...);
    return {front, front->core()};
  } else { // one error is enough
    return {};
  }
}

template <class Actor, class... Arguments>
actor_ref<Actor> supervisor_ref::add_pool(std::string id, child_options how,
                                          pool_options options,
                                          const Arguments&... arguments) const {
  if constexpr (inside::can_be_pooled<Actor>()) {
    if (options.name == pool_options{}.name) options.name = id;
    inside::check_pool(options);
    const auto front = add<inside::pool_front<Actor>>(
        std::move(id), how, std::move(options), arguments...);
    return actor_ref<Actor>{front.key()};
  } else { // one error is enough
    return {};
  }
}

template <class Actor, class... Arguments>
actor_ref<Actor> supervisor_ref::add_pool(std::string id,
                                          restart_policy restart,
                                          pool_options options,
                                          const Arguments&... arguments) const {
  return add_pool<Actor>(std::move(id),
                         {.restart = restart, .shutdown = infinity},
                         std::move(options), arguments...);
}

} // namespace greenroom
