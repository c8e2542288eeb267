#pragma once

#include <greenroom/actors/address.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/mailbox/inbox_base.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace greenroom {

/// The part of `topic` that does not know its messages.
class topic_base {
public:
  topic_base(const topic_base&) = delete;
  topic_base& operator=(const topic_base&) = delete;

  std::size_t subscribers() const { return places_.size(); }
  /// Messages that subscribers had no room for.
  std::size_t dropped() const { return dropped_; }

protected:
  /// One subscriber's.
  struct place : reference_end_link {
    place() : reference_end_link(&ended) {}
    virtual ~place() = default;
    /// Copies the message; false when something was dropped.
    virtual bool take(const void* message) = 0;
    virtual void topic_ended() {}
    static void ended(reference_end_link& link);

    topic_base* of = nullptr;
    std::uint64_t number = 0;
    bool is_actor = false;
    reference_key actor; // if it is one
    std::size_t dropped = 0;
  };

  topic_base() = default;
  ~topic_base();

  void add(std::shared_ptr<place> made);
  void remove(const place& left) { places_.erase(left.number); }
  place* place_of(const reference_key& actor) const;
  void publish(const void* message);

private:
  template <class Message>
  friend class subscription;

  /// Throws unless it is one of a `subscription`.
  static void check_policy(when_full policy);

  std::map<std::uint64_t, std::shared_ptr<place>> places_; // by number
  std::uint64_t last_number_ = 0;
  std::size_t dropped_ = 0;
};

/// News of one kind, for all who have subscribed to it: actors that accept it,
/// and greenlets with a `subscription`. Each gets a copy, in the order of
/// publishing. A subscriber that is slow, or dead, concerns nobody else.
///
/// Ownership  Subscribers are not owned: a dead actor has left, and so has a
///            subscription that was destroyed. When the topic is destroyed,
///            subscriptions are closed.
/// Thread     Its hub's thread, and actors of that hub (`wrong_hub`).
/// Waits      Never: what a full inbox would wait for or refuse, is dropped.
/// Errors     `errc::dead` for a dead subscriber. What copying the message
///            throws leaves `publish`; those behind do not get it.
/// Source     Akka's event stream; gen_event.
///
///     topic<price> prices;
///     prices.subscribe(spawn<chart>());
///     subscription<price> latest{prices, 1, when_full::drop_oldest};
///     prices.publish(price{"ACME", 12});
///     price last = latest.get();
template <std::copy_constructible Message>
class topic : public topic_base {
public:
  /// Does nothing when it has subscribed already.
  void subscribe(const address<Message>& actor) {
    if (!place_of(actor.key())) add(std::make_shared<actor_place>(actor));
  }
  /// False when it has not subscribed.
  bool unsubscribe(const address<Message>& actor) {
    const place* const found = place_of(actor.key());
    if (found) remove(*found);
    return found != nullptr;
  }

  void publish(const Message& message) { topic_base::publish(&message); }

  using topic_base::dropped;
  /// Those dropped for one subscriber. An inbox of a policy that drops counts
  /// itself.
  std::size_t dropped(const address<Message>& actor) const {
    const place* const found = place_of(actor.key());
    return found ? found->dropped : 0;
  }

private:
  struct actor_place final : place {
    explicit actor_place(const address<Message>& subscriber) : to(subscriber) {
      this->is_actor = true;
      this->actor = to.key();
    }
    bool take(const void* message) override {
      return to.try_send(Message(*static_cast<const Message*>(message)));
    }
    const address<Message> to;
  };
};

/// A greenlet's own queue of a topic's messages, from now on. Takes at most so
/// many; then, as it is told, the oldest or the new one is dropped.
///
/// Ownership  Its own; it leaves the topic when it is destroyed.
/// Thread     Its hub's thread.
/// Waits      `get`, and loops, as with `queue`. For `select` and `wait`, too.
/// Errors     As `queue::get`; `errc::closed` when the topic has been destroyed
///            and all that was there is taken.
///
///     subscription<price> seen{prices, 100};
///     for (const price& each : seen) show(each);
template <class Message>
class subscription : private queue<Message> {
public:
  /// `bound` in messages. `policy` is `drop_oldest` or `drop_newest`, else
  /// `std::invalid_argument`.
  template <std::integral Count>
  subscription(topic<Message>& of, Count bound,
               when_full policy = when_full::drop_oldest)
      : queue<Message>(bound), place_(std::make_shared<queue_place>(*this)) {
    topic_base::check_policy(policy);
    place_->drops_oldest = policy == when_full::drop_oldest;
    of.add(place_);
  }
  ~subscription() {
    if (place_->of) place_->of->remove(*place_);
    place_->to = nullptr;
  }

  using queue<Message>::get;
  using queue<Message>::try_get;
  using queue<Message>::peek;
  using queue<Message>::try_peek;
  using queue<Message>::begin;
  using queue<Message>::end;
  using queue<Message>::size;
  using queue<Message>::empty;
  using queue<Message>::capacity;
  using queue<Message>::closed;
  using queue<Message>::drained;
  using queue<Message>::ready;
  using queue<Message>::watchers;

  std::size_t dropped() const { return place_->dropped; }

private:
  struct queue_place final : topic_base::place {
    explicit queue_place(subscription& owner) : to(&owner) {}
    bool take(const void* message) override {
      return to->keep(*static_cast<const Message*>(message), drops_oldest);
    }
    void topic_ended() override { to->shutdown(); }
    subscription* to;
    bool drops_oldest = true;
  };

  bool keep(const Message& message, bool instead_of_oldest) {
    const bool room = !this->full();
    if (!room && !instead_of_oldest) return false;
    Message copy(message);
    if (!room) this->pop();
    this->try_put(std::move(copy));
    return room;
  }

  std::shared_ptr<queue_place> place_;
};

} // namespace greenroom
