#include "hub/support.hpp"

#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::failure;
using test::in_hub;
using test::mentions;
using test::time_of;

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

/// A log that cannot be written.
struct broken_sink : spdlog::sinks::base_sink<std::mutex> {
  void sink_it_(const spdlog::details::log_msg&) override {
    throw std::runtime_error("disk full");
  }
  void flush_() override {}
};

} // namespace

TEST_SUITE("actors") {
  // --- room ---------------------------------------------------------------

  // GEVENT.md 2, 21
  TEST_CASE("the tutorial's pool has two members while it maps over three") {
    in_hub([] {
      pool workers{2};
      std::string printed;
      workers.map(ints{0, 1, 2}, [&](int) {
        printed += "Size of pool " + std::to_string(workers.size()) + "\n";
      });
      CHECK(printed == "Size of pool 2\nSize of pool 2\nSize of pool 1\n");
    });
  }

  // GEVENT.md 2, 22
  TEST_CASE("the tutorial's socket pool refuses what is too much") {
    class socket_pool {
    public:
      void add_handler(int socket) {
        if (pool_.full()) throw failure("At maximum pool size");
        pool_.spawn([this, socket] { listen(socket); });
      }
      void shutdown() { pool_.kill(); }
      int open = 0;

    private:
      void listen(int) {
        ++open;
        struct closer {
          int& count;
          ~closer() { --count; }
        } at_end{open};
        for (;;)
          sleep(1s);
      }
      pool pool_{1000};
    };
    in_hub([] {
      socket_pool sockets;
      for (int i = 0; i < 1000; ++i)
        sockets.add_handler(i);
      CHECK(mentions(error_of([&] { sockets.add_handler(1000); }),
                     "At maximum pool size"));
      sleep(10s);
      CHECK(sockets.open == 1000);
      sockets.shutdown();
      CHECK(sockets.open == 0);
      sockets.add_handler(1001);
      sockets.shutdown();
    });
  }

  TEST_CASE("a pool counts the room it has") {
    in_hub([] {
      pool workers{2};
      CHECK(workers.capacity() == 2);
      CHECK(workers.free_count() == 2);
      const auto first = workers.spawn([] { return 1; });
      CHECK(workers.free_count() == 1);
      CHECK_FALSE(workers.full());
      CHECK(first.get() == 1);
      CHECK(workers.free_count() == 2);
      workers.spawn([] {});
      workers.spawn([] {});
      CHECK(workers.full());
      CHECK(workers.free_count() == 0);
      CHECK(workers.join());
    });
  }

  TEST_CASE("a pool without a bound is never full") {
    in_hub([] {
      pool workers;
      for (int i = 0; i < 1000; ++i)
        workers.spawn([] {});
      CHECK_FALSE(workers.full());
      CHECK(workers.wait_available() == pool::unbounded - 1000);
      CHECK(workers.join());
    });
  }

  // GEVENT.md 3.2, 28
  TEST_CASE("a pool for nobody is always full") {
    in_hub([] {
      pool nobody{0};
      CHECK(nobody.full());
      CHECK(nobody.free_count() == 0);
      CHECK(time_of([&] { CHECK(nobody.wait_available(10ms) == 0); }) == 10ms);
      CHECK(nobody.join());
      CHECK_THROWS_AS(nobody.spawn([] {}), loop_exit);
    });
  }

  TEST_CASE("a pool for less than nobody is refused") {
    in_hub([] {
      CHECK_THROWS_WITH_AS(pool{-1}, "pool: a capacity of -1 greenlets",
                           std::invalid_argument);
      const std::size_t many = 3;
      CHECK(pool{many}.capacity() == 3);
    });
  }

  // GEVENT.md 3.2, 29
  TEST_CASE("a second spawn waits until the first task has ended") {
    in_hub([] {
      pool workers{1};
      CHECK(workers.empty());
      workers.spawn([] { sleep(100ms); });
      CHECK(workers.size() == 1);
      CHECK(time_of([&] { workers.spawn([] { sleep(100ms); }); }) == 100ms);
      CHECK(workers.size() == 1);
      CHECK_FALSE(workers.join(10ms));
      CHECK(workers.join());
    });
  }

  // GEVENT.md 3.2, 30
  TEST_CASE("a full pool refuses to wait when it is told not to") {
    in_hub([] {
      pool workers{1};
      const auto first = spawn(sleep_long);
      const auto second = spawn(sleep_long);
      workers.add(first);
      CHECK(workers.try_add(first));
      CHECK_FALSE(workers.try_add(second));
      std::error_code failed;
      CHECK(time_of([&] { CHECK_FALSE(workers.add(second, 100ms, failed)); }) ==
            100ms);
      CHECK(failed == errc::full);
      CHECK(mentions(error_of([&] { workers.add(second, 100ms); }),
                     "pool::add: "));
      timeout limit{100ms};
      CHECK_FALSE(limit.run([&] { workers.add(second); }));
      CHECK(workers.size() == 1);
      CHECK(workers.add(first, 100ms, failed));
      CHECK_FALSE(failed);
      CHECK(killall(std::vector<any_greenlet>{first, second}));
    });
  }

  TEST_CASE("what finds no room is not started") {
    struct job : greenlet_base {
      void run() override {}
    };
    in_hub([] {
      pool workers{1};
      workers.spawn([] { sleep(1s); });
      job later;
      CHECK(mentions(error_of([&] { workers.start(later, 100ms); }),
                     "pool::start"));
      std::error_code failed;
      CHECK_FALSE(workers.start(later, 100ms, failed));
      CHECK(failed == errc::full);
      CHECK(later.state() == greenlet_state::unstarted);
      CHECK(workers.start(later, 1s, failed));
      CHECK(later.join());
    });
  }

  // GEVENT.md 3.2, 31
  TEST_CASE("discarding a member makes room") {
    in_hub([] {
      pool workers{1};
      const auto first = workers.spawn(sleep_long);
      std::string trace;
      const auto waiting = spawner(workers, trace, "second");
      yield();
      CHECK(workers.discard(*first));
      CHECK_FALSE(workers.discard(*first));
      CHECK(workers.free_count() == 1);
      CHECK(waiting.join());
      CHECK(workers.join());
      CHECK(trace == "second");
      first.kill();
      CHECK(workers.free_count() == 1);
    });
  }

  // GEVENT.md 3.2, 32
  TEST_CASE("a log that cannot be written loses no room") {
    in_hub([] {
      pool workers{1};
      const auto before = spdlog::get("greenroom");
      spdlog::drop("greenroom");
      auto broken = std::make_shared<spdlog::logger>(
          "greenroom", std::make_shared<broken_sink>());
      int told = 0;
      broken->set_error_handler([&](const std::string&) { ++told; });
      spdlog::register_logger(broken);
      const auto task = workers.spawn([] { throw failure("whoa"); });
      CHECK(mentions(error_of([&] { task.get(); }), "whoa"));
      spdlog::drop("greenroom");
      spdlog::register_logger(before);
      CHECK(told == 1);
      CHECK(workers.free_count() == 1);
      CHECK(workers.apply([] { return 1; }) == 1);
    });
  }

  TEST_CASE("a pool is a group to those who know only groups") {
    in_hub([] {
      pool workers{1};
      group& known = workers;
      known.spawn([] { sleep(1s); });
      CHECK(known.full());
      CHECK(time_of([&] { known.spawn([] {}); }) == 1s);
      CHECK(known.join());
    });
  }

  // --- who comes next -----------------------------------------------------

  TEST_CASE("who waits for room is served in the order of waiting") {
    in_hub([] {
      pool workers{2};
      std::string trace;
      std::vector<any_greenlet> spawners;
      for (const char* name : {"a", "b", "c", "d", "e", "f", "g"})
        spawners.push_back(spawner(workers, trace, name, 1s));
      joinall(spawners);
      CHECK(workers.join());
      CHECK(trace == "abcdefg");
    });
  }

  TEST_CASE("one who finds room goes ahead of those who wait") {
    in_hub([] {
      pool workers{1};
      std::string trace;
      const auto first = workers.spawn(sleep_long);
      const auto early = spawner(workers, trace, "early ");
      const auto after = spawner(workers, trace, "after ");
      yield();
      workers.discard(*first);
      workers.spawn([&] { trace += "quick "; });
      joinall(std::vector<any_greenlet>{early, after});
      CHECK(workers.join());
      CHECK(trace == "quick early after ");
      first.kill();
    });
  }

  TEST_CASE("much room at once lets many in") {
    in_hub([] {
      pool workers{100};
      std::string trace;
      for (int i = 0; i < 100; ++i)
        workers.spawn([] { sleep(1s); });
      std::vector<any_greenlet> spawners;
      for (int i = 0; i < 200; ++i)
        spawners.push_back(spawner(workers, trace, "x", 1s));
      sleep(1500ms);
      CHECK(workers.full());
      CHECK(trace.size() == 100);
      sleep(1s);
      CHECK(trace.size() == 200);
      joinall(spawners);
      CHECK(workers.join());
    });
  }

  TEST_CASE("one who gives up waiting loses no room") {
    in_hub([] {
      pool workers{1};
      std::string trace;
      const auto first = workers.spawn(sleep_long);
      SUBCASE("when it is killed before there is any") {
        const auto victim = spawner(workers, trace, "victim ");
        const auto next = spawner(workers, trace, "next ");
        yield();
        victim.kill();
        workers.discard(*first);
        next.join();
      }
      SUBCASE("when it is killed after it was woken") {
        const auto victim = spawner(workers, trace, "victim ");
        const auto next = spawner(workers, trace, "next ");
        yield();
        workers.discard(*first);
        victim->kill_soon();
        next.join();
      }
      SUBCASE("when its time is up in the moment in which there is room") {
        const auto victim = spawn([&] {
          std::error_code failed;
          workers.add(spawn([] {}), 1s, failed);
        });
        const auto next = spawner(workers, trace, "next ");
        sleep(1s);
        workers.discard(*first);
        next.join();
        victim.join();
      }
      SUBCASE("when a timeout strikes after it was woken") {
        const auto victim = spawn([&] {
          timeout limit{1s};
          limit.run([&] { workers.spawn([&] { trace += "victim "; }); });
        });
        const auto next = spawner(workers, trace, "next ");
        spawn([&] {
          sleep(1s);
          workers.discard(*first);
        });
        next.join();
        victim.join();
      }
      CHECK(workers.join());
      CHECK(mentions(trace, "next "));
      CHECK(workers.free_count() == 1);
      first.kill();
    });
  }

  TEST_CASE("what a killed spawner was to start is let go, not started") {
    in_hub([] {
      pool workers{1};
      workers.spawn([] { sleep(1s); });
      const auto held = std::make_shared<int>(1);
      const auto victim =
          spawn([&] { workers.spawn([held] { FAIL("it ran"); }); });
      yield();
      CHECK(held.use_count() > 1);
      victim.kill();
      CHECK(held.use_count() == 1);
      CHECK(workers.join());
    });
  }

  TEST_CASE("arguments are copied before a spawn waits") {
    in_hub([] {
      pool workers{1};
      workers.spawn([] { sleep(1s); });
      std::string word = "then";
      std::string seen;
      const auto changer = spawn([&] { word = "now"; });
      workers.spawn([&](const std::string& own) { seen = own; }, word);
      CHECK(workers.join());
      CHECK(word == "now");
      CHECK(seen == "then");
    });
  }

  TEST_CASE("what is added is what the handle named before the wait") {
    in_hub([] {
      pool workers{1};
      workers.spawn([] { sleep(1s); });
      any_greenlet handle = spawn([] { sleep(5s); });
      const any_greenlet first = handle;
      const auto changer = spawn([&] { handle = {}; });
      workers.add(handle);
      CHECK(workers.contains(*first));
      CHECK(first.kill());
    });
  }

  TEST_CASE("wait_available waits for room and does not take it") {
    in_hub([] {
      pool workers{2};
      workers.spawn([] { sleep(1s); });
      CHECK(workers.wait_available() == 1);
      workers.spawn([] { sleep(2s); });
      CHECK(workers.wait_available(500ms) == 0);
      std::string trace;
      const auto watcher = spawn([&] {
        CHECK(workers.wait_available() == 1);
        trace += "room ";
      });
      const auto next = spawner(workers, trace, "next ");
      watcher.join();
      next.join();
      CHECK(workers.join());
      CHECK(trace == "room next ");
    });
  }

  TEST_CASE("the same greenlet waiting twice for room comes in once") {
    in_hub([] {
      pool workers{2};
      workers.spawn([] { sleep(1s); });
      workers.spawn([] { sleep(1s); });
      const auto twice = spawn([] { sleep(2s); });
      const auto add = [&] { workers.add(twice); };
      const auto first = spawn(add);
      const auto second = spawn(add);
      first.join();
      second.join();
      CHECK(workers.size() == 1);
      CHECK(workers.join());
      CHECK(workers.free_count() == 2);
    });
  }

  TEST_CASE("the wait for room is refused in a hub callback") {
    in_hub([] {
      pool workers{1};
      workers.spawn([] { sleep(1s); });
      std::string error;
      hub::current().post(
          [&] { error = error_of([&] { workers.spawn([] {}); }); });
      yield();
      idle();
      CHECK(mentions(error, "pool::add would wait inside a hub callback"));
      CHECK(workers.join());
    });
  }
}
