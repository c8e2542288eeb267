// wait_list, and what holds for every waiting call of the room.

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/hub/wait.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::at_exit;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

/// What the waiting calls wait on; nothing of it happens until `end`.
class stage {
public:
  stage() {
    refuses = spawn([this] {
      const shield guard;
      list.wait({}, "stage", nullptr);
    });
    waits = spawn([this] { list.wait({}, "stage", nullptr); });
    yield();
  }

  /// Lets all of it end.
  void end() {
    list.wake_all();
    refuses.join();
    waits.join();
  }

  wait_list list;
  wait_list other;
  any_greenlet refuses; // a kill
  any_greenlet waits;
};

struct waiting_call {
  const char* name;
  std::function<void(stage&)> wait; // without a deadline of its own
  std::function<bool(stage&, deadline)> wait_until; // true: it happened
};

const std::vector<waiting_call>& waiting_calls() {
  static const std::vector<waiting_call> all{
      {"sleep", [](stage&) { sleep(1000h); }, {}},
      {"sleep_until", [](stage&) { sleep_until(now() + 1000h); }, {}},
      {"join", [](stage& on) { on.waits.join(); },
       [](stage& on, deadline until) { return on.waits.join(until); }},
      {"get",
       [](stage& on) {
         spawn([&on] { on.other.wait({}, "get", nullptr); }).get();
       },
       [](stage& on, deadline until) {
         const auto slow = spawn([&on] {
           on.other.wait({}, "get", nullptr);
           return 1;
         });
         try {
           return slow.get(until) == 1;
         } catch (const std::system_error& caught) {
           CHECK(caught.code() == errc::timed_out);
           on.other.wake_all();
           return false;
         }
       }},
      {"joinall",
       [](stage& on) {
         joinall(std::vector<any_greenlet>{on.waits, on.refuses});
       },
       [](stage& on, deadline until) {
         const std::vector<any_greenlet> both{on.waits, on.refuses};
         return !joinall(both, until).empty();
       }},
      {"kill", [](stage& on) { on.refuses.kill(); },
       [](stage& on, deadline until) { return on.refuses.kill(until); }},
      {"killall",
       [](stage& on) { killall(std::vector<any_greenlet>{on.refuses}); },
       [](stage& on, deadline until) {
         return killall(std::vector<any_greenlet>{on.refuses}, until);
       }},
      {"wait_list", [](stage& on) { on.other.wait({}, "other", &on); },
       [](stage& on, deadline until) {
         return on.other.wait(until, "other", &on);
       }},
      {"nursery",
       [](stage& on) {
         nursery([&](nursery_scope& children) {
           children.spawn([&on] { on.other.wait({}, "child", nullptr); });
         });
       },
       {}},
  };
  return all;
}

/// Nothing at all is left to wait for: no timer, nothing ready.
void check_nothing_left() {
  const auto before = now();
  wait_list never;
  CHECK_THROWS_AS(never.wait({}, "nothing", nullptr), loop_exit);
  CHECK(now() == before);
}

} // namespace

