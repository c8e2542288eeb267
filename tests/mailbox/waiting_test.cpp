// wait and iwait: several objects at once.

#include "hub/support.hpp"

#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

TEST_CASE("wait returns the objects in the order in which they become ready") {
  in_hub([] {
    auto slow = spawn([] { sleep(3s); });
    auto quick = spawn([] { sleep(1s); });
    alarm_clock bell{2s};
    async_result<int> answer;
    spawn([=]() mutable {
      sleep(2500ms);
      answer.set(42);
    });
    std::vector<any_waitable> done;
    CHECK(time_of([&] { done = wait({slow, quick, bell, answer}); }) == 3s);
    REQUIRE(done.size() == 4);
    CHECK(done[0] == quick);
    CHECK(done[1] == bell);
    CHECK(done[2] == answer);
    CHECK(done[3] == slow);
  });
}

TEST_CASE("what is ready already comes first, in the order of the arguments") {
  in_hub([] {
    queue<int> first, second;
    alarm_clock later{1s};
    second.put(1);
    first.put(1);
    const auto done = wait({later, first, second});
    REQUIRE(done.size() == 3);
    CHECK(done[0] == first);
    CHECK(done[1] == second);
    CHECK(done[2] == later);
    CHECK(first.size() == 1); // nothing was taken
  });
}

// GEVENT.md 3.2, 44
TEST_CASE("waiting twice for what is ready returns it twice, without waiting") {
  in_hub([] {
    async_result<void> set;
    set.set();
    CHECK(time_of([&] {
            CHECK(wait({set}).size() == 1);
            CHECK(wait({set}).size() == 1);
          }) == 0ns);
  });
}

// GEVENT.md 3.2, 45
TEST_CASE("wait returns what is ready when its time or its count is over") {
  in_hub([] {
    alarm_clock one{1s}, two{2s}, three{3s};
    const std::vector<any_waitable> all{one, two, three};
    CHECK(wait(all, 0s).empty());
    CHECK(wait(all, {}, 0).empty());
    CHECK(wait(std::vector<any_waitable>{}).empty());
    CHECK(time_of([&] { CHECK(wait(all, {}, 1).size() == 1); }) == 1s);
    CHECK(time_of([&] { CHECK(wait(all, 500ms).size() == 1); }) == 500ms);
    CHECK(time_of([&] { CHECK(wait(all, 1s, 2).size() == 2); }) == 500ms);
    CHECK(time_of([&] { CHECK(wait(all, 5s, 9).size() == 3); }) == 1s);
  });
}

TEST_CASE("an object given twice is returned twice") {
  in_hub([] {
    auto work = spawn([] { sleep(1s); });
    CHECK(wait({work, work, work}).size() == 3);
  });
}

TEST_CASE("a greenlet and a result are kept while they are waited for") {
  in_hub([] {
    std::weak_ptr<int> kept;
    {
      auto token = std::make_shared<int>(1);
      kept = token;
      auto ready =
          iwait({spawn([token] { sleep(1s); }), async_result<void>{}}, 2s);
      token.reset();
      CHECK_FALSE(kept.expired());
      CHECK(ready.next());
      CHECK_FALSE(ready.next());
    }
    CHECK(kept.expired());
  });
}

// GEVENT.md 3.2, 51
TEST_CASE("iwait gives one at a time, and misses nothing meanwhile") {
  in_hub([] {
    alarm_clock one{1s}, two{2s}, three{3s};
    std::vector<int> seen;
    for (const any_waitable& each : iwait({three, two, one})) {
      seen.push_back(each == one ? 1 : each == two ? 2 : 3);
      sleep(10s);
    }
    CHECK(seen == std::vector{1, 2, 3});
  });
}

// GEVENT.md 3.2, 51
TEST_CASE("iwait misses no greenlet that ends while its caller sleeps") {
  in_hub([] {
    const auto done = spawn([] {});
    done.join();
    const auto one = spawn([] {});
    const auto fails = spawn([] { throw std::runtime_error("no luck"); });
    const auto late = spawn([] { sleep(1s); });
    std::string order;
    for (const any_waitable& each : iwait({one, fails, late, done})) {
      order += each == one     ? "one "
               : each == fails ? "fails "
               : each == late  ? "late "
                               : "done ";
      sleep(10ms);
    }
    CHECK(order == "done one fails late ");
  });
}

// GEVENT.md 3.2, 51
TEST_CASE("iwait left early leaves what it waited on") {
  in_hub([] {
    queue<int> first, second;
    spawn([&] { first.put(1); });
    for (const any_waitable& each : iwait({second, first})) {
      CHECK(each == first);
      CHECK_FALSE(second.watchers().empty());
      break;
    }
    CHECK(first.watchers().empty());
    CHECK(second.watchers().empty());
  });
}

