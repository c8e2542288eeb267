#include <greenroom/hub/timer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

using greenroom::timer;
using greenroom::timer_queue;

namespace {

struct item : timer {
  explicit item(int number = 0) : timer([](timer&) {}), id(number) {}
  int id;
};

int id_of(const timer* found) {
  return found ? static_cast<const item*>(found)->id : -1;
}

std::vector<int> pop_all(timer_queue& queue, std::uint64_t now) {
  std::vector<int> ids;
  while (timer* due = queue.pop_due(now))
    ids.push_back(id_of(due));
  return ids;
}

/// A time some power of two away, so that every level of the wheel is used.
std::uint64_t random_delay(std::mt19937_64& random, int most_bits) {
  const auto bits = std::uniform_int_distribution<int>(0, most_bits)(random);
  return random() & ((std::uint64_t{1} << bits) - 1);
}

/// The same operations on a `timer_queue` and on a sorted map.
class twin {
public:
  explicit twin(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < 60; ++i)
      items_.push_back(std::make_unique<item>(i));
  }

  void step() {
    switch (random_() % 4) {
    case 0:
    case 1:
      arm();
      return;
    case 2:
      cancel();
      return;
    default:
      pop();
    }
  }

  void check_earliest() {
    const std::uint64_t told = queue_.earliest();
    if (model_.empty())
      REQUIRE(told == UINT64_MAX);
    else
      REQUIRE(told <= model_.begin()->first);
  }

private:
  using model = std::multimap<std::uint64_t, int>; // equal keys: insert order

  item& any() { return *items_[random_() % items_.size()]; }

  model::iterator find(int id) {
    return std::find_if(model_.begin(), model_.end(),
                        [&](const auto& entry) { return entry.second == id; });
  }

  void arm() {
    item& chosen = any();
    if (chosen.linked()) return;
    const std::uint64_t when = random_() % 8 == 0
                                   ? random_delay(random_, 40)
                                   : last_ + random_delay(random_, 40);
    queue_.arm(chosen, when);
    model_.emplace(std::max(when, last_), chosen.id);
  }

  void cancel() {
    item& chosen = any();
    if (chosen.linked()) model_.erase(find(chosen.id));
    timer_queue::cancel(chosen);
  }

  void pop() {
    now_ += random_delay(random_, 38);
    const auto most = random_() % 4;
    for (std::uint64_t i = 0; i <= most; ++i) {
      const bool due = !model_.empty() && model_.begin()->first <= now_;
      const int expected = due ? model_.begin()->second : -1;
      last_ = due ? model_.begin()->first : std::max(last_, now_);
      if (due) model_.erase(model_.begin());
      REQUIRE(id_of(queue_.pop_due(now_)) == expected);
    }
  }

  std::mt19937_64 random_;
  std::vector<std::unique_ptr<item>> items_;
  timer_queue queue_;
  model model_;
  std::uint64_t now_ = 0;
  std::uint64_t last_ = 0; // what a time in the past counts as
};

} // namespace

