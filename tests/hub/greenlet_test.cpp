#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Sleeps for a second, then says so and returns 5.
class sleeper : public greenlet_with_result<int> {
public:
  explicit sleeper(std::string& trace) : trace_(trace) {}

private:
  void run() override {
    sleep(1s);
    trace_ += "ran ";
    value_ = 5;
  }
  std::string& trace_;
};

any_greenlet sleeps(std::chrono::nanoseconds time) {
  return spawn([time] { sleep(time); });
}

any_greenlet fails_after(std::chrono::nanoseconds time, const char* text) {
  return spawn([=] {
    sleep(time);
    throw failure(text);
  });
}

} // namespace

TEST_SUITE("hub") {
  // --- the states of its life ----------------------------------------------

  // GEVENT.md 3.2, 1
  TEST_CASE("a greenlet that was not started is neither started nor dead") {
    in_hub([] {
      std::string trace;
      sleeper one{trace};
      CHECK(one.state() == greenlet_state::unstarted);
      CHECK_FALSE(one.started());
      CHECK_FALSE(one.dead());
      CHECK_FALSE(one.ready());
      CHECK_FALSE(one.successful());
      CHECK_FALSE(one.killed());
      CHECK_FALSE(one.value());
      CHECK_FALSE(one.exception());
    });
  }

  // GEVENT.md 3.2, 1
  TEST_CASE("a greenlet is started from its start to its end") {
    in_hub([] {
      std::string trace;
      sleeper one{trace};
      one.link([&](greenlet_base& ended) {
        trace += &ended == &one ? "link " : "? ";
      });
      const auto check_alive = [&] {
        CHECK(one.started());
        CHECK_FALSE(one.dead());
        CHECK_FALSE(one.ready());
        CHECK_FALSE(one.successful());
        CHECK_FALSE(one.value());
        CHECK_FALSE(one.exception());
      };
      one.start();
      CHECK(one.state() == greenlet_state::started);
      check_alive();
      yield();
      CHECK(one.state() == greenlet_state::running);
      check_alive();
      CHECK(trace.empty());
      one.join();
      CHECK(one.state() == greenlet_state::dead);
      CHECK_FALSE(one.started());
      CHECK(one.dead());
      CHECK(one.ready());
      CHECK(one.successful());
      CHECK_FALSE(one.killed());
      CHECK(one.value() == 5);
      CHECK_FALSE(one.exception());
      CHECK(trace == "ran link ");
    });
  }

  // GEVENT.md 3.2, 17
  TEST_CASE("starting a greenlet twice runs it once") {
    in_hub([] {
      std::string trace;
      sleeper one{trace};
      one.start();
      one.start();
      yield();
      one.start();
      one.join();
      one.start();
      sleep(5s);
      CHECK(trace == "ran ");
    });
  }

  TEST_CASE("a greenlet may be started with a delay") {
    in_hub([] {
      std::string trace;
      sleeper one{trace};
      one.start_later(3s);
      CHECK(one.started());
      one.start();
      one.start_later(1s);
      CHECK(time_of([&] { one.join(); }) == 4s);
      CHECK(trace == "ran ");
    });
  }

  // GEVENT.md 3.2, 2
  TEST_CASE("a greenlet that fails has the exception and no value") {
    in_hub([] {
      const auto failing = spawn([]() -> int { throw failure("no luck"); });
      failing.join();
      CHECK(failing.dead());
      CHECK(failing.ready());
      CHECK_FALSE(failing.started());
      CHECK_FALSE(failing.successful());
      CHECK_FALSE(failing.killed());
      CHECK_FALSE(failing.value());
      CHECK(describe(failing.exception()).find("no luck") != std::string::npos);
    });
  }

  // GEVENT.md 3.2, 20
  TEST_CASE("a greenlet is never dead while it runs") {
    in_hub([] {
      greenlet<void> self;
      bool dead_inside = false;
      self = spawn([&] {
        for (int i = 0; i < 3; ++i) {
          dead_inside |= self.dead() || !self.started();
          yield();
        }
      });
      bool dead_outside = false;
      const auto observer = spawn([&] {
        for (int i = 0; i < 3; ++i) {
          dead_outside |= self.dead() || !self.started();
          yield();
        }
      });
      self.join();
      observer.join();
      CHECK_FALSE(dead_inside);
      CHECK_FALSE(dead_outside);
    });
  }

  // --- results ------------------------------------------------------------

  TEST_CASE("get waits for the value") {
    in_hub([] {
      const auto answer = spawn([] {
        sleep(1s);
        return 42;
      });
      CHECK_FALSE(answer.value());
      CHECK(time_of([&] { CHECK(answer.get() == 42); }) == 1s);
      CHECK(answer.value() == 42);
      CHECK(answer.get() == 42);
    });
  }

  TEST_CASE("arguments are kept by the greenlet") {
    in_hub([] {
      std::string text = "kept";
      const auto joined =
          spawn([](const std::string& first,
                   int second) { return first + std::to_string(second); },
                text, 7);
      text = "changed";
      CHECK(joined.get() == "kept7");
    });
  }

  TEST_CASE("a greenlet takes a function that can only be moved") {
    in_hub([] {
      auto owned = std::make_unique<int>(5);
      CHECK(spawn([kept = std::move(owned)] { return *kept; }).get() == 5);
    });
  }

  TEST_CASE("what a greenlet's function captured ends inside the greenlet") {
    in_hub([] {
      struct waits_at_end {
        explicit waits_at_end(std::string& text) : trace(text) {}
        waits_at_end(const waits_at_end&) = delete;
        ~waits_at_end() {
          sleep(1s);
          trace += current().name();
        }
        std::string& trace;
      };
      std::string trace;
      const auto owner =
          spawn({.name = "owner"},
                [kept = std::make_unique<waits_at_end>(trace)] { (void)kept; });
      CHECK(time_of([&] { owner.join(); }) == 1s);
      CHECK(trace == "owner");
    });
  }

  TEST_CASE("take moves out a result that cannot be copied") {
    in_hub([] {
      const auto made = spawn([] { return std::make_unique<int>(7); });
      CHECK(*made.take() == 7);
      CHECK_THROWS_AS(spawn([] { throw std::string("no"); }).take(),
                      std::string);
    });
  }

  TEST_CASE("get rethrows the same exception object every time") {
    in_hub([] {
      const auto failing = spawn([] { throw failure("once"); });
      const failure* seen[3] = {};
      for (const failure*& each : seen)
        try {
          failing.get();
        } catch (const failure& caught) {
          each = &caught;
        }
      CHECK(seen[0] != nullptr);
      CHECK(seen[0] == seen[1]);
      CHECK(seen[0] == seen[2]);
    });
  }

  TEST_CASE("get of a killed greenlet throws errc::killed") {
    in_hub([] {
      const auto victim = spawn([] { sleep(1h); });
      victim.kill();
      try {
        victim.get();
        FAIL("it had a value");
      } catch (const std::system_error& caught) {
        CHECK(caught.code() == errc::killed);
      }
    });
  }

  TEST_CASE("get gives up at its deadline and the greenlet goes on") {
    in_hub([] {
      const auto slow = spawn([] {
        sleep(3s);
        return 1;
      });
      try {
        slow.get(1s);
        FAIL("it had a value");
      } catch (const std::system_error& caught) {
        CHECK(caught.code() == errc::timed_out);
        CHECK(caught.code() == std::errc::timed_out);
      }
      CHECK(slow.get() == 1);
    });
  }

  // --- join ---------------------------------------------------------------

  TEST_CASE("join does not throw the greenlet's error") {
    in_hub([] {
      const auto failing = spawn([] { throw failure("kept"); });
      CHECK(failing.join());
    });
  }

  TEST_CASE("join gives up at its deadline") {
    in_hub([] {
      const auto slow = sleeps(3s);
      CHECK(time_of([&] { CHECK_FALSE(slow.join(1s)); }) == 1s);
      CHECK(time_of([&] { CHECK(slow.join(5s)); }) == 2s);
      CHECK(slow.join(0s));
    });
  }

  TEST_CASE("joining a dead greenlet returns without a switch") {
    in_hub([] {
      const auto done = spawn([] {});
      done.join();
      bool ran = false;
      const auto other = spawn([&] { ran = true; });
      CHECK(done.join());
      CHECK_FALSE(ran);
      other.join();
    });
  }

  TEST_CASE("several greenlets may join one, and wake in their order") {
    in_hub([] {
      std::string order;
      const auto target = sleeps(1s);
      std::vector<any_greenlet> joiners;
      for (char name = 'a'; name <= 'd'; ++name)
        joiners.push_back(spawn([&order, target, name] {
          target.join();
          order += name;
        }));
      joinall(joiners);
      CHECK(order == "abcd");
    });
  }

  TEST_CASE("a greenlet that joins itself is told so") {
    in_hub([] {
      const auto self =
          spawn([] { return error_of([] { current().join(); }); });
      CHECK(self.get().find("would join itself") != std::string::npos);
      CHECK(error_of([] { current().join(); }).find("'main'") !=
            std::string::npos);
    });
  }

  TEST_CASE("a greenlet may join one that is started only afterwards") {
    in_hub([] {
      std::string trace;
      sleeper one{trace};
      const auto joiner = spawn([&] { one.join(); });
      yield();
      one.start();
      joiner.join();
      CHECK(one.dead());
    });
  }

  TEST_CASE("a dead greenlet that was joined may be destroyed at once") {
    in_hub([] {
      std::string trace;
      {
        sleeper one{trace};
        one.start();
        one.link([](greenlet_base&) {});
        one.join();
      }
      {
        sleeper killed{trace};
        killed.start();
        killed.kill();
      }
      {
        sleeper delayed{trace};
        delayed.start_later(1h);
        delayed.kill();
      }
      {
        sleeper linked{trace};
        linked.link([&](greenlet_base&) { trace += "link "; });
        linked.kill();
      }
      yield();
      CHECK(trace == "ran link ");
    });
  }

  // --- names --------------------------------------------------------------

  TEST_CASE("a greenlet has a name and may be given another") {
    in_hub([] {
      CHECK(current().name() == "main");
      const auto plain = spawn([] {});
      CHECK(plain.name() == "Greenlet-" + std::to_string(plain->id()));
      const auto named = spawn({.name = "cook"}, [] {});
      CHECK(named.name() == "cook");
      named->name("waiter");
      CHECK(named.name() == "waiter");
      plain.join();
      named.join();
      CHECK(named.name() == "waiter");
    });
  }

  TEST_CASE("a name is cut to the room there is for it") {
    in_hub([] {
      const auto named = spawn({.name = "a long name"}, [] {});
      char text[7] = {};
      named->name_to(text, sizeof text);
      CHECK(std::string(text) == "a long");
      named.join();
    });
  }

  // --- handles ------------------------------------------------------------

  TEST_CASE("dropping the last handle does not stop a greenlet") {
    in_hub([] {
      bool ran = false;
      {
        spawn([&] {
          sleep(1s);
          ran = true;
        });
      }
      sleep(2s);
      CHECK(ran);
    });
  }

  TEST_CASE("a handle keeps a greenlet's result") {
    in_hub([] {
      greenlet<std::string> kept;
      CHECK_FALSE(static_cast<bool>(kept));
      kept = spawn([] { return std::string("here"); });
      const any_greenlet any = kept;
      CHECK(any == kept);
      kept.join();
      idle();
      CHECK(kept.get() == "here");
    });
  }

  TEST_CASE("greenlets live and die independently of who spawned them") {
    in_hub([] {
      any_greenlet child;
      const auto parent = spawn([&] {
        child = sleeps(5s);
        sleep(1h);
      });
      yield();
      parent.kill();
      CHECK_FALSE(child.dead());
      CHECK(child.join());
      CHECK(child.successful());
    });
  }

  // --- many ---------------------------------------------------------------

  TEST_CASE("joinall returns the greenlets in the order of their ends") {
    in_hub([] {
      const std::vector<any_greenlet> all{sleeps(3s), sleeps(1s), sleeps(2s)};
      const auto finished = joinall(all);
      CHECK(finished == std::vector{all[1], all[2], all[0]});
    });
  }

  TEST_CASE("joinall returns those that ended by its deadline") {
    in_hub([] {
      const std::vector<any_greenlet> all{sleeps(3s), sleeps(1s), sleeps(9s)};
      CHECK(time_of([&] {
              CHECK(joinall(all, 5s) == std::vector{all[1], all[0]});
            }) == 5s);
      all[2].kill();
    });
  }

  // GEVENT.md 3.2, 15
  TEST_CASE("joinall returns when as many have ended as were asked for") {
    in_hub([] {
      const auto slow = sleeps(3s);
      const auto quick = fails_after(1s, "no matter");
      const std::vector<any_greenlet> all{slow, quick};
      CHECK(joinall(all, {}, 1) == std::vector<any_greenlet>{quick});
      CHECK(slow.started());
      CHECK(joinall(all, {}, 0).empty());
      joinall(all);
    });
  }

  TEST_CASE("joinall returns a greenlet as often as it was given") {
    in_hub([] {
      const auto one = sleeps(1s);
      const auto done = spawn([] {});
      done.join();
      const std::vector<any_greenlet> all{one, one, done, one};
      CHECK(joinall(all) == std::vector<any_greenlet>{done, one, one, one});
    });
  }

  TEST_CASE("joinall of none returns at once") {
    in_hub([] {
      CHECK(joinall({}).empty());
      CHECK(killall({}));
    });
  }

  // GEVENT.md 3.2, 14
  TEST_CASE("joinall_or_throw throws what failed first, as soon as it did") {
    in_hub([] {
      const std::vector<any_greenlet> all{fails_after(2s, "second"), sleeps(3s),
                                          fails_after(1s, "first")};
      CHECK(time_of([&] {
              CHECK(error_of([&] { joinall_or_throw(all); }).find("first") !=
                    std::string::npos);
            }) == 1s);
      joinall(all);
      const std::vector<any_greenlet> well{sleeps(2s), sleeps(1s)};
      CHECK(joinall_or_throw(well).size() == 2);
    });
  }

  TEST_CASE("joinall with a greenlet of another hub waits for none") {
    in_hub([] {
      const any_greenlet foreign = spawn([] {});
      in_hub([&] {
        const auto own = sleeps(1s);
        const std::vector<any_greenlet> both{own, foreign};
        CHECK_THROWS_AS(joinall(both), wrong_hub);
        CHECK(own.join());
      });
      foreign.join();
    });
  }

  // GEVENT.md 3.2, 4
  TEST_CASE("spawned-and-killed greenlets never run") {
    in_hub([] {
      bool ran = false;
      const auto a = spawn([&] { ran = true; });
      a.kill_soon();
      const auto b = spawn([&] { ran = true; });
      b.kill_soon();
      CHECK(joinall(std::vector<any_greenlet>{a, b}).size() == 2);
      CHECK_FALSE(ran);
      CHECK(a.killed());
      CHECK(b.successful());
      CHECK_FALSE(a.exception());
    });
  }
}
