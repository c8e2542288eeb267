#pragma once

// Ranges that the tests of imap map over, and the work.

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

namespace test {

using ints = std::vector<int>;

/// What `next` gives until it gives nothing: an input range of one pass.
template <class Next>
struct stream {
  using item = typename std::invoke_result_t<Next&>::value_type;
  struct iterator {
    using value_type = item;
    using difference_type = std::ptrdiff_t;
    item operator*() const { return std::move(*from->now); }
    iterator& operator++() {
      from->now = from->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& one, std::default_sentinel_t) {
      return !one.from->now;
    }
    stream* from;
  };
  iterator begin() {
    now = next();
    return {this};
  }
  std::default_sentinel_t end() const { return {}; }

  Next next;
  std::optional<item> now{};
};
template <class Next>
stream(Next) -> stream<Next>;

/// 0, 1, 2... without an end; keeps count of what was taken.
inline auto endless(int& taken) {
  return stream{[&taken]() -> std::optional<int> { return taken++; }};
}

/// Can only be moved.
struct token {
  explicit token(int number) : id(number) {}
  token(token&&) = default;
  token& operator=(token&&) = default;
  int id;
};

/// Counts the calls under way, the most of them at once, and all.
struct gauge {
  auto work(std::chrono::milliseconds time) {
    return [this, time](int number) {
      ++begun;
      most = std::max(most, ++running);
      struct leaver {
        int& count;
        ~leaver() { --count; }
      } at_end{running};
      greenroom::sleep(time);
      ++ended;
      return number;
    };
  }
  int begun = 0;
  int running = 0;
  int most = 0;
  int ended = 0;
};

template <class Results>
auto all_of(Results&& results) {
  std::vector<typename std::decay_t<Results>::value_type> all;
  for (auto& each : results)
    all.push_back(std::move(each));
  return all;
}

inline ints sequence(int size) {
  ints all(static_cast<std::size_t>(size));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

inline int same(int number) {
  return number;
}

inline int fail_at_two(int number) {
  if (number == 2) throw failure("two");
  return number;
}

} // namespace test
