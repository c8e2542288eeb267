#pragma once

#include <greenroom/mailbox/queue_calls.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace greenroom {

/// The items of a `queue` in order of arrival, in blocks: none moves while it
/// is in, so that nothing is lost when moving throws, and a length that goes
/// up and down does not allocate.
///
/// Ownership  Owns its items. A new block is made before the item is moved.
template <class Item>
class fifo_items {
  static constexpr std::size_t block_items =
      std::max<std::size_t>(512 / sizeof(Item), 4);

  struct block {
    block() {}  // NOLINT(modernize-use-equals-default): the union's items
    ~block() {} // NOLINT(modernize-use-equals-default): are made one by one
    block* next = nullptr;
    union {
      Item items[block_items];
    };
  };

  static constexpr std::size_t most_spares = // 16 KiB, at least one
      std::max<std::size_t>(16 * 1024 / sizeof(block), 1);

public:
  static constexpr queue_calls calls{"queue", "queue::put", "queue::get",
                                     "queue::peek", "queue::join"};

  /// What `prepare` finds out for `remove`: nothing, here.
  struct place {};

  fifo_items() = default;
  fifo_items(fifo_items&& other) noexcept { swap(other); }
  fifo_items& operator=(fifo_items&&) = delete;
  ~fifo_items() {
    while (head_ != tail_)
      remove({});
    drop(first_);
    drop(spares_);
  }

  /// The item that leaves next; there must be one.
  Item& next() { return *head_; }
  const Item& next() const { return *head_; }

  /// If it throws, nothing was added.
  template <class Value>
  void add(Value&& item) {
    if (tail_ == tail_end_) add_block();
    std::construct_at(tail_, std::forward<Value>(item));
    ++tail_;
  }

  /// All that may throw about `remove`; before anything is moved.
  place prepare() const { return {}; }
  void remove(place) noexcept {
    std::destroy_at(head_);
    if (++head_ == head_end_) leave_block();
  }

  fifo_items take_all() noexcept { return std::move(*this); }

private:
  void swap(fifo_items& other) noexcept {
    std::swap(head_, other.head_);
    std::swap(head_end_, other.head_end_);
    std::swap(tail_, other.tail_);
    std::swap(tail_end_, other.tail_end_);
    std::swap(first_, other.first_);
    std::swap(last_, other.last_);
    std::swap(spares_, other.spares_);
    std::swap(spare_count_, other.spare_count_);
  }

  void add_block() {
    block* added = spares_;
    if (added) {
      spares_ = added->next;
      added->next = nullptr;
      --spare_count_;
    } else {
      added = new block;
    }
    (last_ ? last_->next : first_) = added;
    last_ = added;
    tail_ = added->items;
    tail_end_ = tail_ + block_items;
    if (first_ == added) enter_first();
  }

  void enter_first() {
    head_ = first_->items;
    head_end_ = head_ + block_items;
  }

  /// The first block has been used up.
  void leave_block() {
    block* const used = first_;
    if (used == last_) { // and so it is empty: begin again
      tail_ = used->items;
    } else {
      first_ = used->next;
      keep(used);
    }
    enter_first();
  }

  void keep(block* used) {
    if (spare_count_ == most_spares) {
      delete used;
      return;
    }
    used->next = spares_;
    spares_ = used;
    ++spare_count_;
  }

  static void drop(block* first) {
    while (block* const each = first) {
      first = each->next;
      delete each;
    }
  }

  Item* head_ = nullptr; // oldest; head_ == tail_ when there is none
  Item* head_end_ = nullptr;
  Item* tail_ = nullptr; // where the next goes
  Item* tail_end_ = nullptr;
  block* first_ = nullptr;
  block* last_ = nullptr;
  block* spares_ = nullptr;
  std::size_t spare_count_ = 0;
};

} // namespace greenroom
