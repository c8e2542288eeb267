#pragma once

#include <greenroom/mailbox/kept_item.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace greenroom {

/// The items of a `priority_queue`: a binary heap of pointers. All
/// comparisons of a change are made before anything is moved.
template <class Item, class Compare>
class heap_items {
  struct entry {
    kept_pointer<Item> kept;
    std::uint64_t arrival = 0;
  };

public:
  static constexpr queue_calls calls{
      "priority_queue", "priority_queue::put", "priority_queue::get",
      "priority_queue::peek", "priority_queue::join"};

  /// The way of the hole from the top down to where the last entry fits.
  struct place {
    std::uint64_t turns = 0; // a bit for each step, the first lowest: right?
    std::size_t steps = 0;
  };

  heap_items() = default;
  explicit heap_items(Compare compare) : compare_(std::move(compare)) {}

  Item& next() { return entries_.front().kept->item; }
  const Item& next() const { return entries_.front().kept->item; }

  template <class Value>
  void add(Value&& item) {
    std::size_t at = entries_.size();
    while (at > 0 && compare_(std::as_const(item), item_at(above(at))))
      at = above(at);
    make_room(entries_);
    auto kept = keep_item<Item>(std::forward<Value>(item));
    std::size_t hole = entries_.size();
    for (entries_.emplace_back(); hole != at; hole = above(hole))
      entries_[hole] = std::move(entries_[above(hole)]);
    entries_[at] = {std::move(kept), arrivals_++};
  }

  place prepare() const {
    place way;
    const std::size_t last = entries_.size() - 1;
    std::size_t at = 0;
    for (std::size_t below = 1; below < last; below = 2 * at + 1) {
      const bool right = below + 1 < last && before(below + 1, below);
      below += right;
      if (!before(below, last)) break;
      way.turns |= std::uint64_t{right} << way.steps++;
      at = below;
    }
    return way;
  }

  void remove(place way) noexcept {
    const entry leaving = std::move(entries_.front());
    std::size_t at = 0;
    for (; way.steps > 0; --way.steps, way.turns >>= 1) {
      const std::size_t below = 2 * at + 1 + (way.turns & 1);
      entries_[at] = std::move(entries_[below]);
      at = below;
    }
    if (at + 1 < entries_.size()) entries_[at] = std::move(entries_.back());
    entries_.pop_back();
  }

  std::vector<entry> take_all() noexcept { return std::exchange(entries_, {}); }

private:
  static std::size_t above(std::size_t at) { return (at - 1) / 2; }
  const Item& item_at(std::size_t at) const { return entries_[at].kept->item; }

  /// Lower, or equal and older.
  bool before(std::size_t a, std::size_t b) const {
    if (compare_(item_at(a), item_at(b))) return true;
    return entries_[a].arrival < entries_[b].arrival &&
           !compare_(item_at(b), item_at(a));
  }

  std::vector<entry> entries_; // none is before the one above it
  std::uint64_t arrivals_ = 0;
  [[no_unique_address]] Compare compare_{};
};

/// A `queue` that gives the lowest item first, and of equal ones the oldest;
/// `peek` shows the lowest. Greenlets that wait are served oldest first.
///
/// Compare    Any strict weak order; pass it after the capacity if it has
///            state. One that throws changes nothing: the item stays with
///            whoever puts it, or in the queue.
/// Cost       Each item is moved in once and out once; comparisons are
///            logarithmic.
/// Source     gevent.queue.PriorityQueue, which promises no order among
///            equals; GEVENT.md 1.4.
///
///     priority_queue<int> numbers;
///     numbers.put(3);
///     numbers.put(1);
///     int lowest = numbers.get(); // 1
template <class Item, std::strict_weak_order<const Item&, const Item&> Compare =
                          std::less<>>
using priority_queue = queue<Item, heap_items<Item, Compare>>;

} // namespace greenroom
