// The order in which ready work runs.

#include "hub/support.hpp"

#include <greenroom/hub/ready_queue.hpp>
#include <greenroom/hub/timeout.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::in_hub;
using test::in_hub_on;

namespace {

struct mark : runnable {
  mark() : runnable([](runnable&) {}) {}
};

} // namespace

TEST_SUITE("hub") {
  TEST_CASE("the ready queue is first in, first out") {
    ready_queue queue;
    mark a, b, c;
    CHECK(queue.empty());
    CHECK(queue.front() == nullptr);
    queue.push_back(a);
    queue.push_back(b);
    CHECK(&queue.pop() == &a);
    queue.push_back(c);
    CHECK(&queue.pop() == &b);
    CHECK(&queue.pop() == &c);
    CHECK(queue.empty());
  }

  TEST_CASE("what is pushed to the front of the ready queue is next") {
    ready_queue queue;
    mark a, b, c;
    queue.push_front(b);
    queue.push_front(a);
    queue.push_back(c);
    CHECK(&queue.pop() == &a);
    CHECK(&queue.pop() == &b);
    CHECK(&queue.pop() == &c);
  }

  TEST_CASE("spawn does not switch") {
    in_hub([] {
      std::string order;
      const auto child = spawn([&] { order += 'c'; });
      order += 'm';
      child.join();
      CHECK(order == "mc");
    });
  }

  TEST_CASE("greenlets begin in the order of spawning") {
    in_hub([] {
      std::string order;
      std::vector<any_greenlet> all;
      for (char name = 'a'; name <= 'z'; ++name)
        all.push_back(spawn([&order, name] { order += name; }));
      joinall(all);
      CHECK(order == "abcdefghijklmnopqrstuvwxyz");
    });
  }

  // GEVENT.md 3.2, 8
  TEST_CASE("two greenlets that yield take turns") {
    in_hub([] {
      std::string order;
      const auto say = [&](const char* name) {
        for (int i = 1; i <= 2; ++i) {
          order += std::to_string(i) + name + " ";
          sleep(0s);
        }
      };
      const auto a = spawn(say, "A");
      const auto b = spawn(say, "B");
      a.join();
      b.join();
      CHECK(order == "1A 1B 2A 2B ");
    });
  }

  TEST_CASE("yield lets all run that were ready, and not what they spawn") {
    in_hub([] {
      std::string order;
      spawn([&] {
        order += 'a';
        spawn([&] { order += 'c'; });
      });
      spawn([&] { order += 'b'; });
      yield();
      order += 'm';
      yield();
      CHECK(order == "abmc");
    });
  }

  TEST_CASE("yield in an empty hub returns at once") {
    in_hub([] { CHECK(test::time_of([] { yield(); }) == 0s); });
  }

  TEST_CASE("a sleep of nothing or less is a yield") {
    in_hub([] {
      std::string order;
      spawn([&] { order += 'a'; });
      sleep(-3s);
      order += 'm';
      CHECK(order == "am");
    });
  }

  TEST_CASE("timers do not run during a yield") {
    in_hub([] {
      bool begun = false;
      const auto later = spawn_later(0s, [&] { begun = true; });
      for (int i = 0; i < 10; ++i)
        yield();
      CHECK_FALSE(begun);
      sleep(1ns);
      CHECK(begun);
    });
  }

  TEST_CASE("greenlets that sleep equally long wake in the order they slept") {
    in_hub([] {
      std::string order;
      std::vector<any_greenlet> all;
      for (char name = 'a'; name <= 'f'; ++name)
        all.push_back(spawn([&order, name] {
          sleep(10ms);
          order += name;
        }));
      joinall(all);
      CHECK(order == "abcdef");
    });
  }

  TEST_CASE("greenlets wake in the order of their times") {
    in_hub([] {
      std::string order;
      std::vector<any_greenlet> all;
      for (const int time : {30, 10, 20, 10})
        all.push_back(spawn([&order, time] {
          sleep(std::chrono::milliseconds(time));
          order += std::to_string(time) + " ";
        }));
      joinall(all);
      CHECK(order == "10 10 20 30 ");
    });
  }

  TEST_CASE("a greenlet spawned next runs ahead of all that is ready") {
    in_hub([] {
      std::string order;
      spawn([&] { order += 'a'; });
      spawn([&] { order += 'b'; });
      spawn({.order = start_order::next}, [&] { order += 'c'; });
      yield();
      CHECK(order == "cab");
    });
  }

  TEST_CASE("spawning next is depth first") {
    in_hub([] {
      std::string order;
      struct tree {
        static void walk(std::string& trace, const std::string& node) {
          trace += node + " ";
          if (node.size() == 3) return;
          const auto left = spawn({.order = start_order::next},
                                  [&] { walk(trace, node + "l"); });
          left.join();
          const auto right = spawn({.order = start_order::next},
                                   [&] { walk(trace, node + "r"); });
          right.join();
        }
      };
      tree::walk(order, "t");
      CHECK(order == "t tl tll tlr tr trl trr ");
    });
  }

  TEST_CASE("a greenlet spawned later begins after its delay") {
    in_hub([] {
      const auto begun = now();
      const auto later = spawn_later(2s, [] { return now(); });
      CHECK(later.get() == begun + 2s);
    });
  }

  TEST_CASE("idle returns when all that was ready has run") {
    in_hub([] {
      std::string order;
      spawn([&] {
        order += 'a';
        spawn([&] {
          yield();
          order += 'b';
        });
      });
      idle();
      CHECK(order == "ab");
    });
  }

  TEST_CASE("idle does not wait for timers that are not due") {
    in_hub([] {
      const auto sleeper = spawn([] { sleep(1s); });
      CHECK(test::time_of([] { idle(); }) == 0s);
      CHECK_FALSE(sleeper.dead());
      sleeper.join();
    });
  }

  TEST_CASE("idle returns after the timers that are due") {
    const auto body = [] {
      bool ran = false;
      spawn_later(0s, [&] { ran = true; });
      idle();
      CHECK(ran);
    };
    in_hub_on(clock_kind::virtual_time, body);
    in_hub_on(clock_kind::real, body);
  }

  TEST_CASE("several greenlets may be idle at once") {
    in_hub([] {
      std::string order;
      const auto a = spawn([&] {
        idle();
        order += 'a';
      });
      const auto b = spawn([&] {
        idle();
        order += 'b';
      });
      spawn([&] {
        for (int i = 0; i < 5; ++i)
          yield();
        order += 'y';
      });
      a.join();
      b.join();
      CHECK(order == "yab");
    });
  }

  TEST_CASE("timers run beside a greenlet that only yields") {
    in_hub_on(clock_kind::real, [] {
      bool stop = false;
      const auto spinner = spawn([&] {
        while (!stop)
          yield();
      });
      sleep(1ms);
      stop = true;
      spinner.join();
    });
  }

  TEST_CASE("posted work runs beside a greenlet that only yields") {
    in_hub([] {
      bool stop = false;
      const auto spinner = spawn([&] {
        while (!stop)
          yield();
      });
      hub::current().post([&] { stop = true; });
      spinner.join();
    });
  }

  TEST_CASE("a pair that wake each other do not starve the rest") {
    in_hub_on(clock_kind::real, [] {
      bool stop = false;
      wait_list ping, pong;
      const auto play = [&](wait_list& own, wait_list& other) {
        while (!stop) {
          other.wake_one();
          own.wait(deadline{1h}, "play", nullptr);
        }
        other.wake_one();
      };
      const auto a = spawn([&] { play(ping, pong); });
      const auto b = spawn([&] { play(pong, ping); });
      sleep(1ms);
      stop = true;
      a.join();
      b.join();
    });
  }

  TEST_CASE("the same program runs in the same order each time") {
    const auto program = [] {
      std::string order;
      in_hub([&] {
        std::vector<any_greenlet> all;
        for (int i = 0; i < 50; ++i)
          all.push_back(spawn([&order, i] {
            for (int step = 0; step < 4; ++step) {
              if ((i + step) % 3 == 0)
                yield();
              else
                sleep(std::chrono::milliseconds((i * 7 + step) % 5));
              order += std::to_string(i) + ' ';
            }
          }));
        joinall(all);
      });
      return order;
    };
    CHECK(program() == program());
  }
}
