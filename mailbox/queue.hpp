#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/ready_queue.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/mailbox/fifo_items.hpp>
#include <greenroom/mailbox/item_iterator.hpp>
#include <greenroom/mailbox/queue_calls.hpp>

#include <concepts>
#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

namespace greenroom {

/// The part of `queue` that does not know its items: who waits, who is woken
/// when, and how many tasks are unfinished.
class queue_base : private runnable {
public:
  static constexpr std::size_t unbounded =
      std::numeric_limits<std::size_t>::max();

  queue_base(const queue_base&) = delete;
  queue_base& operator=(const queue_base&) = delete;

  /// In items.
  std::size_t capacity() const { return capacity_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ >= capacity_; }

  /// No more items: from now on `put` fails with `errc::closed`, and so do the
  /// puts that wait, whose items stay with them. `get` takes what is left,
  /// then fails too.
  void shutdown();
  bool closed() const { return closed_; }
  /// Closed, and nothing is left to take.
  bool drained() const { return closed_ && empty(); }

  /// Items put for which `task_done` has not been called.
  std::size_t unfinished() const { return unfinished_; }
  /// What was put is now done with, not only taken. `std::logic_error` when
  /// nothing is unfinished.
  void task_done();
  /// Waits until nothing is unfinished; false when `until` passed. True also
  /// for one that was woken when more has been put since.
  bool join(deadline until = {});

  /// `get` would not wait: there is an item, or the queue is closed.
  bool ready() const { return size_ > 0 || closed_; }
  /// Who waits for it to become ready.
  wait_list& watchers() { return getters_; }

protected:
  queue_base(const queue_calls& calls, std::size_t capacity);
  ~queue_base();

  template <std::integral Count>
  static std::size_t at_least_one(const queue_calls& calls, Count capacity) {
    if (std::cmp_less(capacity, 1))
      refuse_capacity(calls, static_cast<long long>(capacity));
    return static_cast<std::size_t>(capacity);
  }

  /// Of one that had to wait: when it has taken its item, or found that
  /// moving it throws, the next waiter is served.
  class turn {
  public:
    turn() = default;
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    ~turn() {
      if (of_) of_->serve();
    }

  private:
    friend class queue_base;
    queue_base* of_ = nullptr;
  };

  bool has_room() const { return size_ < room_; }
  /// Why there is nothing to take, or to add; none when there is.
  using refusal = std::optional<errc>;

  /// Waits until there is an item. Refused because `until` passed, the queue
  /// may be gone.
  refusal wait_for_item(turn& mine, deadline until, const char* what);
  refusal wait_for_room(turn& mine, deadline until);

  void item_added() {
    ++size_;
    ++unfinished_;
    if (!serving_ && !getters_.empty()) begin_serving();
  }
  void item_taken() {
    --size_;
    if (!serving_ && !putters_.empty()) begin_serving();
  }
  /// `shutdown`, and all items are going to be dropped.
  void discard_all();

  /// Throws `wrong_hub` on another thread; only in debug builds, where calls
  /// that do not wait are concerned.
  void check_thread() const {
#ifndef NDEBUG
    check_home();
#endif
  }

private:
  [[noreturn]] static void refuse_capacity(const queue_calls& calls,
                                           long long capacity);
  void check_home() const;
  static void serve_after_watch(runnable& self);
  void begin_serving();
  void serve();
  void serve_one(bool ahead_of_others);
  wait_list* next_served();
  refusal wait_in(wait_list& list, turn& mine, deadline until, const char* what,
                  bool again);
  void finish(std::size_t tasks);

  // Constant after construction.
  const queue_calls& calls_;
  std::size_t capacity_;

  // Hub thread only.
  std::size_t size_ = 0;
  std::size_t room_; // the capacity; 0 when closed
  std::size_t unfinished_ = 0;
  wait_list getters_; // those in `peek` too
  wait_list putters_;
  wait_list joiners_;
  bool closed_ = false;
  bool serving_ = false;       // one has been woken, and will serve the next
  bool queued_ = false;        // itself in the ready queue, to serve the next
  bool putter_served_ = false; // so a getter is next, if there is one
  unsigned served_ = 0;        // since it began
};

/// A FIFO between greenlets of one hub, bounded or not. `lifo_queue` and
/// `priority_queue` are the same in another order: `Items` keeps them.
///
/// Ownership  Owns the items in it. An item given to `put` as an rvalue is
///            moved from when there is room, and untouched when `put` fails.
///            Moving an item must not wait.
/// Thread     Its hub's thread only (a waiting call elsewhere: `wrong_hub`).
/// Waits      `get` and `peek` while empty, `put` while full, `join`: the
///            greenlet, never the thread. Waiters are served oldest first,
///            when the hub next drains; a call that finds what it needs goes
///            ahead of them (gevent's rule). `try_` forms never wait.
/// Errors     `errc::timed_out` when the deadline passed; `errc::closed` after
///            `shutdown`; `errc::destroyed`. A kill while waiting loses no
///            item, nor does one that throws when it is moved: it is taken
///            once or still there.
/// Source     gevent.queue.Queue, of 24.10 and later; GEVENT.md 1.4.
///
///     queue<int> jobs{16};
///     spawn([&] { jobs.put(42); });
///     int answer = jobs.get();
template <class Item, class Items = fifo_items<Item>>
class queue : public queue_base {
public:
  using value_type = Item;

