#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

TEST_SUITE("mailbox") {
  // GEVENT.md 3.2, 39
  TEST_CASE("joining a queue that was never used does not wait") {
    in_hub([] {
      const no_wait guard;
      queue<int> tasks;
      CHECK(tasks.join());
      CHECK(tasks.unfinished() == 0);
    });
  }

  TEST_CASE("join waits until every item is done with, not only taken") {
    in_hub([] {
      queue<int> tasks;
      for (int i = 1; i <= 3; ++i)
        tasks.put(i);
      CHECK(tasks.unfinished() == 3);
      const auto worker = spawn([&] {
        for (int i = 0; i < 3; ++i) {
          tasks.get();
          sleep(1s);
          tasks.task_done();
        }
      });
      CHECK_FALSE(tasks.join(2500ms));
      CHECK(tasks.empty());
      CHECK(tasks.unfinished() == 1);
      CHECK(time_of([&] { CHECK(tasks.join()); }) == 500ms);
      CHECK(tasks.unfinished() == 0);
      worker.join();
    });
  }

  TEST_CASE("those who join are all woken, oldest first, also when more work "
            "comes before they run") {
    in_hub([] {
      queue<int> tasks;
      std::string order;
      tasks.put(1);
      for (const char name : {'a', 'b', 'c'})
        spawn([&, name] {
          CHECK(tasks.join());
          order += name;
        });
      yield();
      tasks.task_done();
      tasks.put(2);
      yield();
      CHECK(order == "abc");
      CHECK_FALSE(tasks.join(1s));
    });
  }

  TEST_CASE("the item of a put that waits is no task yet") {
    in_hub([] {
      queue<int> tasks{1};
      tasks.put(1);
      const auto putter = spawn([&] { tasks.put(2); });
      yield();
      CHECK(tasks.unfinished() == 1);
      tasks.get();
      tasks.task_done();
      CHECK(tasks.join());
      putter.join();
      CHECK(tasks.unfinished() == 1);
    });
  }

  TEST_CASE("task_done called too often is refused, by name") {
    in_hub([] {
      queue<int> tasks;
      const auto culprit = spawn({.name = "eager"}, [&] {
        return error_of([&] { tasks.task_done(); });
      });
      CHECK(culprit.get() ==
            "std::logic_error: queue: task_done called too often (by greenlet "
            "'eager')");
      std::string error;
      hub::current().post(
          [&] { error = error_of([&] { tasks.task_done(); }); });
      idle();
      CHECK(error == "std::logic_error: queue: task_done called too often (in "
                     "a callback)");
      tasks.put(1);
      tasks.task_done();
      CHECK_THROWS_AS(tasks.task_done(), std::logic_error);
      CHECK(tasks.unfinished() == 0);
    });
  }

  TEST_CASE("a joiner outlives the queue it was woken by, not one that ends "
            "while it waits") {
    in_hub([] {
      auto tasks = std::make_unique<queue<int>>();
      tasks->put(1);
      bool joined = false;
      std::string error;
      const auto joiner =
          spawn([&] { error = error_of([&] { joined = tasks->join(); }); });
      yield();
      SUBCASE("when all is done") {
        tasks->task_done();
        tasks.reset();
        joiner.join();
        CHECK(joined);
      }
      SUBCASE("when something is not") {
        tasks.reset();
        joiner.join();
        CHECK(error.find("destroyed while waited on") != std::string::npos);
      }
    });
  }

  TEST_CASE("a joiner sees what is done while its timeout is withdrawn") {
    in_hub([] {
      queue<int> tasks;
      tasks.put(1);
      timeout limit{1s};
      bool joined = false;
      const auto joiner = spawn([&] {
        limit.start();
        joined = tasks.join(1h);
      });
      const auto worker = spawn([&] { // runs between the timeout and the joiner
        sleep(1s);
        limit.cancel();
        tasks.task_done();
      });
      CHECK(joiner.join(2s));
      CHECK(joined);
      worker.join();
    });
  }
}
