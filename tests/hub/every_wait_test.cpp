// What every waiting call of this room owes: see every_wait.hpp.

#include "every_wait.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/watch.hpp>

#include <array>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

/// A greenlet that does not end while it lives, not even when killed.
struct stubborn {
  stubborn() { yield(); } // so that it has begun
  ~stubborn() {
    refuses = false;
    target.kill();
  }
  void run() {
    do {
      try {
        sleep(10'000h);
      } catch (const greenlet_exit&) {
        if (!refuses) throw;
      }
    } while (refuses);
  }
  bool refuses = true;
  greenlet<void> target = spawn([this] { run(); });
};

struct join_wait {
  bool call(deadline until) { return other.target.join(until); }
  bool left_clean() { return true; }
  stubborn other;
};

struct get_wait : join_wait {
  bool call(deadline until) {
    other.target.get(until);
    return true;
  }
};

struct kill_wait : join_wait {
  bool call(deadline until) { return other.target.kill(until); }
};

struct joinall_wait : join_wait {
  bool call(deadline until) {
    const std::array<any_greenlet, 2> both{other.target, spawn([] {})};
    return joinall(both, until).size() == 2;
  }
};

struct killall_wait : join_wait {
  bool call(deadline until) {
    const std::array<any_greenlet, 1> all{other.target};
    return killall(all, until);
  }
};

struct list_wait {
  bool call(deadline until) { return list.wait(until, "list_wait", this); }
  bool left_clean() { return list.empty(); }
  wait_list list;
};

struct turn_wait : list_wait {
  bool call(deadline until) { return list.wait_turn(until, "turn_wait", this); }
};

struct set_wait : list_wait {
  bool call(deadline until) {
    watch_set all{"set_wait"};
    watch one, two;
    one.stand_in(all, list);
    two.stand_in(all, *other.target);
    const bool woken = all.wait(until);
    return woken;
  }
  stubborn other;
};

} // namespace

TEST_CASE_TEMPLATE("every wait in hub", Wait, join_wait, get_wait, kill_wait,
                   joinall_wait, killall_wait, list_wait, turn_wait, set_wait) {
  test::every_wait<Wait>();
}
