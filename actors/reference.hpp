#pragma once

#include <greenroom/actors/exit_reason.hpp>
#include <greenroom/hub/address.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/result_state.hpp>

#include <chrono>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace greenroom {

class actor_base;
class delayed_send;
struct distant_kind;
struct envelope;
class hub;
class reference_key;
template <class Value>
class async_result;
template <class Message>
struct reply_of;
template <class Message>
struct request;

/// Told when an actor has ended and nobody takes its place: at once, before
/// links and monitors. Stands nowhere when it is told.
///
/// Ownership  Its own; its end leaves the actor.
/// Thread     The actor's hub.
struct reference_end_link {
  using end_function = void (*)(reference_end_link&);

  explicit reference_end_link(end_function when_ended = nullptr)
      : at_end(when_ended) {}
  reference_end_link(const reference_end_link&) = delete;
  reference_end_link& operator=(const reference_end_link&) = delete;
  ~reference_end_link() { leave(); }

  /// False when that is no living actor of this hub. For one that stands
  /// nowhere.
  bool stand_at(const reference_key& actor);
  void leave() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  bool standing() const { return next != this; }

  end_function at_end;                 // must neither wait nor throw
  reference_end_link* previous = this; // a ring, oldest first, with its head
  reference_end_link* next = this;
};

/// Where an actor lives, in a form that outlives it; what an `actor_ref`
/// holds. No two actors of a program ever have the same.
class reference_key {
public:
  reference_key() = default;

  /// The actor, when it is alive and of this thread's hub; else null.
  actor_base* local() const {
    if (table_ != local_ || !table_) return nullptr;
    const place& here = table_->places[place_];
    return here.generation == generation_ ? here.actor : nullptr;
  }
  /// It means nobody, and never will again. For this thread's actors.
  bool is_over() const {
    return table_ != local_ || !table_ ||
           table_->places[place_].generation != generation_;
  }
  /// It belongs, or belonged, to the hub of another thread.
  bool is_of_another_hub() const { return table_ && !seat_is_here(); }
  /// It belongs to the hub of another thread that has not ended.
  bool is_elsewhere() const {
    return table_ && !seat_is_here() && table_->seat->taken();
  }
  /// Calls `function` with the hub of another thread that it belongs to, which
  /// cannot end meanwhile; false when there is no such hub (any more).
  template <std::invocable<hub&> Function>
  bool visit_elsewhere(Function&& function) const;
  /// Sends `mail` there, from a thread that has a hub. For one elsewhere.
  void send_there(const distant_kind& kind, envelope& mail) const;

  friend auto operator<=>(const reference_key&, const reference_key&) = default;

  /// Half of the key of one of this thread's actors: all that it need keep.
  struct half {
    std::uint32_t place;
    std::uint32_t generation;
  };
  explicit reference_key(half of_here)
      : table_(local_), place_(of_here.place), generation_(of_here.generation) {
  }

  /// All actors of this thread's hub, in no order.
  static std::vector<reference_key> all_here();

  /// For finding circles of asks.
  result_debtor debtor() const { return {place_, generation_}; }

  // --- for supervisors ------------------------------------------------------

  /// A place for one actor after the other, to begin with for none.
  static reference_key reserve();
  /// Has `next` take the place over.
  static void occupy(half reserved, actor_base& next);
  /// It is nobody's any more. Nothing, when its thread's places are gone.
  static void release(const reference_key& reserved) noexcept;

  /// Within its scope, the actor that is made in that memory gets the place,
  /// to `occupy` it, instead of one of its own.
  class claim {
  public:
    claim(const void* memory, std::size_t size, const reference_key& reserved);
    claim(const claim&) = delete;
    claim& operator=(const claim&) = delete;
    ~claim();

  private:
    friend class reference_key;
    const std::byte* begin_;
    const std::byte* end_;
    half place_;
    claim* outer_;
  };

private:
  friend class actor_base;
  friend struct std::hash<reference_key>;
  friend struct reference_end_link;
  friend struct reference_tables;

