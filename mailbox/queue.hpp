#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/ready_queue.hpp>
#include <greenroom/hub/wait.hpp>

#include <cstddef>
#include <deque>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

namespace greenroom {

/// The part of `queue` that does not know its items: who waits, and who is
/// woken when.
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

  /// There is something to take.
  bool ready() const { return !empty(); }
  bool closed() const { return false; }
  wait_list& watchers() { return getters_; }

protected:
  explicit queue_base(std::size_t capacity);
  ~queue_base();

  /// Waits until there is an item; false when `until` passed.
  bool wait_for_item(deadline until);
  bool wait_for_room(deadline until);
  void item_added();
  void item_taken();
  /// Throws `wrong_hub` on another thread; only in debug builds, where calls
  /// that do not wait are concerned.
  void check_thread() const {
#ifndef NDEBUG
    check_home();
#endif
  }

private:
  void check_home() const;
  static void hand_on(runnable& self);
  void hand_on_later();

  // Constant after construction.
  std::size_t capacity_;

  // Hub thread only.
  std::size_t size_ = 0;
  wait_list getters_;
  wait_list putters_;
  bool queued_ = false;        // itself in the ready queue, to hand on
  bool putter_served_ = false; // so a getter is next, if there is one
  unsigned served_ = 0;        // since it was made ready
};

/// A FIFO between greenlets of one hub, bounded or not.
///
/// Ownership  Owns the items in it. An item given to `put` as an rvalue is
///            moved from when there is room, and untouched when `put` fails.
/// Thread     Its hub's thread only (a waiting call elsewhere: `wrong_hub`).
/// Waits      `get` while empty, `put` while full: the greenlet, never the
///            thread. Waiters are served oldest first, when the hub next
///            drains; a call that finds what it needs goes ahead of them
///            (gevent's rule). `try_` forms never wait.
/// Errors     `errc::timed_out` when the deadline passed; `errc::destroyed`.
///            A kill while waiting loses no item.
/// Source     gevent.queue; GEVENT.md 1.4.
///
///     queue<int> jobs{16};
///     spawn([&] { jobs.put(42); });
///     int answer = jobs.get();
template <class Item>
class queue : public queue_base {
public:
  /// `capacity` in items, at least one; unbounded by default.
  explicit queue(std::size_t capacity = unbounded) : queue_base(capacity) {}

  /// Adds an item at the end; while the queue is full, waits until `until`.
  void put(Item&& item, deadline until = {}) {
    std::error_code failed;
    if (!put(std::move(item), until, failed))
      throw std::system_error(failed, "queue::put");
  }
  bool put(Item&& item, deadline until, std::error_code& failed) {
    failed.clear();
    if (full() && !wait_for_room(until)) {
      failed = errc::timed_out;
      return false;
    }
    add(std::move(item));
    return true;
  }
  /// Of an lvalue, what is put is a copy made now.
  void put(const Item& item, deadline until = {}) { put(Item(item), until); }
  bool put(const Item& item, deadline until, std::error_code& failed) {
    return put(Item(item), until, failed);
  }

  /// Takes the oldest item; while the queue is empty, waits until `until`.
  Item get(deadline until = {}) {
    if (empty() && !wait_for_item(until))
      throw_error(errc::timed_out, "queue::get");
    return take_as<Item>();
  }
  std::optional<Item> get(deadline until, std::error_code& failed) {
    failed.clear();
    if (!empty() || wait_for_item(until)) return take_as<std::optional<Item>>();
    failed = errc::timed_out;
    return std::nullopt;
  }

  /// False, and `item` untouched, when the queue is full.
  bool try_put(Item&& item) {
    if (full()) return false;
    add(std::move(item));
    return true;
  }
  bool try_put(const Item& item) { return !full() && (add(item), true); }

  std::optional<Item> try_get() {
    if (empty()) return std::nullopt;
    return take_as<std::optional<Item>>();
  }

  /// Drops the oldest item; the queue must not be empty.
  void pop() {
    check_thread();
    items_.pop_front();
    item_taken();
  }

private:
  template <class Value>
  void add(Value&& item) {
    check_thread();
    items_.push_back(std::forward<Value>(item));
    item_added();
  }

  /// Moves it once, straight into the result: if that throws, it stays.
  template <class Taken>
  Taken take_as() {
    check_thread();
    Taken item{std::move(items_.front())};
    items_.pop_front();
    item_taken();
    return item;
  }

  std::deque<Item> items_; // oldest first; items_.size() == size()
};

} // namespace greenroom
