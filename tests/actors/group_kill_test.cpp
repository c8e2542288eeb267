// What ends a group, or its members.

#include "hub/support.hpp"

#include <greenroom/actors/group.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::at_exit;
using test::error_of;
using test::failure;
using test::in_hub;
using test::mentions;
using test::time_of;

namespace {

/// Sleeps on whatever is thrown at it, and counts that.
void refuse(int& struck, std::chrono::seconds time) {
  const deadline until{time};
  while (now() < steady_time(std::chrono::nanoseconds(until.nanoseconds())))
    try {
      sleep_until(steady_time(std::chrono::nanoseconds(until.nanoseconds())));
    } catch (const greenlet_exit&) {
      ++struck;
    }
}

void sleep_long() {
  sleep(1h);
}

} // namespace

TEST_SUITE("actors") {
  // --- kill ---------------------------------------------------------------

  TEST_CASE("kill ends all members, and those not begun never run") {
    in_hub([] {
      group workers;
      std::string trace;
      workers.spawn([&] {
        at_exit mark{trace, "unwound "};
        sleep(1h);
      });
      yield();
      workers.spawn([&] { trace += "ran "; });
      CHECK(workers.kill());
      CHECK(trace == "unwound ");
      CHECK(workers.empty());
      CHECK(workers.kill());
    });
  }

  TEST_CASE("kill may throw what it is told to") {
    in_hub([] {
      group workers;
      const auto worker = workers.spawn(sleep_long);
      yield();
      CHECK(workers.kill(failure("enough")));
      CHECK(mentions(error_of([&] { worker.get(); }), "enough"));
    });
  }

  // GEVENT.md 3.2, 22
  TEST_CASE("kill_soon does not wait") {
    in_hub([] {
      group workers;
      const auto first = workers.spawn(sleep_long);
      const auto second = workers.spawn(sleep_long);
      yield();
      workers.kill_soon();
      CHECK(workers.size() == 2);
      CHECK_FALSE(first.dead());
      yield();
      CHECK(first.dead());
      CHECK(second.dead());
      yield();
      CHECK(workers.empty());
    });
  }

  // GEVENT.md 3.2, 21
  TEST_CASE("a member that swallows the kill is struck once") {
    in_hub([] {
      group workers;
      int struck = 0;
      workers.spawn([&] { refuse(struck, 10s); });
      yield();
      workers.kill_soon();
      CHECK_FALSE(workers.kill(1s));
      CHECK_FALSE(workers.kill(1s));
      workers.kill_soon();
      CHECK(workers.kill());
      CHECK(struck == 1);
    });
  }

  // GEVENT.md 3.2, 23
  TEST_CASE("kill returns at its deadline while a stubborn member lives") {
    in_hub([] {
      group workers;
      int struck = 0;
      const auto stubborn = workers.spawn([&] { refuse(struck, 10s); });
      const auto soft = workers.spawn(sleep_long);
      yield();
      CHECK(time_of([&] { CHECK_FALSE(workers.kill(1s)); }) == 1s);
      CHECK_FALSE(stubborn.dead());
      CHECK(soft.dead());
      CHECK(workers.join());
    });
  }

  TEST_CASE("who is added while the group is being killed is killed too") {
    in_hub([] {
      group workers;
      int struck = 0;
      int ran = 0;
      workers.spawn([&] { refuse(struck, 2s); });
      const auto adder = spawn([&] {
        sleep(1s);
        const auto late = workers.spawn([&] { ++ran; });
        CHECK(late.dead());
        CHECK(workers.contains(*late));
        const auto running = spawn(sleep_long);
        yield();
        workers.add(running);
        running.join();
        const auto first =
            workers.spawn({.order = start_order::next}, [&] { ++ran; });
        CHECK(mentions(error_of([&] { first.get(); }), "killed"));
      });
      yield();
      CHECK(time_of([&] { CHECK(workers.kill()); }) == 2s);
      adder.join();
      CHECK(ran == 0);
      CHECK(workers.spawn([] { return 1; }).get() == 1);
    });
  }

  TEST_CASE("once a kill has given up, the group takes members again") {
    in_hub([] {
      group workers;
      int struck = 0;
      workers.spawn([&] { refuse(struck, 10s); });
      yield();
      CHECK_FALSE(workers.kill(1s));
      const auto killer = spawn([&] { workers.kill(); });
      yield();
      killer.kill();
      CHECK(workers.spawn([] { return 1; }).get() == 1);
      CHECK(workers.join());
    });
  }

  TEST_CASE("a member that kills its group is killed in place") {
    in_hub([] {
      group workers;
      std::string trace;
      const auto other = workers.spawn(sleep_long);
      const auto killer = workers.spawn([&] {
        at_exit mark{trace, "unwound"};
        workers.kill();
        trace += "went on ";
      });
      CHECK(workers.join());
      CHECK(trace == "unwound");
      CHECK(other.killed());
      CHECK(killer.killed());
    });
  }

  TEST_CASE("a member that kills its group in a shield goes on to its end") {
    in_hub([] {
      group workers;
      std::string trace;
      workers.spawn([&] {
        {
          const shield guard;
          CHECK_FALSE(workers.kill());
          trace += "went on ";
        }
        sleep(1s);
        trace += "never ";
      });
      CHECK(workers.join());
      CHECK(trace == "went on ");
    });
  }

  TEST_CASE("kill_one ends one member and waits for it") {
    in_hub([] {
      group workers;
      const auto first = workers.spawn(sleep_long);
      const auto second = workers.spawn(sleep_long);
      yield();
      CHECK(workers.kill_one(*first));
      CHECK(first.dead());
      CHECK(workers.size() == 1);
      CHECK(workers.kill_one(*first));
      CHECK_FALSE(second.dead());
      CHECK(workers.kill());
    });
  }

  TEST_CASE("kill_one does not touch a stranger") {
    in_hub([] {
      group workers;
      const auto stranger = spawn([] {
        sleep(1s);
        return 1;
      });
      CHECK(workers.kill_one(*stranger));
      CHECK(stranger.get() == 1);
    });
  }

  // GEVENT.md 3.2, 21
  TEST_CASE("kill_one strikes once, and has a deadline") {
    in_hub([] {
      group workers;
      int struck = 0;
      const auto stubborn = workers.spawn([&] { refuse(struck, 10s); });
      yield();
      CHECK_FALSE(workers.kill_one(*stubborn, 1s));
      CHECK_FALSE(workers.kill_one(*stubborn, 1s));
      CHECK_FALSE(workers.kill(1s));
      CHECK(workers.kill_one(*stubborn));
      CHECK(struck == 1);
    });
  }

  // --- the group's own end ------------------------------------------------

  TEST_CASE("the members of a destroyed group live on") {
    in_hub([] {
      greenlet<int> worker;
      {
        group workers;
        worker = workers.spawn([] {
          sleep(1s);
          return 1;
        });
      }
      CHECK(worker.get() == 1);
    });
  }

  TEST_CASE("who waits for a group that is destroyed is told so") {
    in_hub([] {
      auto workers = std::make_unique<group>();
      int struck = 0;
      const auto stubborn = workers->spawn([&] { refuse(struck, 1s); });
      std::vector<std::string> errors;
      std::vector<any_greenlet> callers;
      const std::vector<std::function<void(group&)>> calls{
          [](group& in) { in.join(); }, [](group& in) { in.join_or_throw(); },
          [](group& in) { in.kill(); }};
      for (const auto& call : calls)
        callers.push_back(spawn(
            [&] { errors.push_back(error_of([&] { call(*workers); })); }));
      yield();
      yield();
      workers.reset();
      joinall(callers);
      CHECK(errors.size() == 3);
      for (const std::string& each : errors)
        CHECK(mentions(each, "destroyed"));
      stubborn.join();
    });
  }

  TEST_CASE("a group may go between the end of a join and its joiner's turn") {
    in_hub([] {
      auto workers = std::make_unique<group>();
      workers->spawn([] {});
      bool joined = false;
      const auto joiner = spawn([&] { joined = workers->join_or_throw(); });
      while (!workers->empty())
        yield();
      workers.reset();
      joiner.join();
      CHECK(joined);
    });
  }
}
