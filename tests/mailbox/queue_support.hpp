#pragma once

// What the tests of queues share.

#include <string>
#include <utility>
#include <vector>

namespace test {

using trace = std::vector<std::string>;
using ints = std::vector<int>;

/// Everything in the queue, in the order in which it is given.
template <class Queue>
auto contents(Queue& from) {
  std::vector<typename Queue::value_type> all;
  while (auto item = from.try_get())
    all.push_back(std::move(*item));
  return all;
}

} // namespace test