TEST_SUITE("hub") {
  // --- wait_list ----------------------------------------------------------

  TEST_CASE("a list that ends after a withdrawn timeout is not touched again") {
    test::in_hub([] {
      auto list = std::make_unique<wait_list>();
      std::optional<timeout> limit;
      const auto culprit = spawn([&] { // runs first of the two at one second
        sleep(1s);
        limit->cancel();
        list.reset();
      });
      const auto waiter = spawn([&] {
        limit.emplace(1s);
        limit->start();
        list->wait({}, "list", nullptr);
      });
      try {
        waiter.get();
        FAIL("the wait returned");
      } catch (const std::system_error& caught) {
        CHECK(caught.code() == errc::destroyed);
      }
    });
  }

  TEST_CASE("waiters wake oldest first") {
    in_hub([] {
      wait_list list;
      std::string order;
      for (char name = 'a'; name <= 'd'; ++name)
        spawn([&list, &order, name] {
          CHECK(list.wait({}, "list", &list));
          order += name;
        });
      CHECK(list.empty());
      CHECK_FALSE(list.wake_one());
      yield();
      CHECK_FALSE(list.empty());
      CHECK(list.wake_one());
      yield();
      CHECK(order == "a");
      list.wake_all();
      CHECK(list.empty());
      CHECK(order == "a");
      yield();
      CHECK(order == "abcd");
    });
  }

  TEST_CASE("who waits again while all are woken waits for the next time") {
    in_hub([] {
      wait_list list;
      int woken = 0;
      const auto waiter = spawn([&] {
        for (;;) {
          list.wait({}, "list", &list);
          ++woken;
        }
      });
      yield();
      list.wake_all();
      yield();
      CHECK(woken == 1);
      CHECK_FALSE(list.empty());
      waiter.kill();
    });
  }

  TEST_CASE("a wait in a list ends at its deadline and leaves the list") {
    in_hub([] {
      wait_list list;
      CHECK(time_of([&] { CHECK_FALSE(list.wait(2s, "list", &list)); }) == 2s);
      CHECK(list.empty());
      CHECK_FALSE(list.wait(0s, "list", &list));
      CHECK_FALSE(list.wait(deadline{now()}, "list", &list));
    });
  }

  TEST_CASE("a waiter that gave up takes nobody's wake-up") {
    in_hub([] {
      wait_list list;
      std::string order;
      const auto wait_for = [&](deadline until, const char* name) {
        if (list.wait(until, "list", &list)) order += name;
      };
      const auto a = spawn([&] { wait_for(1s, "a"); });
      const auto b = spawn([&] { wait_for({}, "b"); });
      const auto c = spawn([&] { wait_for({}, "c"); });
      sleep(2s);
      list.wake_one();
      yield();
      CHECK(order == "b");
      c.kill();
      CHECK(list.empty());
      CHECK(a.dead());
      CHECK(b.dead());
    });
  }

  TEST_CASE("a list that is destroyed wakes its waiters with an error") {
    in_hub([] {
      std::optional<wait_list> list{std::in_place};
      std::vector<greenlet<std::string>> waiters;
      for (int i = 0; i < 3; ++i)
        waiters.push_back(spawn(
            [&] { return error_of([&] { list->wait(5s, "gone", &list); }); }));
      yield();
      list.reset();
      for (const auto& each : waiters)
        CHECK(each.get().find("destroyed while waited on") !=
              std::string::npos);
      check_nothing_left();
    });
  }

  TEST_CASE("a list may be destroyed between a wake-up and its waiter's turn") {
    in_hub([] {
      std::optional<wait_list> list{std::in_place};
      const auto woken = spawn([&] { return list->wait({}, "list", nullptr); });
      const auto late = spawn([&] { return list->wait(1s, "list", nullptr); });
      yield();
      list->wake_one();
      list.reset();
      CHECK(woken.get());
      CHECK_THROWS_AS(late.get(), std::system_error);
    });
  }

  TEST_CASE("a killed waiter leaves the list") {
    in_hub([] {
      wait_list list;
      const auto waiter = spawn([&] { list.wait(1h, "list", &list); });
      yield();
      waiter.kill();
      CHECK(list.empty());
      check_nothing_left();
    });
  }

  // --- every waiting call -------------------------------------------------

  TEST_CASE("every waiting call ends at its deadline") {
    for (const waiting_call& call : waiting_calls()) {
      if (!call.wait_until) continue;
      CAPTURE(call.name);
      in_hub([&] {
        stage on;
        const deadline until{5s};
        CHECK(time_of([&] { CHECK_FALSE(call.wait_until(on, until)); }) == 5s);
        CHECK(time_of([&] { CHECK_FALSE(call.wait_until(on, 0s)); }) == 0s);
        on.end();
        check_nothing_left();
      });
    }
  }

  TEST_CASE("every waiting call throws the timeout around it") {
    for (const waiting_call& call : waiting_calls()) {
      CAPTURE(call.name);
      in_hub([&] {
        stage on;
        timeout_scope limit{2s};
        std::string thrown;
        CHECK(time_of([&] {
                try {
                  call.wait(on);
                } catch (const timeout_expired& caught) {
                  thrown = caught.is_from(limit) ? "mine" : "foreign";
                }
              }) == 2s);
        CHECK(thrown == "mine");
        on.other.wake_all();
        on.end();
        idle();
        check_nothing_left();
      });
    }
  }

  TEST_CASE("an outer timeout is not lost to a call's own deadline") {
    for (const waiting_call& call : waiting_calls()) {
      if (!call.wait_until) continue;
      for (const auto own : {3s, 2s, 1s}) {
        CAPTURE(call.name);
        CAPTURE(own.count());
        in_hub([&] {
          stage on;
          timeout_scope limit{2s};
          bool mine = false;
          CHECK(time_of([&] {
                  try {
                    call.wait_until(on, own);
                    sleep(1h);
                  } catch (const timeout_expired& caught) {
                    mine = caught.is_from(limit);
                  }
                }) == 2s);
          CHECK(mine);
          on.other.wake_all();
          on.end();
          idle();
        });
      }
    }
  }

  TEST_CASE("every waiting call throws a timeout that expired before it") {
    for (const waiting_call& call : waiting_calls()) {
      CAPTURE(call.name);
      in_hub([&] {
        stage on;
        timeout_scope limit{1s};
        {
          const shield guard;
          sleep(2s);
        }
        CHECK(time_of([&] {
                CHECK_THROWS_AS(call.wait(on), timeout_expired);
              }) == 0s);
        on.other.wake_all();
        on.end();
        idle();
        check_nothing_left();
      });
    }
  }

  TEST_CASE("a kill at any waiting call unwinds and leaves nothing behind") {
    for (const waiting_call& call : waiting_calls()) {
      for (const auto after : {0s, 1s}) {
        CAPTURE(call.name);
        CAPTURE(after.count());
        in_hub([&] {
          stage on;
          std::string trace;
          const auto victim = spawn([&] {
            at_exit mark{trace, "unwound "};
            call.wait(on);
            trace += "never ";
          });
          if (after == 0s)
            yield();
          else
            sleep(after);
          CHECK(time_of([&] { CHECK(victim.kill()); }) == 0s);
          CHECK(victim.killed());
          CHECK(trace == "unwound ");
          on.other.wake_all();
          on.end();
          idle();
          CHECK(on.list.empty());
          CHECK(on.other.empty());
          check_nothing_left();
        });
      }
    }
  }

  TEST_CASE("a kill at any waiting call with a deadline disarms it") {
    for (const waiting_call& call : waiting_calls()) {
      if (!call.wait_until) continue;
      CAPTURE(call.name);
      in_hub([&] {
        stage on;
        const auto victim = spawn([&] { call.wait_until(on, 1000h); });
        sleep(1s);
        victim.kill();
        CHECK(victim.killed());
        on.other.wake_all();
        on.end();
        idle();
        check_nothing_left();
      });
    }
  }

  TEST_CASE("a shielded waiting call outlasts a kill") {
    for (const waiting_call& call : waiting_calls()) {
      if (!call.wait_until) continue;
      CAPTURE(call.name);
      in_hub([&] {
        stage on;
        const auto victim = spawn([&] {
          const shield guard;
          call.wait_until(on, 5s);
        });
        sleep(1s);
        CHECK(time_of([&] { CHECK(victim.kill()); }) == 4s);
        CHECK_FALSE(victim.killed());
        on.other.wake_all();
        on.end();
        idle();
      });
    }
  }

  TEST_CASE("idle meets kills and timeouts as other waiting calls do") {
    in_hub([] {
      bool stop = false;
      const auto spinner = spawn([&] {
        while (!stop)
          yield();
      });
      const auto victim = spawn([] { idle(); });
      yield();
      victim.kill();
      CHECK(victim.killed());
      timeout_scope limit{1s};
      {
        const shield guard;
        stop = true;
        sleep(2s);
      }
      CHECK_THROWS_AS(idle(), timeout_expired);
    });
  }

  TEST_CASE("no waiting call waits in a hub callback or a no_wait scope") {
    test::captured_log log;
    for (const waiting_call& call : waiting_calls()) {
      if (std::string(call.name) == "nursery") continue;
      CAPTURE(call.name);
      in_hub([&] {
        stage on;
        {
          const no_wait guard;
          CHECK(error_of([&] { call.wait(on); }).find("'main': ") !=
                std::string::npos);
        }
        std::string refused;
        hub::current().post(
            [&] { refused = error_of([&] { call.wait(on); }); });
        idle();
        CHECK(refused.find("would wait inside a hub callback") !=
              std::string::npos);
        on.other.wake_all();
        on.end();
        idle();
        on.other.wake_all();
        idle();
      });
    }
  }
}
