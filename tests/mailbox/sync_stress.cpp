// Random programs over semaphores, locks, conditions, barriers and events,
// with kills, timeouts and deadlines at random waiting points: nothing that
// was acquired is lost, nobody is forgotten, and no greenlet is left over.
//
//   mailbox_sync_stress [SEEDS [FIRST]]

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/barrier.hpp>
#include <greenroom/mailbox/condition.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/lock.hpp>
#include <greenroom/mailbox/semaphore.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

const char* failure = nullptr; // the first, in whatever greenlet

void check(bool holds, const char* what) {
  if (!holds && !failure) failure = what;
}

/// One random program: greenlets that use an object, and somebody who kills.
class program {
public:
  explicit program(std::uint64_t seed) : engine_(seed) {}

  int below(int limit) {
    return static_cast<int>(engine_() % static_cast<unsigned>(limit));
  }
  bool one_in(int chance) { return below(chance) == 0; }
  /// Often nothing at all, so that much happens in the same turn.
  std::chrono::nanoseconds pause() { return below(4) * 1ms; }
  void give_way() {
    if (one_in(2)) yield();
    if (one_in(4)) sleep(pause());
  }

  template <class Function>
  void add(Function function) {
    all_.push_back(spawn(std::move(function)));
  }

  /// `wait` under a deadline, a timeout, or neither; what it returned, false
  /// when the timeout ended it. Now and then somebody withdraws the timeout.
  template <class Wait>
  bool somehow(Wait wait) {
    switch (below(4)) {
    case 0:
      return wait(deadline{pause()});
    case 1: {
      timeout limit{pause()};
      const auto shared = std::make_shared<timeout*>(&limit);
      struct forgetter {
        timeout*& limit;
        ~forgetter() { limit = nullptr; }
      } at_end{*shared};
      spawn([shared, time = pause()] { // runs between expiry and waiter
        sleep(time);
        if (*shared) (*shared)->cancel();
      });
      bool done = false;
      return limit.run([&] { done = wait(deadline{}); }) && done;
    }
    default:
      return wait(deadline{});
    }
  }

  /// Kills some at random, then everybody who still waits.
  void kill_them() {
    for (int i = below(8); i > 0; --i) {
      one_in(2) ? yield() : sleep(pause());
      all_[static_cast<std::size_t>(below(static_cast<int>(all_.size())))]
          .kill_soon();
    }
    sleep(50ms);
  }
  void end() {
    killall(all_);
    idle();
  }

private:
  std::mt19937_64 engine_;
  std::vector<any_greenlet> all_;
};

/// Counts who is in a scope.
struct visit {
  explicit visit(int& number) : inside(++number) {}
  ~visit() { --inside; }
  int& inside;
};

void semaphores(program& random) {
  const int count = 1 + random.below(3);
  bounded_semaphore some{count};
  int inside = 0;
  for (int i = 2 + random.below(6); i > 0; --i)
    random.add([&] {
      for (int round = 0; round < 6; ++round) {
        if (random.one_in(5)) {
          random.somehow([&](deadline until) { return some.wait(until) > 0; });
          continue;
        }
        std::unique_lock held{some, std::defer_lock};
        if (random.one_in(3)) {
          if (!held.try_lock()) continue;
        } else {
          if (!random.somehow([&](deadline until) {
                if (!some.acquire(until)) return false;
                held = std::unique_lock{some, std::adopt_lock};
                return true;
              }))
            if (!held.owns_lock()) continue;
        }
        const visit here{inside};
        check(inside <= count, "more are inside than may be");
        random.give_way();
      }
    });
  random.kill_them();
  check(some.watchers().empty() && some.count() == count,
        "somebody waits for a free semaphore, or one is lost");
  random.end();
}

void locks(program& random) {
  greenroom::lock one;
  int inside = 0;
  for (int i = 2 + random.below(6); i > 0; --i)
    random.add([&] {
      for (int round = 0; round < 6; ++round) {
        std::unique_lock held{one, std::defer_lock};
        random.somehow([&](deadline until) {
          if (!one.acquire(until)) return false;
          held = std::unique_lock{one, std::adopt_lock};
          return true;
        });
        if (!held.owns_lock()) continue;
        const std::lock_guard again{one};
        const visit here{inside};
        check(inside == 1, "two hold a lock");
        random.give_way();
      }
    });
  random.kill_them();
  check(!one.locked() && one.watchers().empty(), "a lock is held by nobody");
  random.end();
}