  struct place {
    actor_base* actor = nullptr;
    std::uint32_t generation = 0; // odd while taken
    std::uint32_t next_free = 0;  // while it is free
    // While it is taken: kept when its actor ends.
    bool reserved() const { return next_free == reserved_mark; }
    static constexpr std::uint32_t reserved_mark = 0xfffffffe;
  };

  /// The places for actors of the hub in one seat; kept for ever like that, so
  /// that a key can always be looked up, and used again by a later hub.
  struct table {
    hub_seat* seat = nullptr; // constant
    // Owner thread only.
    place* places = nullptr;
    std::uint32_t size = 0;
    std::uint32_t capacity = 0;
    std::uint32_t first_free = no_place;
    std::unordered_map<std::uint32_t, reference_end_link> ends; // by place
  };

  static constexpr std::uint32_t no_place = 0xffffffff;

  bool seat_is_here() const {
    return table_ == local_ ||
           table_->seat == hub_address::here_if_any().seat();
  }

  static half enter(actor_base& made);
  static void leave(half ended, const actor_base& actor);
  static half new_place();
  static const greenlet_base* find_debtor(result_debtor who);
  static table& own_table();
  static void free_place(table& of, std::uint32_t index);
  static void tell_end(table& of, std::uint32_t index);

  static constinit thread_local table* local_; // null until first needed
  static constinit thread_local claim* claimed_;

  table* table_ = nullptr;
  std::uint32_t place_ = 0;
  std::uint32_t generation_ = 0;
};

template <std::invocable<hub&> Function>
bool reference_key::visit_elsewhere(Function&& function) const {
  if (!table_ || seat_is_here()) return false;
  return table_->seat->visit(std::forward<Function>(function));
}

/// The actor's name while it is alive, else "a dead actor".
std::string to_string(const reference_key& key);

/// Mail that this thread's actors sent to, or had not read at, an end.
std::size_t dead_letters();
void count_dead_letter();

template <class Derived, class Base>
concept properly_derived_from =
    std::derived_from<Derived, Base> && !std::same_as<Derived, Base>;

/// The address of an actor: a small value, like an Erlang pid. Valid to hold
/// for ever; what is sent to a dead actor becomes a dead letter.
///
/// Supervised   An actor that its supervisor restarts is one and the same to
///            those who hold this, from its first start until it is given up:
///            in between, too, it is `alive`, its mail is kept, and `join` and
///            monitors go on waiting. `target`, `kill`, `exit` and links mean
///            the one that there is at the moment.
///
/// Ownership  None: it neither keeps the actor alive nor the other way.
/// Thread     Any may hold it, and may `send`, `ask`, `stop`, `exit`, `kill_soon`,
///            `join` and `kill`. The rest only on the actor's own hub
///            (`wrong_hub`).
/// Waits      `join` and `kill`.
/// Source     Erlang's pid; DESIGN.md 3, "Addresses".
template <class Actor>
class actor_ref {
public:
  /// Nobody: all mail to it is a dead letter.
  actor_ref() = default;
  explicit actor_ref(const reference_key& key) : key_(key) {}
  /// To a base that has the same messages.
  template <properly_derived_from<Actor> Derived>
  actor_ref(const actor_ref<Derived>& other) : key_(other.key()) {}

  /// Puts `message` into the inbox. Never switches, unless the inbox has a
  /// bound of policy `wait` and is full: then it waits for room, until `until`
  /// (`errc::timed_out`). A full one of policy `refuse`: `errc::full`; one's
  /// own that would have to wait: `std::errc::resource_deadlock_would_occur`.
  /// From another hub it never waits, and a `wait` inbox takes it beyond its
  /// bound. Mail to the dead is a dead letter, and no error.
  template <class Message>
  void send(Message message) const;
  template <class Message>
  void send(Message message, deadline until) const;
  /// False when there is no room: the message is dropped.
  template <class Message>
  bool try_send(Message message) const;

