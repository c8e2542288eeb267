#pragma once

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/gather.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/actors/request.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

namespace greenroom {

/// How a `router` chooses who gets a message.
enum class routing : std::uint8_t {
  round_robin, ///< one after the other
  random,      ///< by lot
  least_loaded ///< who has the fewest messages, with the one that he handles;
               ///< of several the next in turn
};

/// The part of the routers that does not know the actors' type.
class router_base {
public:
  /// Those that are alive.
  std::size_t size() const;
  bool empty() const { return size() == 0; }

protected:
  void enter(const reference_key& actor);
  bool leave(const reference_key& actor);
  const std::vector<reference_key>& all() const { return all_; }

  // Nobody, when none is alive.
  reference_key choose_in_turn();
  reference_key choose_least_loaded();
  reference_key choose_by_lot(std::uint64_t lot) const;
  reference_key choose_by_hash(std::size_t hash) const;

private:
  std::vector<reference_key> all_; // in the order of adding
  std::size_t turn_ = 0;           // whose it is
};

/// Several actors of one kind, for those who send to them. Those that are dead
/// are left out at once; a message that nobody is there for is a dead letter.
/// For a pool under a supervisor add the children's references, which stay
/// valid over restarts.
///
/// Ownership  A value; owns none of the actors.
/// Thread     Its hub's thread, and actors of that hub (`wrong_hub`).
template <class Actor>
class routees : public router_base {
public:
  /// Does nothing when it is there already, or dead.
  void add(const actor_ref<Actor>& actor) { enter(actor.key()); }
  /// The mail that it has stays with it. False when it is not there.
  bool remove(const actor_ref<Actor>& actor) { return leave(actor.key()); }
  /// Those that are alive, in the order of adding.
  std::vector<actor_ref<Actor>> actors() const {
    std::vector<actor_ref<Actor>> living;
    for (const reference_key& each : all())
      if (each.local()) living.emplace_back(each);
    return living;
  }

  /// Sends each a copy.
  template <class Message>
  void broadcast(const Message& message) const {
    for (const auto& each : actors())
      each.send(Message(message));
  }
  /// Asks all, and returns the value that comes first.
  template <class Message>
  reply_t<Message> first_reply(const Message& message,
                               deadline until = {}) const {
    return greenroom::first_reply(actors(), message, until);
  }

protected:
  routees() = default;
  explicit routees(const std::vector<actor_ref<Actor>>& actors) {
    for (const auto& each : actors)
      add(each);
  }
};

/// Actors of one kind that are sent to as one: each message goes to one of
/// them.
///
/// For workers who take the next piece of work when they are free there is
/// `actor_pool`.
///
/// Waits      `send` and `ask` as those of `actor_ref`; `first_reply`.
/// Source     Akka's routers.
///
///     router<worker> pool{routing::least_loaded};
///     for (int i = 0; i < 8; ++i) pool.add(spawn<worker>());
///     pool.send(job{1});
///     pool.broadcast(reload{});
template <class Actor>
class router : public routees<Actor> {
public:
  explicit router(routing how = routing::round_robin,
                  const std::vector<actor_ref<Actor>>& actors = {})
      : routees<Actor>(actors), how_(how) {}

  /// For `random`: with the same seed come the same choices.
  void seed(std::uint64_t value) { random_.seed(value); }

  /// Chooses who gets the next message.
  actor_ref<Actor> next() {
    switch (how_) {
    case routing::random:
      return actor_ref<Actor>{this->choose_by_lot(random_())};
    case routing::least_loaded:
      return actor_ref<Actor>{this->choose_least_loaded()};
    default:
      return actor_ref<Actor>{this->choose_in_turn()};
    }
  }

  template <class Message>
  void send(Message message) {
    next().send(std::move(message));
  }
  template <class Message>
  void send(Message message, deadline until) {
    next().send(std::move(message), until);
  }
  template <class Message>
  bool try_send(Message message) {
    return next().try_send(std::move(message));
  }
  template <class Message>
  async_result<reply_t<Message>> ask(Message message, deadline until = {}) {
    return next().ask(std::move(message), until);
  }

private:
  routing how_;
  std::mt19937_64 random_;
};

/// Actors of one kind, each of which gets the messages of its share of keys:
/// those of one key go to the same actor while that is there. When one is added
/// or removed, only its own share moves (rendezvous hashing).
///
/// Waits      As `router`.
/// Cost       A step for each actor and message.
/// Source     Thaler and Ravishankar, 1998; Akka's ConsistentHashingPool.
///
///     auto shards = hash_by<shard>([](const store& s) { return s.user; });
///     shards.add(spawn<shard>());
///     shards.send(store{"ann", ...});
template <class Actor, class KeyOf>
class hash_router : public routees<Actor> {
public:
  /// `key_of(message)` is something that `std::hash` takes.
  explicit hash_router(KeyOf key_of,
                       const std::vector<actor_ref<Actor>>& actors = {})
      : routees<Actor>(actors), key_of_(std::move(key_of)) {}

  /// Who gets such a message.
  template <class Message>
  actor_ref<Actor> actor_for(const Message& message) const {
    using key =
        std::remove_cvref_t<std::invoke_result_t<const KeyOf&, const Message&>>;
    return actor_ref<Actor>{
        this->choose_by_hash(std::hash<key>{}(std::invoke(key_of_, message)))};
  }

  template <class Message>
  void send(Message message) const {
    actor_for(message).send(std::move(message));
  }
  template <class Message>
  void send(Message message, deadline until) const {
    actor_for(message).send(std::move(message), until);
  }
  template <class Message>
  bool try_send(Message message) const {
    return actor_for(message).try_send(std::move(message));
  }
  template <class Message>
  async_result<reply_t<Message>> ask(Message message,
                                     deadline until = {}) const {
    return actor_for(message).ask(std::move(message), until);
  }

private:
  KeyOf key_of_;
};

/// Makes one.
template <class Actor, class KeyOf>
hash_router<Actor, KeyOf>
hash_by(KeyOf key_of, const std::vector<actor_ref<Actor>>& actors = {}) {
  return hash_router<Actor, KeyOf>(std::move(key_of), actors);
}

} // namespace greenroom