void conditions(program& random) {
  greenroom::lock guard;
  condition changed;
  int stock = 0;
  int made = 0;
  int used = 0;
  for (int i = 1 + random.below(4); i > 0; --i)
    random.add([&] {
      for (int round = 0; round < 6; ++round) {
        const std::lock_guard held{guard};
        ++stock, ++made;
        random.one_in(3) ? changed.notify_all() : changed.notify_one();
        if (random.one_in(3)) random.give_way();
      }
    });
  for (int i = 1 + random.below(4); i > 0; --i)
    random.add([&] {
      for (int round = 0; round < 6; ++round) {
        std::unique_lock held{guard};
        const bool some = random.somehow([&](deadline until) {
          return changed.wait(
              held, [&] { return stock > 0; }, until);
        });
        check(held.owns_lock() && guard.holder() == &current(),
              "a condition let go without its lock");
        if (some) --stock, ++used;
        check(stock >= 0, "taken what was not there");
        if (random.one_in(3)) random.give_way();
      }
    });
  random.kill_them();
  check(!guard.locked(), "a lock is held by nobody");
  check(made == used + stock, "a notice was taken twice");
  random.end();
}

void barriers(program& random) {
  const int parties = 1 + random.below(4);
  barrier step{parties};
  int through = 0;
  for (int i = parties + random.below(3); i > 0; --i)
    random.add([&] {
      for (int round = 0; round < 6; ++round) {
        bool done = false;
        random.somehow([&](deadline until) {
          done = step.arrive_and_wait(until);
          through += done ? 1 : 0;
          return done;
        });
        random.give_way();
      }
    });
  random.kill_them();
  check(through % parties == 0, "some went without the others");
  check(step.arrived() < parties, "they have all come, and wait");
  random.end();
  check(step.arrived() == 0, "somebody left, and is still counted");
}

void events(program& random) {
  auto flag = std::make_unique<event>();
  int waiting = 0;
  for (int i = 1 + random.below(6); i > 0; --i)
    random.add([&, &shared = *flag] {
      const visit here{waiting};
      if (random.one_in(3)) yield();
      random.somehow([&](deadline until) { return shared.wait(until); });
    });
  random.add([&] {
    random.give_way();
    if (!flag) return;
    flag->set();
    if (random.one_in(3)) flag->clear();
    random.give_way();
    if (flag) flag->set();
  });
  yield(); // all but those that yield have begun
  yield();
  random.kill_them();
  check(flag->is_set() || !flag->watchers().empty() || waiting == 0,
        "somebody waits nowhere");
  if (flag->is_set())
    check(flag->watchers().empty(), "somebody waits for a set event");
  flag->set();
  flag.reset();
  random.end();
}

void run(std::uint64_t seed) {
  program random{seed};
  const std::size_t before = hub::current().greenlets();
  switch (seed % 5) {
  case 0:
    semaphores(random);
    break;
  case 1:
    locks(random);
    break;
  case 2:
    conditions(random);
    break;
  case 3:
    barriers(random);
    break;
  default:
    events(random);
  }
  check(hub::current().greenlets() == before, "a greenlet is left over");
}

} // namespace

int main(int count, char** arguments) {
  const auto number = [&](int which, long fallback) {
    return count > which ? std::atol(arguments[which]) : fallback;
  };
  const long seeds = number(1, 10'000);
  const long first = number(2, 1);
  hub::current().use_clock(clock_kind::virtual_time);
  for (long seed = first; seed < first + seeds; ++seed) {
    try {
      run(static_cast<std::uint64_t>(seed));
    } catch (const std::exception& caught) {
      std::printf("seed %ld: %s\n", seed, caught.what());
      return EXIT_FAILURE;
    }
    if (failure) {
      std::printf("seed %ld: %s\n", seed, failure);
      return EXIT_FAILURE;
    }
  }
  std::printf("%ld seeds\n", seeds);
}
