#include "hub/support.hpp"

#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/select.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

constexpr auto ignore = [] {};

} // namespace

// gevent#1074
TEST_CASE("select takes from whichever of several queues has an item first") {
  in_hub([] {
    queue<int> numbers;
    queue<std::string> words;
    std::string trace;
    spawn([&] {
      sleep(1s);
      words.put("one");
      sleep(1s);
      numbers.put(2);
    });
    const auto number = [&](int n) { trace += std::to_string(n); };
    const auto word = [&](const std::string& w) { trace += w; };
    CHECK(select(from(numbers, number), from(words, word)) == 1);
    CHECK(select(from(numbers, number), from(words, word)) == 0);
    CHECK(trace == "one2");
    CHECK(numbers.empty());
    CHECK(numbers.watchers().empty());
    CHECK(words.watchers().empty());
  });
}

TEST_CASE("when several can happen select chooses the first argument") {
  in_hub([] {
    queue<int> urgent, usual;
    usual.put(1);
    urgent.put(2);
    std::vector<int> got;
    const auto keep = [&](int n) { got.push_back(n); };
    CHECK(select(from(urgent, keep), from(usual, keep)) == 0);
    CHECK(select(from(urgent, keep), from(usual, keep)) == 1);
    CHECK(got == std::vector{2, 1});
  });
}

TEST_CASE("select with a deadline returns nothing when it passes") {
  in_hub([] {
    queue<int> items;
    CHECK(time_of([&] {
            CHECK_FALSE(select(2s, from(items, [](int) { FAIL("no item"); })));
          }) == 2s);
    items.put(1);
    CHECK(select(0s, from(items, [](int) {})) == 0);
  });
}

TEST_CASE("select watches events, results, greenlets and alarms too") {
  in_hub([] {
    queue<int> items;
    async_result<int> answer;
    alarm_clock bell{2s};
    auto work = spawn([] { sleep(1s); });
    spawn([=]() mutable {
      sleep(3s);
      answer.set(1);
    });
    const auto never = [](int) { FAIL("no item"); };
    CHECK(select(from(items, never), when(work, ignore), when(bell, ignore)) ==
          1);
    CHECK(select(from(items, never), when(bell, ignore),
                 when(answer, ignore)) == 1);
    CHECK(select(from(items, never), when(answer, ignore)) == 1);
    CHECK(now() - steady_time{} >= 3s);
  });
}

TEST_CASE("an item is taken by one select only, and none is lost") {
  in_hub([] {
    queue<int> left, right;
    std::vector<int> got;
    std::vector<any_greenlet> all;
    for (int i = 0; i < 4; ++i)
      all.push_back(spawn([&] {
        const auto keep = [&](int n) { got.push_back(n); };
        for (int n = 0; n < 5; ++n)
          select(from(left, keep), from(right, keep));
      }));
    yield();
    for (int i = 0; i < 10; ++i) {
      left.put(i);
      right.put(100 + i);
      if (i % 3 == 0) yield();
    }
    joinall(all);
    std::sort(got.begin(), got.end());
    std::vector<int> expected;
    for (int i = 0; i < 10; ++i)
      expected.push_back(i);
    for (int i = 0; i < 10; ++i)
      expected.push_back(100 + i);
    CHECK(got == expected);
  });
}

TEST_CASE("select stands in a queue's line like a getter") {
  in_hub([] {
    queue<int> items, other;
    std::string trace;
    auto first = spawn([&] { trace += "a" + std::to_string(items.get()); });
    auto second = spawn([&] {
      select(from(other, [](int) {}),
             from(items, [&](int n) { trace += "b" + std::to_string(n); }));
    });
    auto third = spawn([&] { trace += "c" + std::to_string(items.get()); });
    yield();
    items.put(1);
    items.put(2);
    items.put(3);
    for (auto& each : {first, second, third})
      each.join();
    CHECK(trace == "a1b2c3");
  });
}

TEST_CASE("a select that was too slow keeps its place in the line") {
  in_hub([] {
    queue<int> items, other;
    std::string trace;
    auto chooser = spawn([&] {
      select(from(other, [](int) {}), from(items, [&](int n) {
               trace += "select" + std::to_string(n);
             }));
    });
    auto getter = spawn([&] { trace += " get" + std::to_string(items.get()); });
    yield();
    items.put(1);
    CHECK(items.get() == 1); // quicker
    yield();
    items.put(2);
    items.put(3);
    chooser.join();
    getter.join();
    CHECK(trace == "select2 get3");
  });
}

