#include "hub/support.hpp"
#include "mailbox/fragile.hpp"

#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/channel.hpp>
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
using test::fragile;
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

namespace {

template <class Source>
int take_by_select(Source& from_there) {
  int id = 0;
  select(from(from_there, [&](fragile item) { id = item.id; }));
  return id;
}

template <class Source>
int take_by_take_any(Source& from_there) {
  return take_any(std::vector{&from_there})->item.id;
}

/// Lets `source` have item 5, and its move throw, or the one after it; then
/// what was not taken can be.
template <class Source>
void check_nothing_is_lost(int (*take)(Source&)) {
  for (int strike = 1; strike < 6; ++strike) {
    CAPTURE(strike);
    Source source;
    const auto putter = spawn([&] { source.put(fragile{5}); });
    yield();
    int taken = 0;
    fragile::countdown = strike;
    const std::string error = error_of([&] { taken = take(source); });
    fragile::countdown = 0;
    CHECK(taken == (strike == 1 ? 0 : 5)); // it is moved once
    CHECK(error == (strike == 1 ? "std::runtime_error: it broke" : ""));
    CHECK(source.ready() == (strike == 1));
    if (strike == 1) CHECK(take(source) == 5);
    putter.join();
  }
}

} // namespace

TEST_CASE("an item that throws when moved is taken by select or take_any, or "
          "still there") {
  in_hub([] {
    SUBCASE("select from a queue") {
      check_nothing_is_lost<queue<fragile>>(&take_by_select);
    }
    SUBCASE("take_any from a queue") {
      check_nothing_is_lost<queue<fragile>>(&take_by_take_any);
    }
    SUBCASE("select from a channel") {
      check_nothing_is_lost<channel<fragile>>(&take_by_select);
    }
    SUBCASE("take_any from a channel") {
      check_nothing_is_lost<channel<fragile>>(&take_by_take_any);
    }
  });
}

TEST_CASE("take_any of a closed queue takes what is left, then throws") {
  in_hub([] {
    queue<int> items;
    items.put(1);
    items.shutdown();
    CHECK_FALSE(items.drained());
    CHECK(take_any(std::vector{&items})->item == 1);
    CHECK(items.drained());
    CHECK(error_of([&] { take_any(std::vector{&items}); }) ==
          "std::system_error: select: closed");
  });
}
