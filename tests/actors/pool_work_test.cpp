// The work of a pool, and its end.

#include "hub/support.hpp"

#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/hub/tree_local.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::mentions;

namespace {

using ints = std::vector<int>;

void sleep_long() {
  sleep(1h);
}

/// Spawns into `workers` from a greenlet of its own; the task tells its name.
any_greenlet spawner(pool& workers, std::string& trace, std::string name,
                     std::chrono::seconds time = 0s) {
  return spawn([&workers, &trace, name, time] {
    workers.spawn([&trace, name, time] {
      trace += name;
      if (time > 0s) sleep(time);
    });
  });
}

} // namespace

TEST_SUITE("actors") {
  // --- the pool's end -----------------------------------------------------

  TEST_CASE("who waits for room in a pool that is destroyed is told so") {
    in_hub([] {
      auto workers = std::make_unique<pool>(1);
      const auto first = workers->spawn(sleep_long);
      std::string error;
      const auto waiting =
          spawn([&] { error = error_of([&] { workers->spawn([] {}); }); });
      SUBCASE("while it waits") {
        yield();
        workers.reset();
      }
      SUBCASE("when it has been woken") {
        yield();
        workers->discard(*first);
        workers.reset();
      }
      waiting.join();
      CHECK(mentions(error, "destroyed"));
      first.kill();
    });
  }

  TEST_CASE("a spawner that waited while its pool was killed goes on") {
    in_hub([] {
      pool workers{1};
      workers.spawn(sleep_long);
      std::string trace;
      const auto waiting = spawner(workers, trace, "after");
      yield();
      CHECK(workers.kill());
      CHECK(waiting.join());
      CHECK(workers.join());
      CHECK(trace == "after");
    });
  }

  // --- work ---------------------------------------------------------------

  // GEVENT.md 3.2, 24
  TEST_CASE("a pool of one can be used from inside") {
    in_hub([] {
      pool workers{1};
      const auto add_one = [](int a) { return a + 1; };
      CHECK(workers.apply([&] { return workers.apply(add_one, 5); }) == 6);
      event done;
      workers.apply_async([&] { done.set(); });
      CHECK(done.wait());
      CHECK(workers.join());
    });
  }

  TEST_CASE("apply_async never waits; without room the task comes later") {
    in_hub([] {
      pool workers{2};
      ints ran;
      const auto add = [&](int number) { ran.push_back(number); };
      const auto first = workers.apply_async(add, 1);
      const auto second = workers.apply_async(add, 2);
      const auto third = workers.apply_async(add, 3);
      CHECK(ran.empty());
      CHECK(workers.size() == 2);
      CHECK(third->state() == greenlet_state::unstarted);
      third.get();
      CHECK(ran == ints{1, 2, 3});
      CHECK(workers.join());
    });
  }

  TEST_CASE("a task that waits for room has what its caller hands down") {
    in_hub([] {
      pool workers{1};
      tree_local<int> request;
      workers.spawn([] { sleep(1s); });
      request.emplace(1);
      const auto task = workers.apply_async([&] { return *request; });
      request.emplace(2);
      CHECK(task.get() == 1);
      CHECK(workers.map(ints{10, 20}, [&](int n) { return n + *request; }) ==
            ints{12, 22});
      CHECK(workers.join());
    });
  }

  TEST_CASE("tasks without room come in among the spawners that wait") {
    in_hub([] {
      pool workers{1};
      std::string trace;
      workers.spawn([] { sleep(1s); });
      const auto early = spawner(workers, trace, "a");
      yield();
      const auto task = workers.apply_async([&] { trace += "b"; });
      const auto after = spawner(workers, trace, "c");
      joinall(std::vector<any_greenlet>{early, task, after});
      CHECK(workers.join());
      CHECK(trace == "abc");
    });
  }

  TEST_CASE("a task killed before there was room never runs, and takes none") {
    in_hub([] {
      pool workers{1};
      workers.spawn([] { sleep(1s); });
      std::string trace;
      const auto task = workers.apply_async([&] { trace += "ran "; });
      const auto next = spawner(workers, trace, "next ");
      yield();
      CHECK(task.kill());
      next.join();
      CHECK(workers.join());
      CHECK(trace == "next ");
    });
  }

  TEST_CASE("a task that can never have room ends") {
    in_hub([] {
      auto workers = std::make_unique<pool>(1);
      const auto first = workers->spawn(sleep_long);
      const auto task = workers->apply_async([] { return 1; });
      SUBCASE("because the pool is destroyed") {
        yield();
        workers.reset();
        CHECK(mentions(error_of([&] { task.get(); }), "destroyed"));
      }
      SUBCASE("because the pool is destroyed at once") {
        workers.reset();
        CHECK(mentions(error_of([&] { task.get(); }), "group::apply_async"));
      }
      SUBCASE("because everything is killed") {
        yield();
        CHECK(shutdown(1s));
        CHECK(mentions(error_of([&] { task.get(); }), "killed"));
      }
      SUBCASE("because everything is killed before it could wait") {
        CHECK(shutdown(1s));
        CHECK(mentions(error_of([&] { task.get(); }), "killed"));
      }
      first.kill();
    });
  }

  TEST_CASE("room in a pool may be waited for beside other things") {
    in_hub([] {
      pool workers{1};
      event other;
      workers.spawn([] { sleep(1s); });
      CHECK(wait({other, workers}, 500ms).empty());
      std::string trace;
      const auto next = spawner(workers, trace, "next ");
      const auto both = spawn([&] {
        CHECK(wait({other, workers}, {}, 1).size() == 1);
        trace += "seen ";
      });
      CHECK(next.join());
      CHECK(both.join());
      CHECK(workers.join());
      CHECK(trace == "next seen ");
    });
  }

  TEST_CASE("kills and deadlines at random lose no room") {
    in_hub([] {
      std::mt19937 random{7};
      const auto below = [&](unsigned bound) { return random() % bound; };
      pool workers{3};
      int most = 0;
      int running = 0;
      const auto work = [&] {
        most = std::max(most, ++running);
        struct leaver {
          int& count;
          ~leaver() { --count; }
        } at_end{running};
        if (below(3) > 0) sleep(std::chrono::milliseconds(below(5)));
      };
      std::vector<any_greenlet> callers;
      for (int i = 0; i < 2000; ++i) {
        callers.push_back(spawn([&] {
          timeout limit{std::chrono::milliseconds(1 + below(20))};
          limit.run([&] {
            switch (below(4)) {
            case 0:
              workers.spawn(work);
              break;
            case 1:
              workers.apply(work);
              break;
            case 2:
              workers.wait_available(3ms);
              break;
            default:
              workers.map(ints(below(4)), [&](int) { work(); });
            }
          });
        }));
        if (below(2) == 0) callers[below(callers.size())]->kill_soon();
        if (below(50) == 0) workers.kill_soon();
        if (below(4) == 0) sleep(std::chrono::milliseconds(below(3)));
        CHECK(workers.size() <= 3);
      }
      joinall(callers);
      CHECK(workers.join());
      CHECK(most == 3);
      CHECK(running == 0);
      CHECK(workers.free_count() == 3);
    });
  }
}
