#include "hub/support.hpp"
#include "mailbox/fragile.hpp"
#include "mailbox/queue_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/priority_queue.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::contents;
using test::error_of;
using test::fragile;
using test::in_hub;
using test::ints;

namespace {

/// Throws at the comparison at which its countdown reaches zero.
struct fragile_order {
  template <class Item>
  bool operator()(const Item& one, const Item& other) const {
    if (countdown > 0 && --countdown == 0) throw std::logic_error("no order");
    if constexpr (std::is_same_v<Item, fragile>)
      return one.id < other.id;
    else
      return one < other;
  }
  static inline int countdown = 0;
};

struct by_key {
  bool operator()(const auto& one, const auto& other) const {
    return one.first < other.first;
  }
};

} // namespace

TEST_SUITE("mailbox") {
  TEST_CASE("a priority_queue gives the lowest item first, and shows it") {
    in_hub([] {
      priority_queue<int> numbers;
      for (const int number : {5, 1, 4, 1, 3})
        numbers.put(number);
      CHECK(numbers.peek() == 1);
      numbers.pop();
      CHECK(contents(numbers) == ints{1, 3, 4, 5});
    });
  }

  TEST_CASE("a priority_queue agrees with a stable sort") {
    in_hub([] {
      std::minstd_rand random{7};
      using entry = std::pair<int, int>;
      priority_queue<entry, by_key> entries;
      std::vector<entry> expected;
      int number = 0;
      for (int round = 0; round < 300; ++round) {
        for (auto puts = random() % 8; puts > 0; --puts) {
          const entry added{static_cast<int>(random() % 10), number++};
          entries.put(added);
          expected.insert(std::upper_bound(expected.begin(), expected.end(),
                                           added, by_key{}),
                          added);
        }
        for (auto gets = random() % 7; gets > 0 && !expected.empty(); --gets) {
          REQUIRE(entries.get() == expected.front());
          expected.erase(expected.begin());
        }
      }
      CHECK(contents(entries) == expected);
    });
  }

  TEST_CASE("a priority_queue takes any order, with state or without") {
    in_hub([] {
      priority_queue<int, std::greater<>> falling;
      const auto distance = [to = 10](int one, int other) {
        return std::abs(one - to) < std::abs(other - to);
      };
      priority_queue<int, decltype(distance)> nearest{3, distance};
      for (const int number : {1, 9, 14}) {
        falling.put(number);
        nearest.put(number);
      }
      CHECK(nearest.full());
      CHECK(contents(falling) == ints{14, 9, 1});
      CHECK(contents(nearest) == ints{9, 14, 1});
    });
  }

  TEST_CASE("a getter that waited has what is lowest when it runs") {
    in_hub([] {
      priority_queue<int> numbers;
      int first = 0;
      const auto getter = spawn([&] { first = numbers.get(); });
      yield();
      numbers.put(3);
      numbers.put(1);
      numbers.put(2);
      getter.join();
      CHECK(first == 1);
      CHECK(contents(numbers) == ints{2, 3});
    });
  }

  TEST_CASE("a priority_queue holds what can only be moved, well aligned") {
    struct alignas(64) line {
      std::unique_ptr<int> number;
      std::array<std::uint64_t, 7> rest{};
      bool operator<(const line& other) const {
        return *number < *other.number;
      }
    };
    struct lower {
      bool operator()(const line& one, const line& other) const {
        return one < other;
      }
    };
    in_hub([] {
      priority_queue<line, lower> lines;
      for (int i = 0; i < 20; ++i)
        lines.put(line{std::make_unique<int>(i * 7 % 20)});
      for (int i = 0; i < 10; ++i) {
        CHECK(reinterpret_cast<std::uintptr_t>(lines.try_peek()) % 64 == 0);
        CHECK(*lines.get().number == i);
      }
    });
  }

  TEST_CASE("an order that throws changes nothing") {
    in_hub([] {
      priority_queue<std::unique_ptr<int>, fragile_order> failing;
      CHECK(failing.try_put(nullptr));
      priority_queue<std::string, fragile_order> texts;
      const std::vector<std::string> sorted{"a", "b", "c", "d", "e", "f", "g"};
      for (const char* text : {"d", "b", "g", "a", "c", "f", "e"})
        texts.put(std::string(text));
      const auto fails = [&](int strike, auto call) {
        fragile_order::countdown = strike;
        const std::string error = error_of(call);
        fragile_order::countdown = 0;
        return error == "std::logic_error: no order";
      };
      std::string mine = "0"; // compared with all above it: 3
      for (int strike = 1; strike <= 3; ++strike)
        CHECK(fails(strike, [&] { texts.put(std::move(mine)); }));
      CHECK(mine == "0");
      int strike = 1;
      while (fails(strike, [&] { texts.get(); }))
        ++strike;
      CHECK(strike > 4); // it went through; the lowest has left
      texts.put("a");
      CHECK(contents(texts) == sorted);
    });
  }

  TEST_CASE("a getter whose order throws leaves the item to the next") {
    in_hub([] {
      priority_queue<int, fragile_order> numbers;
      std::string order;
      spawn([&] { order += error_of([&] { numbers.get(); }); });
      spawn([&] { order += " then " + std::to_string(numbers.get()); });
      yield();
      for (const int number : {3, 1, 2})
        numbers.put(number);
      fragile_order::countdown = 1;
      yield();
      CHECK(order == "std::logic_error: no order then 1");
      CHECK(contents(numbers) == ints{2, 3});
    });
  }

  TEST_CASE("an item of a priority_queue whose move throws is where it was") {
    in_hub([] {
      priority_queue<fragile, fragile_order> items;
      for (const int id : {3, 1, 2})
        items.put(fragile{id});
      fragile item{0};
      fragile::countdown = 1;
      CHECK_THROWS_AS(items.put(std::move(item)), std::runtime_error);
      CHECK(item.id == 0);
      fragile::countdown = 1;
      CHECK_THROWS_AS(items.get(), std::runtime_error);
      CHECK(items.size() == 3);
      for (int id = 1; id <= 3; ++id)
        CHECK(items.get().id == id);
    });
  }

  TEST_CASE("a priority_queue names itself in what it throws") {
    in_hub([] {
      priority_queue<int> numbers{1};
      numbers.put(1);
      CHECK(error_of([&] { numbers.put(2, 1s); }) ==
            "std::system_error: priority_queue::put: timed out");
      CHECK_THROWS_WITH_AS(priority_queue<int>{0},
                           "priority_queue: a capacity of 0 items",
                           std::invalid_argument);
    });
  }
}