TEST_CASE("a kill or timeout of a select takes nothing") {
  in_hub([] {
    queue<int> items, other;
    auto chooser = spawn(
        [&] { select(from(other, [](int) {}), from(items, [](int) {})); });
    yield();
    chooser.kill();
    items.put(1);
    CHECK(items.size() == 1);
    items.pop();
    timeout limit{1s};
    CHECK_FALSE(limit.run([&] { select(from(items, [](int) {})); }));
    CHECK(items.watchers().empty());
    CHECK(other.watchers().empty());
  });
}

TEST_CASE("a kill that comes after the item leaves the item to the select") {
  in_hub([] {
    queue<int> items;
    int got = 0;
    auto chooser = spawn([&] { select(from(items, [&](int n) { got = n; })); });
    auto killer = spawn([&] {
      items.put(1);
      yield(); // the queue serves the select
      chooser.kill();
    });
    killer.join();
    CHECK(got + static_cast<int>(items.size()) == 1);
  });
}

TEST_CASE("a handler of select may wait, and use the queue again") {
  in_hub([] {
    queue<int> items;
    items.put(1);
    items.put(2);
    int sum = 0;
    select(from(items, [&](int n) {
      sleep(1s);
      sum = n + items.get();
    }));
    CHECK(sum == 3);
  });
}

TEST_CASE("what a handler throws leaves select") {
  in_hub([] {
    queue<int> items;
    items.put(1);
    CHECK(error_of([&] {
            select(
                from(items, [](int) { throw std::runtime_error("no luck"); }));
          }) == "std::runtime_error: no luck");
    CHECK(items.empty());
  });
}

TEST_CASE("select hears of an object's end") {
  in_hub([] {
    auto items = std::make_unique<queue<int>>();
    queue<int> other;
    auto chooser = spawn(
        [&] { select(from(other, [](int) {}), from(*items, [](int) {})); });
    yield();
    items.reset();
    chooser.join();
    CHECK(error_of([&] { chooser.get(); }).find("select: ") !=
          std::string::npos);
    CHECK(other.watchers().empty());
  });
}

TEST_CASE("select moves items that cannot be copied") {
  in_hub([] {
    queue<std::unique_ptr<int>> items;
    spawn([&] { items.put(std::make_unique<int>(5)); });
    std::unique_ptr<int> got;
    select(
        from(items, [&](std::unique_ptr<int> item) { got = std::move(item); }));
    CHECK(*got == 5);
  });
}

TEST_CASE("take_any takes from any of a list of queues") {
  in_hub([] {
    std::vector<std::unique_ptr<queue<int>>> queues;
    std::vector<queue<int>*> all;
    for (int i = 0; i < 5; ++i)
      all.push_back(queues.emplace_back(std::make_unique<queue<int>>()).get());
    CHECK_FALSE(take_any(all, 1s));
    spawn([&] { queues[3]->put(33); });
    const auto got = take_any(all);
    CHECK(got->place == 3);
    CHECK(got->item == 33);
    for (auto& each : queues)
      CHECK(each->watchers().empty());
  });
}

TEST_CASE("an item that throws when moved is taken by select or still there") {
  struct heavy {
    heavy() = default;
    heavy(heavy&& other) : whole(other.whole) {
      if (moves_left() == 0) throw std::runtime_error("slipped");
      --moves_left();
      other.whole = false;
    }
    static int& moves_left() {
      static int left = 0;
      return left;
    }
    bool whole = true;
  };
  in_hub([] {
    queue<heavy> items;
    heavy::moves_left() = 1;
    items.put(heavy{});
    int taken = 0;
    const auto count = [&](heavy&& item) { taken += item.whole; };
    CHECK(error_of([&] { select(from(items, count)); }) ==
          "std::runtime_error: slipped");
    CHECK(items.size() == 1);
    heavy::moves_left() = 1; // out of the queue, and not again
    select(from(items, count));
    CHECK(taken == 1);
    CHECK(items.empty());
  });
}
