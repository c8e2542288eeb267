#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/mailbox/item_iterator.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

namespace greenroom {

/// The part of `channel` that does not know its items: who stands on either
/// side.
class channel_base {
public:
  channel_base(const channel_base&) = delete;
  channel_base& operator=(const channel_base&) = delete;

  // A channel holds nothing: it is full as well as empty.
  static constexpr std::size_t size() { return 0; }
  static constexpr bool empty() { return true; }
  static constexpr bool full() { return true; }

  /// Greenlets in `put` whose item was not taken, less those in `get`.
  std::ptrdiff_t balance() const { return balance_; }

  /// From now on `put` and `get` fail with `errc::closed`, and so do all that
  /// wait; the items of those that put stay with them.
  void shutdown();
  bool closed() const { return closed_; }
  /// Closed, and nothing is left to take.
  bool drained() const { return closed_ && !offered(); }

  /// `get` would not wait: somebody offers an item, or it is closed.
  bool ready() const { return offered() || closed_; }
  /// Who waits for it to become ready.
  wait_list& watchers() { return getters_; }

protected:
  /// How a `put` or `get` ended.
  enum class fate : std::uint8_t { open, served, closed, timed_out };
  static errc error_of(fate end) {
    return end == fate::closed ? errc::closed : errc::timed_out;
  }

  /// One greenlet in `put` or `get`.
  struct party : wait_record {
    party(const char* call, channel_base& channel, void* place);

    void* const item; // the putter's, or where the getter wants it
    fate end = fate::open;
  };

  channel_base() = default;
  ~channel_base() = default;

  bool offered() const { return !putters_.empty(); }
  /// Waits until `item` was taken: served.
  fate offer(void* item, deadline until);
  /// Waits until an item was put straight into `place`: served; or until one is
  /// offered: open.
  fate wait_for_offer(void* place, deadline until);

  /// The taking of the oldest offer; there must be one. Unless it is done,
  /// because moving the item threw, another getter is called for it.
  class taking {
  public:
    explicit taking(channel_base& from)
        : from_(from), putter_(static_cast<party*>(from.putters_.front())) {}
    taking(const taking&) = delete;
    taking& operator=(const taking&) = delete;
    ~taking() {
      if (putter_) from_.call_getter();
    }

    void* item() const { return putter_->item; }
    void done() {
      from_.release(from_.putters_, *std::exchange(putter_, nullptr),
                    fate::served);
    }

  private:
    channel_base& from_;
    party* putter_;
  };

  /// The getter that has waited longest, or null.
  party* waiting_getter() const;
  /// Its item has been put into place.
  void serve(party& getter) { release(getters_, getter, fate::served); }
  /// Throws `wrong_hub` on another thread, in debug builds.
  void check_thread() const {
#ifndef NDEBUG
    check_home();
#endif
  }

private:
  void check_home() const;
  void call_getter();
  void stand(wait_list& list, party& self, deadline until);
  void release(wait_list& list, party& waiting, fate how);
  int weight_in(const wait_list& list) const {
    return &list == &putters_ ? 1 : -1;
  }

  // Hub thread only.
  wait_list getters_;
  wait_list putters_; // with the items they offer
  std::ptrdiff_t balance_ = 0;
  bool closed_ = false;
};

/// A rendezvous between greenlets of one hub: a queue that holds nothing.
///
/// Ownership  Holds no item. One given to `put` as an rvalue is moved from
///            once, straight into what `get` returns, by the getter, when it
///            is taken; it is untouched when `put` fails. What `try_put`
///            hands over may be moved once more, by `get`. Moving an item
///            must not wait.
/// Thread     Its hub's thread only (a waiting call elsewhere: `wrong_hub`).
/// Waits      `put` until its item was taken, also when a getter waits
///            already; `get` until there is one. Both sides oldest first; a
///            `get` that finds an offer goes ahead of those that wait.
/// Errors     `errc::timed_out` when the deadline passed; `errc::closed` after
///            `shutdown`; `errc::destroyed`. A kill of one side leaves the
///            other waiting, and loses no item. What moving the item throws
///            reaches the getter, and the putter goes on waiting.
/// Source     gevent.queue.Channel; GEVENT.md 1.4.
///
///     channel<int> meeting;
///     spawn([&] { meeting.put(42); });
///     int answer = meeting.get();
template <class Item>
class channel : public channel_base {
public:
  using value_type = Item;

  channel() = default;

  /// Offers an item and waits until a getter took it, or until `until`.
  void put(Item&& item, deadline until = {}) {
    const fate end = offer(&item, until);
    if (end != fate::served) throw_error(error_of(end), "channel::put");
  }
  bool put(Item&& item, deadline until, std::error_code& failed) {
    failed.clear();
    const fate end = offer(&item, until);
    if (end != fate::served) failed = error_of(end);
    return end == fate::served;
  }
  /// Of an lvalue, what is offered is a copy made now.
  void put(const Item& item, deadline until = {}) { put(Item(item), until); }
  bool put(const Item& item, deadline until, std::error_code& failed) {
    return put(Item(item), until, failed);
  }

  /// Takes the item that was offered first; waits for one until `until`.
  Item get(deadline until = {}) {
    if (offered()) return take();
    std::optional<Item> place;
    const fate end = wait_for_offer(&place, until);
    if (end == fate::open) return take();
    if (end != fate::served) throw_error(error_of(end), "channel::get");
    return std::move(*place);
  }
  std::optional<Item> get(deadline until, std::error_code& failed) {
    std::optional<Item> place;
    failed.clear();
    const fate end = get_into(place, until);
    if (end != fate::served) failed = error_of(end);
    return place;
  }

  /// Hands the item to a getter that waits; false, and `item` untouched, when
  /// there is none.
  bool try_put(Item&& item) { return hand_over(std::move(item)); }
  bool try_put(const Item& item) { return hand_over(item); }

  /// Takes the item of a putter that waits, if there is one.
  std::optional<Item> try_get() {
    std::optional<Item> place;
    if (offered()) take_into(place);
    return place;
  }

  /// Every item until the channel is closed:
  ///
  ///     for (int item : meeting) handle(item);
  auto begin() { return item_iterator<channel>{*this}; }
  std::default_sentinel_t end() { return {}; }

private:
  friend item_iterator<channel>;

  fate get_into(std::optional<Item>& place, deadline until = {}) {
    const fate end = offered() ? fate::open : wait_for_offer(&place, until);
    if (end != fate::open) return end;
    take_into(place);
    return fate::served;
  }

  template <class Value>
  bool hand_over(Value&& item) {
    check_thread();
    party* const getter = waiting_getter();
    if (!getter) return false;
    static_cast<std::optional<Item>*>(getter->item)
        ->emplace(std::forward<Value>(item));
    serve(*getter);
    return true;
  }

  /// Moves the oldest putter's item once, straight into the result: if that
  /// throws, the putter keeps it.
  Item take() {
    check_thread();
    taking offered{*this};
    Item item(std::move(*static_cast<Item*>(offered.item())));
    offered.done();
    return item;
  }

  void take_into(std::optional<Item>& place) {
    check_thread();
    taking offered{*this};
    place.emplace(std::move(*static_cast<Item*>(offered.item())));
    offered.done();
  }
};

} // namespace greenroom
