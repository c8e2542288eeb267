#include "hub/support.hpp"

#include <greenroom/actors/group.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::failure;
using test::in_hub;
using test::mentions;
using test::time_of;

namespace {

void fail_after(std::chrono::seconds time, const char* text) {
  sleep(time);
  throw failure(text);
}

void sleep_long() {
  sleep(1h);
}

} // namespace

TEST_SUITE("actors") {
  // --- members ------------------------------------------------------------

  // GEVENT.md 2, 19
  TEST_CASE("a group joins what was spawned elsewhere") {
    in_hub([] {
      std::string printed;
      const auto talk = [&](const char* text) {
        for (int i = 0; i < 3; ++i)
          printed += text;
      };
      const auto first = spawn(talk, "bar ");
      const auto second = spawn(talk, "foo ");
      const auto third = spawn(talk, "fizz ");
      group both;
      both.add(first);
      both.add(second);
      both.join();
      CHECK(printed == "bar bar bar foo foo foo fizz fizz fizz ");
      both.add(third);
      both.join();
      CHECK(both.empty());
    });
  }

  TEST_CASE("a member leaves in the drain after its end") {
    in_hub([] {
      group workers;
      std::string trace;
      const auto first = workers.spawn([&] { trace += "ran "; });
      workers.spawn([&] { trace += std::to_string(workers.size()); });
      CHECK(workers.size() == 2);
      CHECK(workers.contains(*first));
      yield();
      CHECK(trace == "ran 2");
      yield();
      CHECK(workers.empty());
      CHECK_FALSE(workers.contains(*first));
    });
  }

  TEST_CASE("a member killed before it began leaves in the next drain too") {
    in_hub([] {
      group workers;
      const auto never = workers.spawn(sleep_long);
      never->kill_soon();
      CHECK(never.dead());
      CHECK(workers.size() == 1);
      yield();
      CHECK(workers.empty());
    });
  }

  TEST_CASE("one who has joined a member finds it gone from the group") {
    in_hub([] {
      group workers;
      workers.spawn([] { sleep(1s); }).join();
      CHECK(workers.empty());
    });
  }

  TEST_CASE("adding a member again changes nothing") {
    in_hub([] {
      group workers;
      const auto worker = workers.spawn(sleep_long);
      workers.add(worker);
      CHECK(workers.try_add(worker));
      CHECK(workers.size() == 1);
      CHECK(workers.discard(*worker));
      CHECK(workers.empty());
      worker.kill();
    });
  }

  TEST_CASE("what is dead when it is added leaves in the next drain") {
    in_hub([] {
      const auto ended = spawn([] {});
      ended.join();
      group workers;
      workers.add(ended);
      CHECK(workers.size() == 1);
      CHECK(workers.join());
      CHECK(workers.empty());
    });
  }

  TEST_CASE("a group may be made of a list") {
    in_hub([] {
      const std::vector<any_greenlet> all{spawn([] {}), spawn([] {})};
      group workers{all};
      CHECK(workers.size() == 2);
      CHECK(workers.join());
    });
  }

  TEST_CASE("a group made of a list with an empty handle leaves no traces") {
    in_hub([] {
      const std::vector<any_greenlet> all{spawn([] {}), {}};
      CHECK_THROWS_WITH_AS(group{all}, "group::add: an empty handle",
                           std::invalid_argument);
      all.front().join();
    });
  }

  TEST_CASE("a greenlet of another hub is refused, and is no member") {
    in_hub([] {
      group workers;
      any_greenlet ours = spawn([] {});
      std::thread([&] {
        group theirs;
        CHECK_THROWS_AS(theirs.add(ours), wrong_hub);
        CHECK(theirs.empty());
        CHECK_THROWS_AS(workers.spawn([] {}), wrong_hub);
        CHECK_THROWS_AS(workers.kill(), wrong_hub);
      }).join();
      CHECK(workers.empty());
      ours.join();
    });
  }

  TEST_CASE("what is discarded lives on") {
    in_hub([] {
      group workers;
      const auto worker = workers.spawn([] {
        sleep(1s);
        return 1;
      });
      CHECK(workers.discard(*worker));
      CHECK_FALSE(workers.discard(*worker));
      CHECK(workers.join());
      CHECK(worker.get() == 1);
    });
  }

  TEST_CASE("the last of a greenlet that never began may use its group") {
    in_hub([] {
      group workers;
      struct looks {
        looks(group& at, std::size_t& to) : seen(at), size(to) {}
        ~looks() { size = seen.size(); }
        group& seen;
        std::size_t& size;
      };
      std::size_t size = 9;
      auto worker = workers.spawn(
          [held = std::make_unique<looks>(workers, size)] { yield(); });
      worker->kill_soon();
      const greenlet_base& target = *worker;
      worker = {};
      yield();
      CHECK(size == 0);
      CHECK_FALSE(workers.contains(target));
    });
  }

  TEST_CASE("a loop over a group goes in the order of adding, and may wait") {
    in_hub([] {
      group workers;
      const std::vector<any_greenlet> added{workers.spawn(sleep_long),
                                            workers.spawn(sleep_long),
                                            workers.spawn(sleep_long)};
      std::vector<any_greenlet> seen;
      for (const any_greenlet& each : workers) {
        each.kill();
        seen.push_back(each);
        CHECK_FALSE(workers.contains(*each));
      }
      CHECK(seen == added);
      CHECK(workers.begin() == workers.end());
    });
  }

  TEST_CASE("a group starts an object of the user's own class") {
    struct counter : greenlet_base {
      void run() override { ++ran; }
      int ran = 0;
    };
    in_hub([] {
      group workers;
      counter own;
      workers.start(own);
      CHECK(own.started());
      CHECK(workers.contains(own));
      own.join();
      CHECK(own.ran == 1);
      CHECK(workers.empty());
    });
  }

  TEST_CASE("a member may have a name, and go first") {
    in_hub([] {
      group workers;
      std::string trace;
      workers.spawn([&] { trace += "last "; });
      const auto worker = workers.spawn(
          {.name = "miner", .order = start_order::next},
          [&](int) { trace += "first "; }, 1);
      CHECK(worker.name() == "miner");
      workers.join();
      CHECK(trace == "first last ");
    });
  }

  TEST_CASE("a group may be filled in a hub callback") {
    in_hub([] {
      group workers;
      int ran = 0;
      hub::current().post([&] { workers.spawn([&] { ++ran; }); });
      idle();
      CHECK(ran == 1);
    });
  }

  // --- join ---------------------------------------------------------------

  TEST_CASE("joining an empty group returns without a switch") {
    in_hub([] {
      group workers;
      const auto switches = hub::current().switches();
      CHECK(workers.join());
      CHECK(workers.join_or_throw());
      CHECK(hub::current().switches() == switches);
    });
  }

  TEST_CASE("join waits for all, or until its deadline") {
    in_hub([] {
      group workers;
      workers.spawn([] { sleep(1s); });
      workers.spawn([] { sleep(2s); });
      CHECK(time_of([&] { CHECK_FALSE(workers.join(1500ms)); }) == 1500ms);
      CHECK(time_of([&] { CHECK(workers.join(1h)); }) == 500ms);
    });
  }

  TEST_CASE("join returns when the group has been empty once") {
    in_hub([] {
      group workers;
      const auto first = workers.spawn([] { sleep(1s); });
      first.link([&](greenlet_base&) { workers.spawn(sleep_long); });
      std::optional<any_greenlet> later;
      const auto adder = spawn([&] {
        first.join();
        later = workers.spawn(sleep_long);
      });
      CHECK(workers.join());
      adder.join();
      CHECK(workers.size() == 2);
      workers.kill();
    });
  }

  TEST_CASE("all who join a group are told") {
    in_hub([] {
      group workers;
      workers.spawn([] { sleep(1s); });
      int told = 0;
      std::vector<any_greenlet> joiners;
      for (int i = 0; i < 3; ++i)
        joiners.push_back(spawn([&] { told += workers.join(); }));
      CHECK(workers.join());
      joinall(joiners);
      CHECK(told == 3);
    });
  }

  TEST_CASE("somebody else's limit passes through a join") {
    in_hub([] {
      group workers;
      workers.spawn(sleep_long);
      timeout limit{1s};
      CHECK_FALSE(limit.run([&] { workers.join(); }));
      CHECK_FALSE(limit.run([&] { workers.join_or_throw(2s); }));
      CHECK(workers.kill());
    });
  }

  TEST_CASE("one who joins may be killed, and the group does not care") {
    in_hub([] {
      group workers;
      workers.spawn([] { sleep(1s); });
      const auto joiner = spawn([&] { workers.join(); });
      const auto thrower = spawn([&] { workers.join_or_throw(); });
      yield();
      CHECK(joiner.kill());
      CHECK(thrower.kill());
      CHECK(workers.join());
    });
  }

  TEST_CASE("a member that joins its own group is told so") {
    in_hub([] {
      group workers;
      std::string error;
      workers.spawn({.name = "snake"},
                    [&] { error = error_of([&] { workers.join(); }); });
      CHECK(workers.join());
      CHECK(mentions(error, "greenlet 'snake' would join its own group"));
    });
  }

  // GEVENT.md 3.2, 14
  TEST_CASE("join_or_throw waits for all and throws what failed first") {
    in_hub([] {
      group workers;
      workers.spawn(fail_after, 2s, "second");
      workers.spawn(fail_after, 1s, "first");
      workers.spawn([] { sleep(3s); });
      std::string error;
      CHECK(time_of([&] {
              error = error_of([&] { workers.join_or_throw(); });
            }) == 3s);
      CHECK(mentions(error, "first"));
      CHECK(workers.empty());
    });
  }

  TEST_CASE("join_or_throw hears of a member that was added meanwhile") {
    in_hub([] {
      group workers;
      workers.spawn([&] { workers.spawn(fail_after, 1s, "late"); });
      CHECK(mentions(error_of([&] { workers.join_or_throw(); }), "late"));
    });
  }

  TEST_CASE("join_or_throw throws at its deadline what has failed so far") {
    in_hub([] {
      group workers;
      workers.spawn(fail_after, 1s, "early");
      workers.spawn(sleep_long);
      CHECK(mentions(error_of([&] { workers.join_or_throw(2s); }), "early"));
      CHECK_FALSE(workers.join_or_throw(1s));
      CHECK(workers.kill());
    });
  }

  TEST_CASE("join_or_throw takes no notice of what was killed") {
    in_hub([] {
      group workers;
      const auto worker = workers.spawn(sleep_long);
      yield();
      worker->kill_soon();
      CHECK(workers.join_or_throw());
    });
  }

  // --- apply --------------------------------------------------------------

  TEST_CASE("apply returns the result of its task, or throws its error") {
    in_hub([] {
      group workers;
      CHECK(workers.apply([](int a, int b) { return a + b; }, 2, 3) == 5);
      CHECK(*workers.apply([] { return std::make_unique<int>(7); }) == 7);
      bool ran = false;
      workers.apply([&] { ran = true; });
      CHECK(ran);
      CHECK(mentions(
          error_of([&] { workers.apply([] { throw failure("no luck"); }); }),
          "no luck"));
      CHECK(workers.empty());
    });
  }

  TEST_CASE("apply by a member runs in place") {
    in_hub([] {
      group workers;
      workers
          .spawn([&] {
            greenlet_base& self = current();
            workers.apply([&] { CHECK(&current() == &self); });
            CHECK(workers.size() == 1);
            CHECK(mentions(error_of([&] {
                             workers.apply([] { throw failure("inside"); });
                           }),
                           "inside"));
          })
          .get();
    });
  }

  TEST_CASE("a task whose caller was killed goes on") {
    in_hub([] {
      group workers;
      bool ended = false;
      const auto caller = spawn([&] {
        workers.apply([&] {
          sleep(1s);
          ended = true;
        });
      });
      yield();
      yield();
      caller.kill();
      CHECK(workers.size() == 1);
      CHECK(workers.join());
      CHECK(ended);
    });
  }

  TEST_CASE("apply_async gives back the task") {
    in_hub([] {
      group workers;
      const auto task = workers.apply_async([](int a) { return a + 1; }, 1);
      CHECK(workers.contains(*task));
      int told = 0;
      task.link_value([&](greenlet_base&) { told = task.value().value(); });
      CHECK(task.get() == 2);
      yield();
      CHECK(told == 2);
    });
  }

  TEST_CASE("a joiner sees the end of all while its timeout is withdrawn") {
    in_hub([] {
      group workers;
      timeout limit{1s};
      bool joined = false;
      const auto worker = workers.spawn([] { sleep(1h); });
      const auto killer = spawn([&] { // before the joiner runs
        sleep(1s);
        limit.cancel();
        workers.discard(*worker);
      });
      const auto joiner = spawn([&] {
        limit.start();
        joined = workers.join();
      });
      CHECK(joiner.join(2s));
      CHECK(joined);
      joiner.kill();
      worker.kill();
      killer.join();
    });
  }
}
