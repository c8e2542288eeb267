// How a pool starts, gives up and ends, alone and in a tree.

#include "actors/actor_pool_support.hpp"

#include <greenroom/actors/actor_pool.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace test;

TEST_SUITE("actors") {
  TEST_CASE("a pool lists itself") {
    in_hub([] {
      const captured_log quiet;
      record all;
      pool_of_workers pool{{.least = 2, .name = "mill"}, std::ref(all)};
      pool.send(crash{});
      sleep(1s);
      pool.send(task{1, 1s});
      pool.send(task{2, 1s});
      pool.send(task{3, 1s});
      idle();
      CHECK(to_string(pool) ==
            "mill  actor pool  running  1 waiting  0 free\n"
            "  mill#1  actor  running  0 waiting  1 handled  in sleep\n"
            "  mill#2  actor  running  0 waiting  1 handled  1 restarts, "
            "after std::runtime_error: crash  in sleep\n");
      pool.stop();
      CHECK(to_string(pool) ==
            "mill  actor pool  stopped  0 waiting  0 free\n");
    });
  }

  TEST_CASE("all workers are up when a pool has been made") {
    in_hub([] {
      record all;
      all.at_start = [] { sleep(1s); };
      std::optional<pool_of_workers> pool;
      CHECK(time_of([&] { pool.emplace(3, std::ref(all)); }) == 3s);
      CHECK(all.starts == 3);
      CHECK(pool->size() == 3);
      CHECK(pool->free() == 3);
      pool->stop();
    });
  }

  TEST_CASE("a pool whose worker cannot start does not start") {
    in_hub([] {
      record all;
      all.at_start = [&] {
        if (all.starts == 2) throw std::runtime_error("no luck");
      };
      const captured_log log;
      CHECK(error_of([&] {
              const pool_of_workers pool{3, std::ref(all)};
            }) == "greenroom::start_failure: supervisor 'pool': child 'pool#3' "
                  "failed to start: std::runtime_error: no luck");
      CHECK(all.alive == 0);
      CHECK(all.stops == 3);
      CHECK_MESSAGE(log.count("error: greenlet") == 1, log.text());
    });
  }

  TEST_CASE("a kill of the one who makes a pool ends what has started") {
    in_hub([] {
      record all;
      all.at_start = [] { sleep(1s); };
      auto maker = spawn([&] { const pool_of_workers pool{3, std::ref(all)}; });
      sleep(1500ms);
      maker.kill();
      sleep(10s);
      CHECK(all.alive == 0);
    });
  }

  TEST_CASE("contradictory options of a pool are refused") {
    in_hub([] {
      record all;
      const auto refused = [&](pool_options options) {
        return error_of([&] {
          const pool_of_workers pool{std::move(options), std::ref(all)};
        });
      };
      CHECK(refused({.least = 3, .most = 2}) ==
            "std::invalid_argument: actor pool 'pool': from 3 to 2 workers");
      CHECK(refused({.least = 0}) ==
            "std::invalid_argument: actor pool 'pool': from 0 to 0 workers");
      CHECK(refused({.workers = {.restart = temporary}}) ==
            "std::invalid_argument: actor pool 'pool': its workers have to be "
            "permanent");
      CHECK(refused({.idle_for = -1s}).find("`idle_for` is negative") !=
            std::string::npos);
      CHECK(
          refused({.capacity = 0}) ==
          "std::invalid_argument: actor pool 'pool': a capacity of 0 messages");
      CHECK(refused({.max_restarts = -1}).find("max_restarts is -1") !=
            std::string::npos);
      CHECK(error_of([&] {
              const pool_of_workers pool{-1, std::ref(all)};
            }).find("from 0 to 0 workers") != std::string::npos);
      pool_of_workers pool{1, std::ref(all)};
      CHECK(error_of([&] { pool.resize(0); }).find("from 0 to 0 workers") !=
            std::string::npos);
      CHECK(error_of([&] { pool.resize(2, 1); }).find("from 2 to 1 workers") !=
            std::string::npos);
      CHECK(pool.size() == 1);
      pool.stop();
      CHECK(error_of([&] { pool.resize(2); }).find("not alive") !=
            std::string::npos);
      CHECK(all.alive == 0);
    });
  }

  // --- its end --------------------------------------------------------------

  TEST_CASE("S05: a pool whose workers fail too often ends for that reason") {
    in_hub([] {
      const captured_log quiet;
      record all;
      pool_of_workers pool{{.least = 2, .max_restarts = 2}, std::ref(all)};
      class watcher : public actor<down> {
      public:
        watcher(const actor_ref<worker>& of, std::vector<down>& heard)
            : heard_(heard) {
          monitor(of);
        }

      private:
        void receive(down news) override { heard_.push_back(news); }
        std::vector<down>& heard_;
      };
      std::vector<down> heard;
      const auto watching = spawn<watcher>(pool.reference(), heard);
      auto linked = spawn([] { sleep(1h); });
      linked.link([](greenlet_base&) {});
      const auto busy = pool.ask(task{1, 1h});
      for (int i = 0; i < 3; ++i)
        pool.send(crash{});
      const auto waits = pool.ask(task{2, 1h});
      CHECK(time_of([&] {
              CHECK(error_of([&] { waits.get(); }).find("not alive") !=
                    std::string::npos);
              CHECK(error_of([&] { busy.get(); }).find("not alive") !=
                    std::string::npos);
            }) == 0s);
      CHECK(pool.join(1s));
      CHECK(pool.reason().kind() == exit_kind::shutdown);
      CHECK(pool.reason().note().find("supervisor 'pool' gives up") == 0);
      idle();
      CHECK(heard.size() == 1);
      CHECK(heard.at(0).why == pool.reason());
      CHECK(all.alive == 0);
      linked.kill();
      watching.kill();
    });
  }

  TEST_CASE("a pool that is stopped handles the mail it has first") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      for (int i = 0; i < 5; ++i)
        pool.send(task{i, 1s});
      pool.stop_soon({exit_kind::shutdown, "closing time"});
      const auto before = dead_letters();
      pool.send(task{5, 1s});
      CHECK(dead_letters() == before + 1);
      CHECK(time_of([&] { CHECK(pool.join()); }) == 3s);
      CHECK(all.done == up_to(5));
      CHECK(all.alive == 0);
      CHECK(pool.reason() == exit_reason{exit_kind::shutdown, "closing time"});
      pool.stop(); // again
      CHECK(dead_letters() == before + 1);
    });
  }

  TEST_CASE("a pool that is stopped waits for the worker that is restarted") {
    in_hub([] {
      const captured_log quiet;
      record all;
      pool_of_workers pool{{.least = 1, .workers = {.delay = {.first = 1s}}},
                           std::ref(all)};
      pool.send(crash{});
      pool.send(task{1, 1s});
      CHECK(time_of([&] { pool.stop(); }) == 2s);
      CHECK(all.done == numbers{1});
    });
  }

  TEST_CASE("a pool whose stop is interrupted goes on to end") {
    in_hub([] {
      record all;
      pool_of_workers pool{1, std::ref(all)};
      pool.send(task{1, 2s});
      auto stopper = spawn([&] { pool.stop(); });
      sleep(1s);
      stopper.kill();
      CHECK(pool.join(2s));
      CHECK(all.done == numbers{1});
    });
  }

  TEST_CASE("a worker may stop its pool") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      pool.send(errand{[&] { pool.stop_soon(); }});
      pool.send(task{1, 1s});
      CHECK(pool.join(5s));
      CHECK(all.done == numbers{1});
    });
  }

  TEST_CASE("a worker that would wait for its own pool is told") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      std::string heard;
      pool.send(errand{[&] {
        heard += error_of([&] { pool.stop(); }) + "; ";
        heard += error_of([&] { pool.join(1s); });
      }});
      idle();
      CHECK(heard.find("would wait for its own pool in stop") !=
            std::string::npos);
      CHECK(heard.find("would wait for its own pool in join") !=
            std::string::npos);
      CHECK(pool.running());
      pool.stop();
    });
  }

  TEST_CASE("a worker may kill its pool, and itself with it") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      pool.send(errand{[&] { pool.kill(); }});
      pool.join();
      CHECK(all.stops == 2);
      CHECK(all.alive == 0);
    });
  }

  TEST_CASE("a pool that is killed tells its workers to end") {
    in_hub([] {
      record all;
      pool_of_workers pool{3, std::ref(all)};
      for (int i = 0; i < 5; ++i)
        pool.send(task{i, 1h});
      idle();
      CHECK(time_of([&] { CHECK(pool.kill()); }) == 0s);
      CHECK(all.stops == 3);
      CHECK(all.alive == 0);
      CHECK(all.done.empty());
      CHECK(pool.reason().kind() == exit_kind::killed);
      CHECK(pool.size() == 0);
    });
  }

  TEST_CASE("a pool destroyed while it runs ends its workers first") {
    in_hub([] {
      record all;
      async_result<int> busy;
      async_result<int> waits;
      CHECK(time_of([&] {
              const pool_of_workers pool{1, std::ref(all)};
              busy = pool.ask(task{1, 1h});
              waits = pool.ask(task{2, 1h});
              idle();
            }) == 0s);
      CHECK(all.stops == 1);
      CHECK(all.alive == 0);
      CHECK(error_of([&] { waits.get(); }).find("not alive") !=
            std::string::npos);
      CHECK(error_of([&] { busy.get(); }).find("not alive") !=
            std::string::npos);
      idle();
      CHECK(all.alive == 0);
    });
  }

  TEST_CASE("senders held back are let go when a pool ends") {
    in_hub([] {
      record all;
      pool_of_workers pool{{.least = 1, .capacity = 1}, std::ref(all)};
      pool.send(task{1, 1h});
      idle();
      pool.send(task{2, 1h});
      std::vector<any_greenlet> senders;
      for (int i = 0; i < 3; ++i)
        senders.push_back(spawn([&] { pool.send(task{3, 1h}); }));
      idle();
      const auto before = dead_letters();
      pool.kill();
      joinall(senders);
      CHECK(dead_letters() == before + 4);
    });
  }

  TEST_CASE("a pool may be killed while it starts one more worker") {
    in_hub([] {
      record all;
      pool_of_workers pool{{.least = 1, .most = 2}, std::ref(all)};
      all.at_start = [] { sleep(5s); };
      pool.send(task{1, 1h});
      pool.send(task{2, 1h});
      sleep(1s);
      CHECK(pool.size() == 2);
      CHECK(time_of([&] { pool.kill(); }) <= 4s);
      CHECK(all.alive == 0);
      CHECK(all.done.empty());
    });
  }

  TEST_CASE("a worker that takes long to go holds up nobody") {
    in_hub([] {
      class sluggish : public actor<task> {
        void on_stop(const exit_reason&) override { sleep(3s); }
        int receive(task message) override {
          sleep(message.time);
          return message.number;
        }
      };
      actor_pool<sluggish> pool{3};
      pool.resize(1);
      CHECK(time_of([&] { CHECK(pool.ask(task{1, 1s}).get() == 1); }) == 1s);
      CHECK(time_of([&] { pool.resize(2); }) == 5s); // one after the other
      CHECK(pool.size() == 2);
      CHECK(time_of([&] { pool.stop(); }) == 3s);
    });
  }

  // --- in a tree ------------------------------------------------------------

  TEST_CASE("a pool destroyed on another thread is ended on its own") {
    in_hub([] {
      const captured_log log;
      record all;
      auto pool = std::make_unique<pool_of_workers>(2, std::ref(all));
      pool->send(task{1, 1h});
      pool->send(task{2});
      idle();
      std::thread([&] { pool.reset(); }).join();
      CHECK(all.alive == 2);
      idle();
      CHECK(all.alive == 0);
      CHECK(all.done == numbers{2});
      CHECK(log.count("'pool' was destroyed on another thread") == 1);
    });
  }

  TEST_CASE("a pool is sent to, and not ended, from other threads") {
    in_hub([] {
      record all;
      pool_of_workers pool{1, std::ref(all)};
      const auto refused = [](const auto& function) {
        CHECK(mentions(error_of(function),
                       "wrong_hub: actor pool 'pool' belongs to the hub"));
      };
      std::thread([&] {
        record others;
        pool_of_workers other{1, std::ref(others)};
        pool.send(task{1});
        refused([&] { pool.stop(); });
        refused([&] { pool.kill(); });
        refused([&] { (void)pool.join(); });
        refused([&] { pool.resize(2); });
        CHECK(others.begun.empty());
      }).join();
      idle();
      CHECK(all.done == numbers{1});
      pool.stop();
    });
  }

  TEST_CASE("a pool may outlive its hub") {
    record all;
    std::optional<pool_of_workers> running;
    std::optional<pool_of_workers> stopped;
    in_hub(
        [&] {
          running.emplace(2, std::ref(all));
          stopped.emplace(2, std::ref(all));
          stopped->stop();
        },
        leftovers::allowed);
    in_hub([&] {
      pool_of_workers other{2, std::ref(all)};
      running->send(task{1});
      CHECK(mentions(error_of([&] { running->stop(); }), "that has ended"));
      running.reset();
      stopped.reset();
      CHECK(other.running());
    });
    CHECK(all.begun.empty());
  }

  TEST_CASE("a pool in a tree keeps its reference and mail over restarts") {
    in_hub([] {
      const captured_log quiet;
      record all;
      supervisor tree{one_for_one, {.max_restarts = 3}};
      const auto pool = tree.add_pool<worker>(
          "workers", permanent, {.least = 2, .max_restarts = 0}, std::ref(all));
      CHECK(pool.dead());
      tree.start();
      CHECK(pool.ask(task{1}).get() == 1);
      CHECK(all.alive == 2);
      pool.send(task{2, 1h});
      pool.send(crash{}); // and so the pool gives up
      const auto answer = pool.ask(task{3});
      CHECK(answer.get(1s) == 3);
      CHECK(all.starts == 4);
      CHECK(all.done == numbers{1, 3});
      CHECK(tree.children()[0].restarts == 1);
      tree.stop();
      CHECK(all.alive == 0);
      CHECK(pool.dead());
    });
  }

  TEST_CASE("a full pool in a tree keeps who sends waiting over a restart") {
    in_hub([] {
      const captured_log quiet;
      record all;
      supervisor tree{one_for_one};
      const auto pool = tree.add_pool<worker>(
          "workers", permanent, {.least = 1, .capacity = 2, .max_restarts = 0},
          std::ref(all));
      tree.start();
      pool.send(errand{[] {
        sleep(1s);
        throw std::runtime_error("crash");
      }});
      idle();
      auto sender = spawn([&] {
        for (int i = 0; i < 6; ++i)
          pool.send(task{i, 1s});
      });
      sleep(500ms);
      CHECK(sender.started());
      sleep(10s);
      CHECK(sender.successful());
      CHECK(all.done == up_to(6));
      CHECK(tree.children()[0].restarts == 1);
      tree.stop();
    });
  }

  TEST_CASE("a pool in a tree that cannot start fails the start of the tree") {
    in_hub([] {
      record all;
      all.at_start = [] { throw std::runtime_error("no luck"); };
      const captured_log quiet;
      supervisor tree{one_for_one, {.name = "tree"}};
      (void)tree.add_pool<worker>("workers", permanent, {.least = 2},
                                  std::ref(all));
      const std::string error = error_of([&] { tree.start(); });
      CHECK(error.find(
                "child 'workers' failed to start: greenroom::start_failure: "
                "supervisor 'workers': child 'workers#1' failed to start: "
                "std::runtime_error: no luck") != std::string::npos);
      CHECK(all.alive == 0);
      CHECK(error_of([&] {
              (void)tree.add_pool<worker>("more", permanent, {.least = 0},
                                          std::ref(all));
            }) == "std::invalid_argument: actor pool 'more': from 0 to 0 "
                  "workers");
    });
  }
}