TEST_SUITE("hub") {
  TEST_CASE("timers fire in the order of their times") {
    timer_queue queue;
    item late{3}, early{1}, middle{2};
    queue.arm(late, 5'000'000'000);
    queue.arm(early, 7);
    queue.arm(middle, 90'000);
    CHECK(pop_all(queue, 6'000'000'000) == std::vector{1, 2, 3});
  }

  TEST_CASE("timers of the same time fire in the order of arming") {
    timer_queue queue;
    std::vector<std::unique_ptr<item>> items;
    std::vector<int> expected;
    for (int i = 0; i < 200; ++i) {
      items.push_back(std::make_unique<item>(i));
      queue.arm(*items.back(), 123'456'789);
      expected.push_back(i);
    }
    CHECK(pop_all(queue, 123'456'789) == expected);
  }

  TEST_CASE("arming order holds when time has passed between two armings") {
    timer_queue queue;
    item first{1}, second{2}, third{3}, tick{0};
    queue.arm(first, 1'000'000);
    queue.arm(tick, 999'000);
    CHECK(id_of(queue.pop_due(999'000)) == 0);
    queue.arm(second, 1'000'000);
    CHECK(queue.pop_due(999'999) == nullptr);
    queue.arm(third, 1'000'000);
    CHECK(pop_all(queue, 1'000'000) == std::vector{1, 2, 3});
  }

  TEST_CASE("a timer is not due a nanosecond before its time") {
    timer_queue queue;
    item one;
    queue.arm(one, 4'096);
    CHECK(queue.pop_due(4'095) == nullptr);
    CHECK(queue.pop_due(4'096) == &one);
  }

  TEST_CASE("a cancelled timer does not fire") {
    timer_queue queue;
    item one{1}, two{2};
    queue.arm(one, 10);
    queue.arm(two, 10);
    timer_queue::cancel(one);
    CHECK_FALSE(one.linked());
    CHECK(pop_all(queue, 10) == std::vector{2});
  }

  TEST_CASE("cancelling a timer that is not armed does nothing") {
    item one;
    timer_queue::cancel(one);
    CHECK_FALSE(one.linked());
  }

  TEST_CASE("a time already past counts as now") {
    timer_queue queue;
    CHECK(queue.pop_due(1'000) == nullptr);
    item past{1}, present{2}, older{3};
    queue.arm(present, 1'000);
    queue.arm(past, 5);
    queue.arm(older, 0);
    CHECK(pop_all(queue, 1'000) == std::vector{2, 1, 3});
  }

  TEST_CASE("timers at the far end of the clock keep their order") {
    timer_queue queue;
    item never{3}, century{2}, soon{1};
    queue.arm(never, INT64_MAX);
    queue.arm(century, 3'155'760'000'000'000'000);
    queue.arm(soon, 1);
    CHECK(pop_all(queue, 1) == std::vector{1});
    CHECK(queue.earliest() <= 3'155'760'000'000'000'000);
    CHECK(pop_all(queue, UINT64_MAX) == std::vector{2, 3});
  }

  TEST_CASE("the last nanosecond of all can be waited for") {
    timer_queue queue;
    item last{1};
    queue.arm(last, UINT64_MAX);
    CHECK(queue.pop_due(UINT64_MAX - 1) == nullptr);
    CHECK(id_of(queue.pop_due(UINT64_MAX)) == 1);
  }

  TEST_CASE("without timers the earliest time is never") {
    timer_queue queue;
    CHECK(queue.earliest() == UINT64_MAX);
    item one;
    queue.arm(one, 5);
    timer_queue::cancel(one);
    CHECK(queue.earliest() == UINT64_MAX);
  }

  TEST_CASE("the earliest time is exact while few timers are near it") {
    timer_queue queue;
    item one, two;
    queue.arm(one, 77'777'777);
    queue.arm(two, 77'777'778);
    CHECK(queue.earliest() == 77'777'777);
  }

  TEST_CASE("the earliest time is never later than the truth") {
    timer_queue queue;
    std::vector<std::unique_ptr<item>> items;
    for (int i = 0; i < 100; ++i) {
      items.push_back(std::make_unique<item>(i));
      queue.arm(*items.back(), 1'000'000 - static_cast<std::uint64_t>(i));
    }
    CHECK(queue.earliest() <= 1'000'000 - 99);
    CHECK(queue.earliest() > 0);
  }

  TEST_CASE("a timer may be armed again from where it was taken") {
    timer_queue queue;
    item one{1};
    for (std::uint64_t when = 1; when < 10'000'000'000; when *= 3) {
      queue.arm(one, when);
      CHECK(queue.earliest() == when);
      CHECK(queue.pop_due(when) == &one);
    }
  }

  TEST_CASE("the queue agrees with a sorted map over random operations") {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      CAPTURE(seed);
      twin both{seed};
      for (int i = 0; i < 400; ++i) {
        both.step();
        both.check_earliest();
      }
    }
  }
}
