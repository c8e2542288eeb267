#pragma once

#include <cstddef>
#include <iterator>
#include <optional>

namespace greenroom {

/// Takes one item after another from a queue or channel, and waits for each;
/// at its end when that is closed. Made by `begin()`.
///
/// Ownership  Borrows the queue. Owns the item it stands on, which may be
///            moved from.
/// Thread     Its hub's thread only.
/// Waits      When made, and at each step. A kill while it waits loses nothing.
/// Errors     As `get`, but for `errc::closed`.
/// Source     gevent.queue's iteration; std::ranges::istream_view.
template <class Source>
class item_iterator {
public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = typename Source::value_type;
  using difference_type = std::ptrdiff_t;

  explicit item_iterator(Source& source) : source_(&source) { ++*this; }

  value_type& operator*() const { return *item_; }
  value_type* operator->() const { return &*item_; }

  item_iterator& operator++() {
    item_.reset();
    source_->get_into(item_); // gets none when it is closed
    return *this;
  }
  void operator++(int) { ++*this; }

  friend bool operator==(const item_iterator& at, std::default_sentinel_t) {
    return !at.item_;
  }

private:
  Source* source_;
  mutable std::optional<value_type> item_; // as an iterator's item is
};

} // namespace greenroom
