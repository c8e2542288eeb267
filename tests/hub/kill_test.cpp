// Killing, at every point of a greenlet's life. See greenlet.hpp.

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/hub/timeout.hpp>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::at_exit;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Survives every kill that is thrown once.
greenlet<int> stubborn(int* hits = nullptr) {
  return spawn([hits] {
    for (;;)
      try {
        sleep(1s);
        return 1;
      } catch (const greenlet_exit&) {
        if (hits) ++*hits;
      }
  });
}

class recorder : public greenlet_base {
public:
  explicit recorder(std::string& trace) : trace_(trace) {}

private:
  void run() override { trace_ += "ran "; }
  std::string& trace_;
};

class late_recorder : public greenlet_base {
public:
  explicit late_recorder(std::string& trace) : trace_(trace) {}

private:
  void run() override {
    sleep(1h);
    trace_ += "went on ";
  }
  std::string& trace_;
};

} // namespace

TEST_SUITE("hub") {
  TEST_CASE("a greenlet killed before its start never runs") {
    in_hub([] {
      std::string trace;
      recorder one{trace};
      one.link([&](greenlet_base& ended) {
        trace += ended.killed() ? "killed " : "? ";
      });
      CHECK(one.kill());
      CHECK(one.dead());
      CHECK(one.killed());
      CHECK(one.successful());
      one.start();
      idle();
      CHECK(one.kill());
      idle();
      CHECK(trace == "killed ");
    });
  }

  // GEVENT.md 3.2, 3
  TEST_CASE("a greenlet killed before it began never runs") {
    in_hub([] {
      std::string trace;
      int links = 0;
      const auto victim = spawn([&] { trace += "ran "; });
      victim.link([&](greenlet_base&) { ++links; });
      victim.kill_soon();
      CHECK(victim.dead());
      victim.kill_soon();
      CHECK(victim.kill());
      idle();
      CHECK(trace.empty());
      CHECK(links == 1);
      CHECK(victim.killed());
    });
  }

  // GEVENT.md 3.2, 3
  TEST_CASE("a greenlet killed at any time and in any way does not go on, and "
            "its link is called once") {
    test::captured_log log; // of the errors given as reasons
    using step = void (*)(greenlet_base&);
    const step kills[] = {
        [](greenlet_base& victim) { CHECK(victim.kill()); },
        [](greenlet_base& victim) { victim.kill_soon(); },
        [](greenlet_base& victim) {
          CHECK(killall(std::vector<any_greenlet>{victim}));
        },
        [](greenlet_base& victim) { CHECK(victim.kill(failure("an error"))); },
        [](greenlet_base& victim) { CHECK(victim.kill(42)); },
    };
    const step starts[] = {
        [](greenlet_base&) {},
        [](greenlet_base& victim) { victim.start(); },
        [](greenlet_base& victim) { victim.start_later(1s); },
        [](greenlet_base& victim) {
          victim.start();
          yield();
        },
    };
    for (const step kill : kills)
      for (const step start : starts)
        in_hub([=] {
          std::string trace;
          int links = 0;
          late_recorder victim{trace};
          victim.link([&](greenlet_base& ended) {
            CHECK(&ended == &victim);
            ++links;
          });
          start(victim);
          kill(victim);
          idle();
          const auto check_killed = [&] {
            CHECK(victim.dead());
            CHECK_FALSE(victim.started());
            CHECK(victim.ready());
            CHECK(victim.killed() == victim.successful());
            CHECK(victim.killed() == !victim.exception());
          };
          check_killed();
          kill(victim);
          victim.start();
          sleep(2h);
          check_killed();
          CHECK(trace.empty());
          CHECK(links == 1);
        });
  }

  TEST_CASE("one that would begin next never runs when it is killed") {
    in_hub([] {
      bool ran = false;
      const auto victim =
          spawn({.order = start_order::next}, [&] { ran = true; });
      victim.kill();
      idle();
      CHECK_FALSE(ran);
    });
  }

  TEST_CASE("a kill cancels a delayed start, and nothing is left to wait for") {
    in_hub([] {
      bool ran = false;
      const auto victim = spawn_later(1h, [&] { ran = true; });
      victim.kill();
      CHECK(victim.killed());
      CHECK(time_of([] {
              wait_list never;
              CHECK_THROWS_AS(never.wait({}, "for ever", nullptr), loop_exit);
            }) == 0s);
      CHECK_FALSE(ran);
    });
  }

  // GEVENT.md 3.2, 5
  TEST_CASE("one killed before it began fails with the reason given") {
    test::captured_log log;
    in_hub([] {
      const auto victim = spawn([] { return 1; });
      victim.kill(failure("not wanted"));
      CHECK_FALSE(victim.successful());
      CHECK_FALSE(victim.killed());
      CHECK_FALSE(victim.value());
      CHECK_THROWS_AS(victim.get(), failure);
    });
    CHECK(log.count("not wanted") == 1);
  }

  // GEVENT.md 3.2, 6
  TEST_CASE("a kill unwinds the stack before it returns") {
    in_hub([] {
      std::string trace;
      const auto victim = spawn([&] {
        at_exit outer{trace, "outer "};
        try {
          at_exit inner{trace, "inner "};
          trace += "start ";
          sleep(1h);
          trace += "never ";
        } catch (...) {
          trace += "except ";
          throw;
        }
      });
      yield();
      CHECK(time_of([&] { CHECK(victim.kill()); }) == 0s);
      CHECK(trace == "start inner except outer ");
      CHECK(victim.dead());
      CHECK(victim.killed());
      CHECK(victim.successful());
      CHECK_FALSE(victim.value());
    });
  }

  TEST_CASE("a kill is no std::exception") {
    in_hub([] {
      bool swallowed = false;
      const auto victim = spawn([&] {
        try {
          sleep(1h);
        } catch (const std::exception&) {
          swallowed = true;
        }
      });
      yield();
      victim.kill();
      CHECK_FALSE(swallowed);
      CHECK(victim.killed());
    });
  }

  TEST_CASE("a kill names the greenlet it is for") {
    in_hub([] {
      bool for_me = false;
      const auto victim = spawn([&] {
        try {
          sleep(1h);
        } catch (const greenlet_exit& caught) {
          for_me = caught.is_for(current());
          throw;
        }
      });
      yield();
      victim.kill();
      CHECK(for_me);
    });
  }

  TEST_CASE("a greenlet in a yield is killed at its next waiting call") {
    in_hub([] {
      std::string trace;
      const auto victim = spawn([&] {
        trace += "a ";
        sleep(0s);
        trace += "b ";
        try {
          sleep(0s);
        } catch (const greenlet_exit&) {
          trace += "exit@2nd ";
          throw;
        }
      });
      yield();
      victim.kill();
      CHECK(trace == "a b exit@2nd ");
    });
  }

  TEST_CASE("a wake-up that was queued before the kill comes first") {
    in_hub([] {
      std::string trace;
      wait_list list;
      const auto victim = spawn([&] {
        list.wait({}, "list", &list);
        trace += "woken ";
        sleep(1s);
        trace += "never ";
      });
      yield();
      list.wake_one();
      victim.kill();
      CHECK(trace == "woken ");
      CHECK(victim.killed());
    });
  }

  TEST_CASE("killing twice throws once") {
    in_hub([] {
      int hits = 0;
      const auto target = stubborn(&hits);
      yield();
      target.kill_soon();
      target.kill_soon();
      CHECK_FALSE(target.kill(0s));
      CHECK(hits == 1);
      CHECK(target.get() == 1);
    });
  }

  TEST_CASE("each kill is thrown when the one before has been thrown") {
    in_hub([] {
      int hits = 0;
      const auto target = stubborn(&hits);
      yield();
      CHECK_FALSE(target.kill(0s));
      CHECK_FALSE(target.kill(0s));
      CHECK(hits == 2);
      target.join();
    });
  }

  // GEVENT.md 3.2, 6
  TEST_CASE("a greenlet that swallows a kill has the value it returns") {
    in_hub([] {
      std::string trace;
      const auto target = spawn([&] {
        try {
          trace += "start ";
          sleep(1h);
        } catch (...) {
          trace += "except ";
        }
        trace += "finished";
        return 7;
      });
      yield();
      CHECK(trace == "start ");
      CHECK(target.kill());
      CHECK(trace == "start except finished");
      CHECK_FALSE(target.killed());
      CHECK(target.get() == 7);
    });
  }

  TEST_CASE("a kill gives up waiting at its deadline") {
    in_hub([] {
      const auto target = stubborn();
      yield();
      CHECK(time_of([&] { CHECK_FALSE(target.kill(500ms)); }) == 500ms);
      CHECK_FALSE(target.dead());
      target.join();
    });
  }

  // GEVENT.md 3.2, 5
  TEST_CASE("a kill may throw an exception of one's own") {
    test::captured_log log;
    in_hub([] {
      const auto target = spawn([] {
        sleep(1h);
        return 1;
      });
      int failed = 0;
      target.link_exception([&](greenlet_base&) { ++failed; });
      yield();
      target.kill(failure("a time to kill"));
      CHECK_FALSE(target.successful());
      CHECK_FALSE(target.killed());
      CHECK_FALSE(target.value());
      CHECK_THROWS_AS(target.get(), failure);
      CHECK(failed == 1);
    });
    CHECK(log.count("a time to kill") == 1);
  }

  // GEVENT.md 3.2, 4
  TEST_CASE("an exception of one's own may be handled by its type") {
    in_hub([] {
      const auto target = spawn([] {
        try {
          sleep(1h);
        } catch (const failure& caught) {
          return std::string(caught.what());
        }
        return std::string("never");
      });
      yield();
      target.kill(failure("reload"));
      CHECK(target.get() == "reload");
    });
  }

  TEST_CASE("the reason of a swallowed kill does not come back") {
    in_hub([] {
      const auto target = spawn([] {
        try {
          sleep(1h);
        } catch (const failure&) {
        }
        sleep(1h);
      });
      yield();
      CHECK_FALSE(target.kill(failure("first"), 0s));
      target.kill();
      CHECK(target.killed());
    });
  }

  TEST_CASE("a kill of a dead greenlet does nothing") {
    in_hub([] {
      const auto done = spawn([] { return 3; });
      done.join();
      CHECK(done.kill());
      CHECK(done.kill(failure("late")));
      CHECK_FALSE(done.killed());
      CHECK(done.get() == 3);
    });
  }

  TEST_CASE("a greenlet that kills itself ends in place") {
    in_hub([] {
      std::string trace;
      const auto self = spawn([&] {
        at_exit mark{trace, "unwound "};
        current().kill();
        trace += "never ";
      });
      self.join();
      CHECK(trace == "unwound ");
      CHECK(self.killed());
    });
  }

  TEST_CASE("a greenlet that kills itself soon ends at its next wait") {
    in_hub([] {
      std::string trace;
      const auto self = spawn([&] {
        current().kill_soon();
        trace += "before ";
        yield();
        trace += "never ";
      });
      self.join();
      CHECK(trace == "before ");
      CHECK(self.killed());
    });
  }

  TEST_CASE("a greenlet that kills itself in a shield goes on to its end") {
    in_hub([] {
      std::string trace;
      const auto self = spawn([&] {
        {
          const shield guard;
          CHECK_FALSE(current().kill());
          trace += "shielded ";
          sleep(1s);
          trace += "slept ";
        }
        sleep(1s);
        trace += "never ";
      });
      self.join();
      CHECK(trace == "shielded slept ");
    });
  }

  TEST_CASE("during unwinding no kill is thrown, also not into a wait") {
    in_hub([] {
      std::string trace;
      struct waits {
        explicit waits(std::string& text) : trace(text) {}
        ~waits() {
          sleep(2s);
          trace += "cleaned ";
        }
        std::string& trace;
      };
      const auto victim = spawn([&] {
        const waits cleanup{trace};
        sleep(1h);
      });
      yield();
      CHECK_FALSE(victim.kill(1s));
      CHECK_FALSE(victim.kill(500ms));
      CHECK(time_of([&] { CHECK(victim.kill()); }) == 500ms);
      CHECK(trace == "cleaned ");
      CHECK(victim.killed());
    });
  }

  TEST_CASE("a kill that came during unwinding is thrown after it") {
    in_hub([] {
      std::string trace;
      struct waits {
        ~waits() { sleep(2s); }
      };
      const auto victim = spawn([&] {
        try {
          const waits cleanup;
          throw failure("on its way");
        } catch (const failure&) {
          trace += "caught ";
        }
        sleep(1h);
        trace += "never ";
      });
      sleep(1s);
      CHECK(time_of([&] { victim.kill(); }) == 1s);
      CHECK(trace == "caught ");
      CHECK(victim.killed());
    });
  }

  TEST_CASE("a kill may be thrown inside a catch block") {
    in_hub([] {
      std::string trace;
      const auto victim = spawn([&] {
        try {
          throw failure("first");
        } catch (const failure&) {
          at_exit mark{trace, "unwound "};
          sleep(1h);
        }
      });
      yield();
      victim.kill();
      CHECK(trace == "unwound ");
      CHECK(victim.killed());
    });
  }

  TEST_CASE("a brutal kill is thrown at every waiting call") {
    in_hub([] {
      int hits = 0;
      const auto target = spawn([&] {
        while (hits < 5)
          try {
            sleep(1h);
          } catch (const greenlet_exit&) {
            ++hits;
          }
        yield();
      });
      yield();
      target->kill_brutally();
      CHECK(time_of([&] { target.join(); }) == 0s);
      CHECK(hits == 5);
      CHECK(target.killed());
    });
  }

  TEST_CASE("a brutal kill respects a shield") {
    in_hub([] {
      std::string trace;
      const auto target = spawn([&] {
        {
          const shield guard;
          sleep(1s);
          trace += "done ";
        }
        sleep(1h);
      });
      yield();
      target->kill_brutally();
      CHECK(time_of([&] { target.join(); }) == 1s);
      CHECK(trace == "done ");
    });
  }

  TEST_CASE("a brutal kill of one that has not begun is a kill") {
    in_hub([] {
      bool ran = false;
      const auto target = spawn([&] { ran = true; });
      target->kill_brutally();
      CHECK(target.killed());
      idle();
      CHECK_FALSE(ran);
    });
  }

  TEST_CASE("a greenlet may kill the main greenlet") {
    in_hub([] {
      spawn([] { hub::current().main_greenlet().kill_soon(); });
      bool killed = false;
      try {
        sleep(1h);
      } catch (const greenlet_exit& caught) {
        killed = caught.is_for(current());
      }
      CHECK(killed);
      CHECK(time_of([] { sleep(1s); }) == 1s);
    });
  }

  // GEVENT.md 3.2, 23
  TEST_CASE("killall ends those that have not begun first") {
    in_hub([] {
      std::string trace;
      const auto running = spawn([&] {
        at_exit mark{trace, "running "};
        sleep(1h);
      });
      yield();
      const auto fresh = spawn([&] { trace += "never "; });
      fresh.link([&](greenlet_base&) { trace += "fresh "; });
      const auto delayed = spawn_later(1h, [&] { trace += "never "; });
      CHECK(killall(std::vector<any_greenlet>{running, fresh, delayed}));
      CHECK(running.dead());
      CHECK(fresh.dead());
      CHECK(delayed.dead());
      CHECK(trace.find("never") == std::string::npos);
    });
  }

  TEST_CASE("killall throws in the order of the list") {
    in_hub([] {
      std::string trace;
      std::vector<any_greenlet> all;
      for (char name = 'a'; name <= 'e'; ++name)
        all.push_back(spawn([&trace, name] {
          at_exit mark{trace, std::string(1, name)};
          sleep(1h);
        }));
      yield();
      CHECK(killall(all));
      CHECK(trace == "abcde");
    });
  }

  // GEVENT.md 3.2, 23
  TEST_CASE("killall gives up at its deadline on those that refuse") {
    in_hub([] {
      const auto never_begun = stubborn();
      CHECK(killall(std::vector<any_greenlet>{never_begun}, 100ms));
      CHECK(never_begun.killed());
      const auto refuses = stubborn();
      const auto ends = spawn([] { sleep(1h); });
      yield();
      const std::vector<any_greenlet> all{refuses, ends};
      CHECK(time_of([&] { CHECK_FALSE(killall(all, 100ms)); }) == 100ms);
      CHECK(ends.dead());
      CHECK_FALSE(refuses.dead());
      refuses.join();
    });
  }

  TEST_CASE("whoever waits for a kill may be killed itself") {
    in_hub([] {
      const auto target = stubborn();
      yield();
      const auto killer = spawn([&] { target.kill(); });
      yield();
      CHECK(time_of([&] { killer.kill(); }) == 0s);
      CHECK(killer.killed());
      target.join();
    });
  }

  TEST_CASE("two greenlets that kill each other both end") {
    in_hub([] {
      greenlet<void> a, b;
      a = spawn([&] {
        sleep(1s);
        b.kill();
      });
      b = spawn([&] {
        sleep(1s);
        a.kill();
      });
      CHECK(a.join());
      CHECK(b.join());
    });
  }

  TEST_CASE("a greenlet killed by its joiner's end is gone") {
    in_hub([] {
      const auto target = spawn([] { sleep(1h); });
      const auto owner = spawn([&] {
        try {
          target.join();
        } catch (...) {
          target.kill_soon();
          throw;
        }
      });
      yield();
      owner.kill();
      idle();
      CHECK(target.killed());
    });
  }

  TEST_CASE("a greenlet stays killed when its end was reported") {
    in_hub([] {
      const auto target = spawn([] { sleep(1h); });
      yield();
      target.kill();
      CHECK(error_of([&] { target.get(); }).find("killed") !=
            std::string::npos);
      CHECK(error_of([&] { target.get(); }).find("killed") !=
            std::string::npos);
    });
  }
}