  /// Unbounded.
  queue() : queue_base(Items::calls, unbounded) {}

  /// `capacity` in items: `std::invalid_argument` if it is less than one.
  /// `order` is for those kinds that take one.
  template <std::integral Count, class... Order>
  explicit queue(Count capacity, Order&&... order)
      : queue_base(Items::calls, at_least_one(Items::calls, capacity)),
        items_(std::forward<Order>(order)...) {}

  /// Adds an item; while the queue is full, waits until `until`.
  void put(Item&& item, deadline until = {}) {
    if (has_room())
      add(std::move(item));
    else
      wait_and_add(std::move(item), until);
  }
  bool put(Item&& item, deadline until, std::error_code& failed) {
    turn mine;
    failed.clear();
    if (!has_room())
      if (const refusal why = wait_for_room(mine, until)) {
        failed = *why;
        return false;
      }
    return add(std::move(item));
  }
  /// Of an lvalue, what is put is a copy made now.
  void put(const Item& item, deadline until = {}) { put(Item(item), until); }
  bool put(const Item& item, deadline until, std::error_code& failed) {
    return put(Item(item), until, failed);
  }

  /// Takes the next item; while the queue is empty, waits until `until`.
  Item get(deadline until = {}) {
    return empty() ? wait_and_take(until) : take();
  }
  std::optional<Item> get(deadline until, std::error_code& failed) {
    std::optional<Item> place;
    failed.clear();
    if (const refusal why = get_into(place, until)) failed = *why;
    return place;
  }

  /// A copy of what `get` would take, which stays; waits as `get` does.
  Item peek(deadline until = {}) {
    turn mine;
    if (empty())
      if (const refusal why = wait_for_item(mine, until, Items::calls.peek))
        throw_error(*why, Items::calls.peek);
    return *try_peek();
  }
  std::optional<Item> peek(deadline until, std::error_code& failed) {
    turn mine;
    failed.clear();
    if (empty())
      if (const refusal why = wait_for_item(mine, until, Items::calls.peek)) {
        failed = *why;
        return std::nullopt;
      }
    return *try_peek();
  }

  /// False, and `item` untouched, when the queue is full or closed.
  bool try_put(Item&& item) { return has_room() && add(std::move(item)); }
  bool try_put(const Item& item) { return has_room() && add(item); }

  std::optional<Item> try_get() {
    std::optional<Item> place;
    if (!empty()) take_into(place);
    return place;
  }

  /// What `get` would take, or null; good until the queue next changes.
  const Item* try_peek() const {
    check_thread();
    return empty() ? nullptr : &items_.next();
  }

  /// Drops the next item; the queue must not be empty.
  void pop() {
    std::optional<Item> dropped; // ends when the queue is in order again
    take_into(dropped);
  }

  /// As `shutdown`, and drops the items that are left; they count as done.
  void shutdown_now() {
    check_thread();
    const auto dropped = items_.take_all(); // they end last of all
    discard_all();
  }

  /// Every item, each waited for, until the queue is closed and empty:
  ///
  ///     for (job& each : jobs) work(each);
  auto begin() { return item_iterator<queue>{*this}; }
  std::default_sentinel_t end() { return {}; }

private:
  friend item_iterator<queue>;

  template <class Value>
  bool add(Value&& item) {
    check_thread();
    items_.add(std::forward<Value>(item));
    item_added();
    return true;
  }

  // Apart, so that the calls that need not wait stay small.
  [[gnu::noinline]] void wait_and_add(Item&& item, deadline until) {
    turn mine;
    if (const refusal why = wait_for_room(mine, until))
      throw_error(*why, Items::calls.put);
    add(std::move(item));
  }
  [[gnu::noinline]] Item wait_and_take(deadline until) {
    turn mine;
    if (const refusal why = wait_for_item(mine, until, Items::calls.get))
      throw_error(*why, Items::calls.get);
    return take();
  }

  /// Moves it once, straight into the result: if that throws, it stays.
  Item take() {
    check_thread();
    const auto place = items_.prepare();
    Item item(std::move(items_.next()));
    remove(place);
    return item;
  }

  void take_into(std::optional<Item>& result) {
    check_thread();
    const auto place = items_.prepare();
    result.emplace(std::move(items_.next()));
    remove(place);
  }

  refusal get_into(std::optional<Item>& place, deadline until = {}) {
    turn mine;
    if (empty())
      if (const refusal why = wait_for_item(mine, until, Items::calls.get))
        return why;
    take_into(place);
    return std::nullopt;
  }

  template <class Place>
  void remove(Place place) {
    items_.remove(place);
    item_taken();
  }

  Items items_; // size() of them
};

} // namespace greenroom
