#include "support.hpp"

#include <greenroom/hub/watch.hpp>

#include <memory>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::in_hub;

TEST_CASE("watches are noticed in the order in which they are woken") {
  in_hub([] {
    wait_list first, second;
    watch_set all{"test"};
    watch one, two;
    one.stand_in(all, first);
    two.stand_in(all, second);
    spawn([&] {
      second.wake_one();
      first.wake_one();
    });
    CHECK(all.wait({}));
    CHECK(all.take() == &two);
    CHECK(all.take() == &one);
    CHECK(all.take() == nullptr);
    CHECK_FALSE(one.standing());
  });
}

TEST_CASE("a watch that leaves is not noticed, wherever it stood") {
  in_hub([] {
    wait_list list;
    watch_set all{"test"};
    watch one, two, three;
    auto other = spawn([] { sleep(1s); });
    one.stand_in(all, list);
    two.stand_in(all, list);
    three.stand_in(all, *other);
    list.wake_one();
    one.leave(); // noticed already
    two.leave();
    three.leave();
    CHECK(list.empty());
    CHECK_FALSE(all.wait(2s));
    CHECK(other.dead());
  });
}

TEST_CASE("a watch woken in vain stands in front again") {
  in_hub([] {
    wait_list list;
    watch_set all{"test"};
    watch one, two;
    one.stand_in(all, list);
    two.stand_in(all, list);
    list.wake_one();
    CHECK(all.take() == &one);
    one.stand_in(all, list);
    list.wake_one();
    CHECK(all.take() == &one);
  });
}

TEST_CASE("a watch knows whether its object is gone") {
  in_hub([] {
    auto waiting = std::make_unique<wait_list>();
    auto woken = std::make_unique<wait_list>();
    watch_set all{"test"};
    watch one, two;
    one.stand_in(all, *waiting);
    two.stand_in(all, *woken);
    woken->wake_one();
    CHECK_FALSE(two.object_gone());
    woken.reset();
    CHECK(two.object_gone());
    waiting.reset();
    CHECK(one.object_gone());
    CHECK(all.wait({}));
    CHECK(all.take() == &two);
    CHECK(all.take() == &one);
  });
}

TEST_CASE("a watch of a greenlet is noticed at its end, also after it") {
  in_hub([] {
    auto other = spawn([] { sleep(1s); });
    watch_set all{"test"};
    watch one, two;
    one.stand_in(all, *other);
    CHECK(all.wait({}));
    CHECK(all.take() == &one);
    two.stand_in(all, *other);
    CHECK(all.wait({}));
    CHECK(all.take() == &two);
  });
}

TEST_CASE("who is woken next stands ahead of what is ready, watched or not") {
  in_hub([] {
    wait_list list;
    std::vector<int> order;
    auto watcher = spawn([&] {
      watch_set all{"test"};
      watch one;
      one.stand_in(all, list);
      all.wait({});
      order.push_back(1);
    });
    yield();
    auto other = spawn([&] { order.push_back(2); });
    list.wake_one_next();
    watcher.join();
    other.join();
    CHECK(order == std::vector{1, 2});
  });
}

TEST_CASE("many watches come and go in constant time each") {
  in_hub([] {
    constexpr std::size_t many = 100'000;
    wait_list list;
    watch_set all{"test"};
    std::vector<watch> watches(many);
    for (watch& each : watches)
      each.stand_in(all, list);
    list.wake_all();
    for (std::size_t i = 0; i < many; i += 2)
      watches[i].leave();
    std::size_t noticed = 0;
    while (all.take())
      ++noticed;
    CHECK(noticed == many / 2);
  });
}
