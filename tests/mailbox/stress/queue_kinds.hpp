#pragma once

// In which order a kind of queue gives its items.

#include "stress/dice.hpp"

#include <greenroom/mailbox/lifo_queue.hpp>
#include <greenroom/mailbox/priority_queue.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <algorithm>
#include <vector>

namespace stress {

inline int rank(name called) {
  return (called.first + 3 * called.second) % 5;
}

struct by_rank {
  bool operator()(const parcel& one, const parcel& other) const {
    parcel::slip(); // a comparison may throw, too
    return rank(one.called()) < rank(other.called());
  }
};

using names = std::vector<name>;

/// A kind of queue, and which of those in it is next, oldest first.
struct fifo {
  using type = greenroom::queue<parcel>;
  static auto next(names& all) { return all.begin(); }
};
struct lifo {
  using type = greenroom::lifo_queue<parcel>;
  static auto next(names& all) { return all.end() - 1; }
};
struct lowest {
  using type = greenroom::priority_queue<parcel, by_rank>;
  static auto next(names& all) {
    return std::min_element(all.begin(), all.end(), [](name one, name other) {
      return rank(one) < rank(other);
    });
  }
};

} // namespace stress