  /// As `send`; the result gets what `receive` returns or throws. Fails with
  /// `errc::dead` when the actor is dead, or dies, or its hub ends: at once on
  /// its own hub. From another hub the message and the reply, value or
  /// exception, change threads, and the asker's hub expects the reply: there is
  /// no `loop_exit` meanwhile. `until` is for the room in its inbox; how long
  /// to wait for the reply is for the result's `get` to say.
  template <class Message>
  async_result<typename reply_of<Message>::type> ask(Message message,
                                                     deadline until = {}) const;

  /// Sends `message` when `delay` has passed, or once every `period`, until
  /// that is cancelled or the actor is dead: see `delayed_send`. On its own
  /// hub only.
  template <class Message>
  delayed_send send_after(std::chrono::nanoseconds delay,
                          Message message) const;
  template <class Message>
  delayed_send send_every(std::chrono::nanoseconds period,
                          Message message) const;

  /// Has this actor answer what another was asked.
  template <class Message>
  void forward(request<Message> asked) const;

  /// Ends it after the mail that is in its inbox now.
  void stop(exit_reason why = exit_kind::normal) const;
  /// Sends an exit signal, as Erlang's exit/2: unless it traps exits, any
  /// reason but `normal` ends it at its next wait. `exit_kind::kill` cannot be
  /// trapped: it is thrown at every wait, and links and monitors are told
  /// `killed`.
  void exit(exit_reason why) const;
  /// Waits until it is dead, over all restarts; false when `until` passed
  /// first. The end of its hub is one, too.
  bool join(deadline until = {}) const;
  /// As `greenlet_base::kill`: waits for the end of the one that there is now.
  bool kill(deadline until = {}) const;
  void kill_soon() const;

  /// It takes mail: it is alive, or a supervisor is about to restart it.
  bool alive() const { return target() != nullptr; }
  bool dead() const { return !alive(); }
  std::string name() const { return to_string(key_); }
  /// The greenlet itself, for links and names; null when dead. While it waits
  /// for its restart that is the one that has ended.
  greenlet_base* target() const;
  const reference_key& key() const { return key_; }

  friend auto operator<=>(const actor_ref&, const actor_ref&) = default;

private:
  reference_key key_;
};

// --- what is inside -------------------------------------------------------

greenlet_base* greenlet_of(const reference_key& key);
bool join_actor(const reference_key& key, deadline until);
void stop_actor(const reference_key& key, exit_reason why);
void exit_actor(const reference_key& key, exit_reason why);
bool kill_actor(const reference_key& key, deadline until);
void kill_actor_soon(const reference_key& key);

template <class Actor>
void actor_ref<Actor>::stop(exit_reason why) const {
  stop_actor(key_, std::move(why));
}

template <class Actor>
void actor_ref<Actor>::exit(exit_reason why) const {
  exit_actor(key_, std::move(why));
}

template <class Actor>
greenlet_base* actor_ref<Actor>::target() const {
  return greenlet_of(key_);
}

template <class Actor>
bool actor_ref<Actor>::join(deadline until) const {
  return join_actor(key_, until);
}

template <class Actor>
bool actor_ref<Actor>::kill(deadline until) const {
  return kill_actor(key_, until);
}

template <class Actor>
void actor_ref<Actor>::kill_soon() const {
  kill_actor_soon(key_);
}

} // namespace greenroom

template <>
struct std::hash<greenroom::reference_key> {
  std::size_t operator()(const greenroom::reference_key& key) const noexcept {
    return std::hash<const void*>{}(key.table_) ^
           (std::size_t{key.place_} << 32 | key.generation_) *
               0x9e3779b97f4a7c15u;
  }
};

template <class Actor>
struct std::hash<greenroom::actor_ref<Actor>> {
  std::size_t
  operator()(const greenroom::actor_ref<Actor>& reference) const noexcept {
    return std::hash<greenroom::reference_key>{}(reference.key());
  }
};