TEST_CASE("iwait may be nested") {
  in_hub([] {
    alarm_clock one{1s}, two{2s};
    int inner = 0;
    int outer = 0;
    for (const any_waitable& each : iwait({one, two})) {
      ++outer;
      CHECK(each.ready());
      for (const any_waitable& again : iwait({one, two})) {
        ++inner;
        CHECK(again.ready());
      }
    }
    CHECK(outer == 2);
    CHECK(inner == 4);
  });
}

TEST_CASE("a killed waiter leaves all objects, and the item is for others") {
  in_hub([] {
    queue<int> items;
    alarm_clock bell;
    auto watcher = spawn([&] { wait({items, bell}); });
    auto getter = spawn([&] { return items.get(); });
    yield();
    items.put(7); // wakes the watcher, which takes nothing
    watcher.kill();
    CHECK(getter.get() == 7);
    CHECK(bell.watchers().empty());
    CHECK(items.watchers().empty());
  });
}

TEST_CASE("a watcher swallows no wake-up of those who take") {
  in_hub([] {
    queue<int> items;
    std::vector<int> taken;
    std::size_t seen = 0;
    auto watcher = spawn([&] { seen = wait({items}).size(); });
    auto one = spawn([&] { taken.push_back(items.get()); });
    auto late = spawn([&] { wait({items}); });
    auto two = spawn([&] { taken.push_back(items.get()); });
    yield();
    items.put(1);
    items.put(2);
    for (auto& each : {watcher, one, late, two})
      each.join();
    CHECK(taken == std::vector{1, 2});
    CHECK(seen == 1);
  });
}

TEST_CASE("wait says that an object was destroyed") {
  in_hub([] {
    auto items = std::make_unique<queue<int>>();
    async_result<void> never;
    auto watcher = spawn([&] { wait({never, *items}); });
    yield();
    items.reset();
    watcher.join();
    CHECK(error_of([&] { watcher.get(); }).find("wait: ") != std::string::npos);
    CHECK(never.watchers().empty());
  });
}

TEST_CASE("wait says that an object was destroyed after it woke") {
  in_hub([] {
    auto items = std::make_unique<queue<int>>();
    auto watcher = spawn([&] { return wait({*items}).size(); });
    auto other = spawn([&] { sleep(1s); });
    yield();
    items->put(1);
    other.join(); // the watcher is served by the queue in this drain
    CHECK(watcher.get() == 1);
  });
}

TEST_CASE("a killed greenlet that is waited for counts as ready") {
  in_hub([] {
    auto never = spawn([] { sleep(1h); });
    auto unborn = spawn([] { sleep(1h); });
    unborn.kill();
    spawn([&] { never.kill(); });
    CHECK(wait({never, unborn}).size() == 2);
  });
}

TEST_CASE("an outer timeout is never lost in wait") {
  in_hub([] {
    alarm_clock bell;
    timeout outer{1s};
    outer.start();
    try {
      wait({bell}, 10s);
      FAIL("it must throw");
    } catch (const timeout_expired& caught) {
      CHECK(caught.is_from(outer));
    }
    CHECK(bell.watchers().empty());
  });
}

TEST_CASE("what belongs to another thread's hub is refused, not raced for") {
  in_hub([] {
    queue<int> numbers;
    std::thread([&] {
      CHECK_THROWS_AS(wait({numbers}, 1s), wrong_hub);
      CHECK_THROWS_AS(select(1s, from(numbers, [](int) {})), wrong_hub);
    }).join();
    numbers.put(1);
    std::thread([&] {
      CHECK_THROWS_AS(wait({numbers}, 1s), wrong_hub); // though it is ready
    }).join();
    CHECK(numbers.watchers().empty());
  });
}

TEST_CASE("an object of one's own can be waited on with others") {
  class door {
  public:
    bool ready() const { return open_; }
    wait_list& watchers() { return watchers_; }
    void open() {
      open_ = true;
      watchers_.wake_all();
    }

  private:
    bool open_ = false;
    wait_list watchers_;
  };
  in_hub([] {
    door front;
    door back;
    event bell;
    spawn_later(1s, [&] { back.open(); });
    const auto ready = wait({front, back, bell}, 5s, 1);
    REQUIRE(ready.size() == 1);
    CHECK(ready[0] == any_waitable(back));
    CHECK(wait({front, bell}, 1s).empty());
    bool through = false;
    select(when(back, [&] { through = true; }));
    CHECK(through);
  });
}
