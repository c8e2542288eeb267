#pragma once

#include <greenroom/hub/pooled.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace greenroom {

/// An item at an address of its own, for containers that reorder: the pointer
/// moves, which cannot fail, and the item does not.
///
/// Cost       No allocation in the long run, but for over-aligned items.
template <class Item>
struct kept_item : pooled {
  Item item;
};

template <class Item>
using kept_pointer = std::unique_ptr<kept_item<Item>>;

template <class Item, class Value>
kept_pointer<Item> keep_item(Value&& item) {
  return kept_pointer<Item>{
      new kept_item<Item>{{}, Item(std::forward<Value>(item))}};
}

/// So that adding an entry cannot fail: to be called before its item is moved.
template <class Entry>
void make_room(std::vector<Entry>& entries) {
  if (entries.size() == entries.capacity())
    entries.reserve(std::max<std::size_t>(8, 2 * entries.size()));
}

} // namespace greenroom
