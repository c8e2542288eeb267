#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/pooled.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/mailbox/item_iterator.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
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

  /// Items on offer, less greenlets in `get`.
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

  /// One greenlet in `put` or `get`, or an item that `try_put` handed over.
  struct party : wait_record {
    party(const char* call, channel_base& channel, void* offered);

    void* const item; // a getter has none
    fate end = fate::open;
  };

  /// On offer without a putter, until a getter takes it.
  struct handed_over : party, pooled {
    using party::party;
    virtual ~handed_over() = default;
  };

  channel_base() = default;
  ~channel_base();

  bool offered() const { return !putters_.empty(); }
  /// Waits until `item` was taken: served.
  fate offer(void* item, deadline until);
  /// Waits until an item is offered: open.
  fate wait_for_offer(deadline until);
  /// Calls a getter for it.
  void leave(std::unique_ptr<handed_over> item);

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

  /// The getter that has waited longest and was not called, or null.
  party* waiting_getter() const;
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
  wait_list putters_; // with the items they offer, and what was handed over
  std::ptrdiff_t balance_ = 0;
  bool closed_ = false;
};

/// A rendezvous between greenlets of one hub: a queue that holds nothing.
///
/// Ownership  Holds no item, but for one that `try_put` handed over, until the
///            getter called for it has run. One given to `put` as an rvalue is
///            moved from once, straight into what `get` returns, by the getter,
///            when it is taken; it is untouched when `put` fails. Moving an
///            item must not wait.
/// Thread     Its hub's thread only (a waiting call elsewhere: `wrong_hub`).
/// Waits      `put` until its item was taken, also when a getter waits
///            already; `get` until there is one. Both sides oldest first; a
///            `get` that finds an offer goes ahead of those that wait.
/// Errors     `errc::timed_out` when the deadline passed; `errc::closed` after
///            `shutdown`; `errc::destroyed`. A kill of one side leaves the
///            other waiting, and loses no item. What moving the item throws
///            reaches the getter; the item stays on offer for the next.
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
    const fate end = wait_for_offer(until);
    if (end != fate::open) throw_error(error_of(end), "channel::get");
    return take();
  }
  std::optional<Item> get(deadline until, std::error_code& failed) {
    std::optional<Item> place;
    failed.clear();
    const fate end = get_into(place, until);
    if (end != fate::open) failed = error_of(end);
    return place;
  }

  /// Hands the item over for a getter that waits, and calls that; false, and
  /// `item` untouched, when there is none. As with a queue, a quicker `get` may
  /// take it instead, and if the channel ends before, so does the item.
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

  struct handed_item final : handed_over {
    template <class Value>
    handed_item(channel& over, Value&& given)
        : handed_over("channel::try_put", over, &content),
          content(std::forward<Value>(given)) {}
    Item content;
  };

  fate get_into(std::optional<Item>& place, deadline until = {}) {
    const fate end = offered() ? fate::open : wait_for_offer(until);
    if (end == fate::open) take_into(place);
    return end;
  }

  template <class Value>
  bool hand_over(Value&& item) {
    check_thread();
    if (!waiting_getter()) return false;
    leave(std::make_unique<handed_item>(*this, std::forward<Value>(item)));
    return true;
  }

  /// Moves the oldest offer once, straight into the result: if that throws, it
  /// stays on offer.
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
