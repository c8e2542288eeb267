#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/barrier.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

TEST_SUITE("mailbox") {
  TEST_CASE("a barrier lets its parties go together, again and again") {
    in_hub([] {
      barrier step{3};
      std::string order;
      std::vector<any_greenlet> all;
      for (const char name : {'a', 'b', 'c'})
        all.push_back(spawn([&, name] {
          for (int round = 0; round < 3; ++round) {
            order += name;
            if (round > name - 'a') sleep(1s);
            CHECK(step.arrive_and_wait());
          }
        }));
      joinall(all);
      REQUIRE(order.size() == 9);
      for (std::size_t round = 0; round < 9; round += 3)
        for (const char name : {'a', 'b', 'c'})
          CHECK(order.substr(round, 3).find(name) != std::string::npos);
      CHECK(step.arrived() == 0);
    });
  }

  TEST_CASE("the last to arrive goes on, and the others in the order in which "
            "they came") {
    in_hub([] {
      barrier step{3};
      std::string order;
      for (const char name : {'a', 'b'})
        spawn([&, name] {
          step.arrive_and_wait();
          order += name;
        });
      yield();
      CHECK(step.arrived() == 2);
      {
        const no_wait guard;
        CHECK(step.arrive_and_wait());
      }
      CHECK(order == "");
      yield();
      CHECK(order == "ab");
    });
  }

  TEST_CASE("a barrier for one never waits, for fewer it is refused") {
    in_hub([] {
      barrier alone{1};
      const no_wait guard;
      CHECK(alone.arrive_and_wait(0s));
      CHECK(alone.arrive_and_wait());
      CHECK_THROWS_WITH_AS(barrier{0}, "barrier: for 0 greenlets",
                           std::invalid_argument);
      CHECK_THROWS_WITH_AS(barrier{-1}, "barrier: for -1 greenlets",
                           std::invalid_argument);
    });
  }

  TEST_CASE("who leaves has not arrived") {
    in_hub([] {
      barrier step{2};
      SUBCASE("by its deadline") {
        CHECK(time_of([&] { CHECK_FALSE(step.arrive_and_wait(1s)); }) == 1s);
      }
      SUBCASE("by a kill") {
        const auto killed = spawn([&] { step.arrive_and_wait(); });
        yield();
        CHECK(step.arrived() == 1);
        killed.kill_soon();
        CHECK(step.arrived() == 0); // at once, and not when it runs
        killed.join();
      }
      SUBCASE("by a timeout") {
        timeout limit{1s};
        CHECK_FALSE(limit.run([&] { step.arrive_and_wait(); }));
      }
      SUBCASE("before it came") {
        const no_wait guard;
        CHECK_THROWS_AS(step.arrive_and_wait(), wait_refused);
      }
      CHECK(step.arrived() == 0);
      CHECK_FALSE(step.arrive_and_wait(1s));
      const auto first = spawn([&] { return step.arrive_and_wait(); });
      yield();
      CHECK(step.arrive_and_wait());
      CHECK(first.get());
    });
  }

  TEST_CASE("nobody is let go by one that left in the same turn") {
    in_hub([] {
      barrier step{2};
      const deadline when{1s};
      bool first = true;
      bool second = true;
      const auto leaves = spawn([&] { first = step.arrive_and_wait(when); });
      spawn([&] {
        barrier alone{2};
        alone.arrive_and_wait(when); // runs just after
        second = step.arrive_and_wait(1s);
      }).join();
      leaves.join();
      CHECK_FALSE(first);
      CHECK_FALSE(second);
    });
  }

  TEST_CASE("a kill after the last arrival comes too late") {
    in_hub([] {
      barrier step{2};
      const auto first = spawn([&] { return step.arrive_and_wait(); });
      yield();
      CHECK(step.arrive_and_wait());
      first.kill_soon();
      CHECK(first.get());
      CHECK(step.arrived() == 0);
    });
  }

  TEST_CASE("one whose timeout is withdrawn at the last moment arrives again") {
    in_hub([] {
      barrier step{2};
      timeout* limit = nullptr;
      const deadline when{1s};
      const auto other = spawn([&] { // runs between the expiry and the waiter
        barrier alone{2};
        alone.arrive_and_wait(when);
        CHECK(step.arrived() == 0);
        limit->cancel();
        CHECK(step.arrive_and_wait(1s));
      });
      const auto waiter = spawn([&] {
        timeout own{1s};
        limit = &own;
        own.start();
        return step.arrive_and_wait(5s);
      });
      CHECK(time_of([&] { CHECK(waiter.get()); }) == 1s);
      other.join();
    });
  }

  TEST_CASE("a barrier may be destroyed as soon as the last has arrived") {
    in_hub([] {
      auto gone = std::make_unique<barrier>(3);
      int through = 0;
      std::string error;
      std::vector<any_greenlet> all;
      for (int i = 0; i < 2; ++i)
        all.push_back(spawn([&] {
          error = error_of([&] { through += gone->arrive_and_wait() ? 1 : 0; });
        }));
      yield();
      SUBCASE("and not before") {
        gone.reset();
        joinall(all);
        CHECK(through == 0);
        CHECK(error.find("barrier::arrive_and_wait: the object was "
                         "destroyed") != std::string::npos);
      }
      SUBCASE("and not with one on its way out") {
        all[0].kill_soon();
        gone.reset();
        joinall(all);
        CHECK(all[0].successful());
        CHECK(through == 0);
      }
      SUBCASE("and the others have not run") {
        CHECK(gone->arrive_and_wait());
        gone.reset();
        joinall(all);
        CHECK(through == 2);
      }
    });
  }

  TEST_CASE("a barrier refuses the thread of another hub") {
    in_hub([] {
      barrier step{1};
      std::thread([&] {
        CHECK_THROWS_AS(step.arrive_and_wait(), wrong_hub);
      }).join();
    });
  }
}
