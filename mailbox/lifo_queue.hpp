#pragma once

#include <greenroom/mailbox/kept_item.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <utility>
#include <vector>

namespace greenroom {

/// The items of a `lifo_queue`: the newest leaves next.
template <class Item>
class lifo_items {
public:
  static constexpr queue_calls calls{"lifo_queue", "lifo_queue::put",
                                     "lifo_queue::get", "lifo_queue::peek",
                                     "lifo_queue::join"};
  struct place {};

  Item& next() { return items_.back()->item; }
  const Item& next() const { return items_.back()->item; }

  template <class Value>
  void add(Value&& item) {
    make_room(items_);
    items_.push_back(keep_item<Item>(std::forward<Value>(item)));
  }

  place prepare() const { return {}; }
  void remove(place) noexcept {
    const auto leaving = std::move(items_.back());
    items_.pop_back();
  }

  lifo_items take_all() noexcept { return std::move(*this); }

private:
  std::vector<kept_pointer<Item>> items_; // oldest first
};

/// A `queue` that gives the newest item first; `peek` shows the newest.
/// Greenlets that wait are served oldest first all the same.
///
/// Source     gevent.queue.LifoQueue; GEVENT.md 1.4.
///
///     lifo_queue<int> undo;
///     undo.put(1);
///     undo.put(2);
///     int newest = undo.get(); // 2
template <class Item>
using lifo_queue = queue<Item, lifo_items<Item>>;

} // namespace greenroom
