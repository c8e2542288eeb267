// How a pool grows and shrinks, told to or by itself.

#include "actors/actor_pool_support.hpp"

#include <greenroom/actors/actor_pool.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <stdexcept>
#include <vector>

using namespace test;

TEST_SUITE("actors") {
  TEST_CASE("a pool that is resized under load loses and doubles nothing") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      std::vector<async_result<int>> answers;
      for (int i = 0; i < 200; ++i)
        answers.push_back(pool.ask(task{i, 1s + i % 7 * 100ms}));
      for (const int size : {5, 1, 8, 3, 4, 1, 2}) {
        sleep(2500ms);
        pool.resize(size);
        CHECK(pool.size() == static_cast<std::size_t>(size));
      }
      for (int i = 0; i < 200; ++i)
        CHECK(answers[static_cast<std::size_t>(i)].get() == i);
      std::sort(all.done.begin(), all.done.end());
      CHECK(all.done == up_to(200));
      CHECK(pool.free() == 2);
      CHECK(all.alive == 2);
      pool.stop();
    });
  }

  TEST_CASE("workers that go finish what they have in hand") {
    in_hub([] {
      record all;
      pool_of_workers pool{4, std::ref(all)};
      for (int i = 0; i < 3; ++i)
        pool.send(task{i, 1s});
      idle();
      pool.resize(1); // one is free, two go later
      CHECK(pool.size() == 1);
      CHECK(pool.workers().size() == 1);
      idle();
      CHECK(all.alive == 3);
      sleep(2s);
      CHECK(all.done == up_to(3));
      CHECK(all.alive == 1);
      CHECK(pool.children().size() == 1);
      pool.stop();
    });
  }

  TEST_CASE("workers that are to go stay when they are needed again") {
    in_hub([] {
      record all;
      pool_of_workers pool{3, std::ref(all)};
      for (int i = 0; i < 3; ++i)
        pool.send(task{i, 1s});
      idle();
      pool.resize(1);
      pool.resize(3);
      CHECK(pool.size() == 3);
      sleep(2s);
      CHECK(all.starts == 3);
      CHECK(pool.free() == 3);
      pool.stop();
    });
  }

  TEST_CASE("a worker that cannot be started later does no harm") {
    in_hub([] {
      const captured_log quiet;
      record all;
      pool_of_workers pool{1, std::ref(all)};
      all.at_start = [] { throw std::runtime_error("no luck"); };
      CHECK(error_of([&] { pool.resize(3); }).find("no luck") !=
            std::string::npos);
      CHECK(pool.size() == 1);
      CHECK(pool.ask(task{1}).get() == 1);
      all.at_start = {};
      sleep(5s);
      pool.send(task{2, 1s}); // wants a second one
      pool.send(task{3, 1s});
      pool.send(task{4, 1s});
      sleep(500ms);
      CHECK(pool.size() == 3);
      pool.stop();
    });
  }

  TEST_CASE("a pool grows by one while mail waits and nobody is free") {
    in_hub([] {
      record all;
      pool_of_workers pool{{.least = 1, .most = 3}, std::ref(all)};
      pool.send(task{0, 1s});
      idle();
      CHECK(pool.size() == 1);
      pool.send(task{1, 1s});
      idle();
      CHECK(pool.size() == 2);
      for (int i = 2; i < 6; ++i)
        pool.send(task{i, 1s});
      idle();
      CHECK(pool.size() == 3);
      CHECK(pool.waiting() == 3);
      sleep(5s);
      CHECK(all.done.size() == 6);
      pool.stop();
    });
  }

  TEST_CASE("a pool starts one worker at a time") {
    in_hub([] {
      record all;
      pool_of_workers pool{{.least = 1, .most = 10}, std::ref(all)};
      all.at_start = [] { sleep(5s); };
      for (int i = 0; i < 3; ++i)
        pool.send(task{i, 6s});
      sleep(5500ms); // one begun, another up and at it
      CHECK(all.begun == up_to(2));
      CHECK(pool.size() == 3);
      sleep(10s);
      CHECK(all.begun == up_to(3)); // by the first, that was quicker
      CHECK(all.starts == 3);
      sleep(20s);
      pool.stop();
    });
  }

  TEST_CASE("a pool shrinks when workers have been free for long") {
    in_hub([] {
      record all;
      pool_of_workers pool{{.least = 1, .most = 4, .idle_for = 10s},
                           std::ref(all)};
      for (int i = 0; i < 4; ++i)
        pool.send(task{i, 1s + i * 1s});
      sleep(5s);
      CHECK(pool.size() == 4);
      sleep(5900ms); // the first was done after 1 s
      CHECK(pool.size() == 4);
      sleep(200ms);
      CHECK(pool.size() == 3);
      for (int i = 0; i < 9; ++i) { // one is enough for these
        pool.send(task{i, 500ms});
        sleep(1s);
      }
      CHECK(pool.size() == 1);
      CHECK(all.alive == 1);
      CHECK(all.done.size() == 13);
      sleep(1h);
      CHECK(pool.size() == 1);
      pool.stop();
    });
  }

  TEST_CASE("a pool may have no workers while there is nothing to do") {
    in_hub([] {
      record all;
      pool_of_workers pool{{.least = 0, .most = 2, .idle_for = 1s},
                           std::ref(all)};
      CHECK(pool.size() == 0);
      CHECK(pool.ask(task{1}).get() == 1);
      CHECK(pool.size() == 1);
      sleep(2s);
      CHECK(pool.size() == 0);
      CHECK(all.alive == 0);
      CHECK(pool.ask(task{2}).get() == 2);
      pool.stop();
    });
  }

  TEST_CASE("a pool that could not grow tries again after a second") {
    in_hub([] {
      const captured_log log;
      record all;
      pool_of_workers pool{{.least = 0, .most = 2}, std::ref(all)};
      all.at_start = [] { throw std::runtime_error("no luck"); };
      const auto answer = pool.ask(task{1});
      sleep(2500ms);
      CHECK(log.count("actor pool 'pool': supervisor 'pool': child") == 3);
      CHECK(pool.size() == 0);
      CHECK(pool.waiting() == 1);
      all.at_start = {};
      CHECK(answer.get(1s) == 1);
      pool.stop();
    });
  }

  TEST_CASE("a worker may resize its pool") {
    in_hub([] {
      record all;
      pool_of_workers pool{1, std::ref(all)};
      pool.send(errand{[&] { pool.resize(3); }});
      idle();
      CHECK(pool.free() == 3);
      pool.send(errand{[&] { pool.resize(1); }});
      idle();
      CHECK(pool.size() == 1);
      CHECK(all.alive == 1);
      pool.stop();
    });
  }

  TEST_CASE("whatever is killed, each ask of a pool ends, and once") {
    for (unsigned seed = 0; seed < 10; ++seed) {
      record all; // outlives a pool that is destroyed
      in_hub([&all, seed] {
        const captured_log quiet;
        std::mt19937 random{seed};
        const auto dice = [&](unsigned sides) { return random() % sides; };
        pool_of_workers pool{{.least = 1,
                              .most = 6,
                              .idle_for = 50ms,
                              .capacity = 20,
                              .max_restarts = 1'000'000},
                             std::ref(all)};
        all.at_start = [&] {
          if (dice(20) == 0) throw std::runtime_error("no luck");
        };
        int ended = 0;
        std::vector<any_greenlet> senders;
        for (int i = 0; i < 300; ++i)
          senders.push_back(spawn([&, i] {
            sleep(std::chrono::milliseconds(dice(1000)));
            try {
              const auto answer =
                  dice(10) == 0
                      ? pool.ask(crash{})
                      : pool.ask(task{i, std::chrono::milliseconds(dice(40))});
              const int got = answer.get();
              CHECK(got == i);
            } catch (const std::exception&) { // crashed, or killed
            }
            ++ended;
          }));
        for (int i = 0; i < 200; ++i) {
          sleep(std::chrono::milliseconds(dice(15)));
          const auto workers = pool.workers();
          if (!workers.empty() && dice(2))
            workers[dice(static_cast<unsigned>(workers.size()))].kill_soon();
          if (dice(5) == 0) senders[dice(300)].kill_soon();
          try {
            if (dice(20) == 0) pool.resize(1 + dice(2), 3 + dice(4));
          } catch (const start_failure&) {
          }
        }
        joinall(senders);
        CHECK(ended > 100);
        CHECK(pool.waiting() == 0);
        all.at_start = {};
        sleep(10s);
        CHECK(pool.free() == pool.size());
        CHECK(all.alive == static_cast<int>(pool.size()));
        numbers done = all.done;
        std::sort(done.begin(), done.end());
        CHECK(std::unique(done.begin(), done.end()) == done.end());
        if (seed % 2) pool.stop();
      });
      CHECK(all.alive == 0);
    }
  }
}
