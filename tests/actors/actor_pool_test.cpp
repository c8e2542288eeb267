#include "actors/actor_pool_support.hpp"
#include "hub/beside.hpp"

#include <greenroom/actors/actor_pool.hpp>
#include <greenroom/actors/address.hpp>
#include <greenroom/actors/inspect.hpp>
#include <greenroom/actors/notices.hpp>
#include <greenroom/actors/request.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace test;

TEST_SUITE("actors") {
  TEST_CASE("a pool hands out the oldest message first") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      for (int i = 0; i < 7; ++i)
        pool.send(task{i, 1s});
      sleep(500ms);
      CHECK(all.begun == up_to(2));
      CHECK(pool.waiting() == 5);
      CHECK(pool.free() == 0);
      sleep(1s);
      CHECK(all.begun == up_to(4));
      sleep(10s);
      CHECK(all.done == up_to(7));
      CHECK(pool.free() == 2);
      pool.stop();
      CHECK(all.alive == 0);
    });
  }

  TEST_CASE("a worker that waits does not hold up the others") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      pool.send(task{-1, 1h});
      const auto took = time_of([&] {
        std::vector<async_result<int>> answers;
        for (int i = 0; i < 10; ++i)
          answers.push_back(pool.ask(task{i, 1s}));
        for (int i = 0; i < 10; ++i)
          CHECK(answers[static_cast<std::size_t>(i)].get() == i);
      });
      CHECK(took == 10s);
      CHECK(all.done == up_to(10));
      pool.kill();
    });
  }

  TEST_CASE("a pool is sent to as an actor is") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      const actor_ref<worker> one = pool.reference();
      CHECK(one.alive());
      CHECK(one.name() == "pool");
      CHECK(one.ask(task{1}).get() == 1);
      one.send(task{2}, 1s);
      CHECK(one.try_send(task{3}));
      one.send_after(1s, task{4});
      const address<task> anybody = one;
      CHECK(anybody.ask(task{5}).get() == 5);
      sleep(2s);
      CHECK(all.done == numbers{1, 2, 3, 5, 4});
      CHECK(pool.ask(task{6}, 1s).get() == 6);
      pool.send(task{7}, 1s);
      CHECK(pool.try_send(task{8}));
      one.stop();
      CHECK(one.join(1s));
      CHECK(all.done.size() == 8);
      CHECK_FALSE(pool.running());
      CHECK(pool.reason() == exit_reason{});
    });
  }

  TEST_CASE("a pool is sent to from other threads") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      test::beside there([to = pool.reference()] {
        CHECK(to.ask(task{1}).get() == 1);
        to.send(task{2});
      });
      there.join();
      idle();
      CHECK(all.done == numbers{1, 2});
      pool.stop();
    });
  }

  TEST_CASE("a request is forwarded to a pool") {
    in_hub([] {
      struct question {
        using reply = int;
      };
      class clerk : public actor<request<question>> {
        void receive(request<question> asked) override { asked.reply(42); }
      };
      class desk : public actor<request<question>> {
      public:
        explicit desk(actor_ref<clerk> back) : back_(back) {}

      private:
        void receive(request<question> asked) override {
          back_.forward(std::move(asked));
        }
        actor_ref<clerk> back_;
      };
      actor_pool<clerk> clerks{2};
      const auto front = spawn<desk>(clerks.reference());
      CHECK(front.ask(question{}).get() == 42);
      front.kill();
      clerks.stop();
    });
  }

  TEST_CASE("a poison message costs only itself") {
    in_hub([] {
      const captured_log quiet;
      record all;
      pool_of_workers pool{2, std::ref(all)};
      std::vector<async_result<int>> answers;
      for (int i = 0; i < 6; ++i)
        answers.push_back(i == 2 ? pool.ask(crash{}) : pool.ask(task{i, 1s}));
      CHECK(error_of([&] { answers[2].get(); }) == "std::runtime_error: crash");
      for (std::size_t i = 0; i < 6; ++i)
        if (i != 2) CHECK(answers[i].get() == static_cast<int>(i));
      CHECK(all.done.size() == 5);
      CHECK(pool.size() == 2);
      CHECK(pool.free() == 2);
      CHECK(all.starts == 3);
      pool.stop();
    });
  }

  TEST_CASE("a worker killed in the middle of a message fails its asker") {
    in_hub([] {
      record all;
      pool_of_workers pool{1, std::ref(all)};
      const auto first = pool.ask(task{1, 1h});
      const auto second = pool.ask(task{2, 1s});
      idle();
      CHECK(pool.workers()[0].kill());
      CHECK(error_of([&] { first.get(); }).find("not alive") !=
            std::string::npos);
      CHECK(second.get() == 2);
      CHECK(all.done == numbers{2});
      pool.stop();
    });
  }

  TEST_CASE("mail handed to a worker that is killed before its turn is kept") {
    in_hub([] {
      record all;
      pool_of_workers pool{1, std::ref(all)};
      const auto answer = pool.ask(task{1});
      yield(); // it has the message, and has not begun
      CHECK(pool.waiting() == 0);
      CHECK(all.begun.empty());
      pool.workers()[0].kill_soon();
      CHECK(answer.get(1s) == 1);
      CHECK(all.starts == 2);
      pool.stop();
    });
  }

  TEST_CASE("no mail goes to a free worker that is about to die") {
    in_hub([] {
      record all;
      pool_of_workers pool{{.least = 2, .max_restarts = 2}, std::ref(all)};
      for (const auto& each : pool.workers())
        each.kill_soon();
      CHECK(pool.free() == 0);
      pool.send(task{1});
      yield();
      CHECK(pool.waiting() == 1);
      idle();
      CHECK(all.done == numbers{1});
      CHECK(pool.free() == 2);
      pool.stop();
    });
  }

  TEST_CASE("a suspended pool, or worker, takes no mail") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      suspend(pool.reference());
      pool.send(task{1});
      idle();
      CHECK(pool.waiting() == 1);
      resume(pool.reference());
      idle();
      CHECK(all.done == numbers{1});

      const auto workers = pool.workers();
      suspend(workers[1]);
      CHECK(pool.free() == 1);
      pool.send(task{2, 1s});
      pool.send(task{3, 1s});
      sleep(500ms);
      CHECK(all.begun == numbers{1, 2});
      suspend(workers[0]); // finishes what it has in hand
      sleep(5s);
      CHECK(all.done == numbers{1, 2});
      CHECK(pool.free() == 0);
      CHECK(pool.waiting() == 1);
      resume(workers[1]);
      sleep(2s);
      CHECK(all.done == numbers{1, 2, 3});
      pool.stop(); // one that is suspended has nothing in hand
      CHECK(all.alive == 0);
    });
  }

  TEST_CASE("with_state of a pool is called with a worker that is free") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      pool.send(task{1, 1s});
      idle();
      const auto look = [&] {
        return with_state(pool.reference(), [](worker& self) {
          CHECK(&current() == &self);
          return self.name();
        });
      };
      CHECK(look() == "pool#1"); // the other one is busy
      pool.send(task{2, 2s});
      idle();
      CHECK(time_of([&] { CHECK(look() == "pool#2"); }) == 1s);
      CHECK(inspect(pool.reference())->handled == 2);
      pool.stop();
      CHECK(all.done == numbers{1, 2});
    });
  }

  TEST_CASE("a message sent to one worker is for that worker") {
    in_hub([] {
      record all;
      pool_of_workers pool{2, std::ref(all)};
      const auto workers = pool.workers();
      workers[0].send(task{1, 2s});
      workers[0].send(task{2, 2s});
      pool.send(task{3, 1s});
      pool.send(task{4, 1s});
      sleep(10s);
      CHECK(all.done == numbers{3, 1, 4, 2});
      pool.stop();
    });
  }

  TEST_CASE("broadcast sends each worker a copy, which no restart loses") {
    in_hub([] {
      const captured_log quiet;
      record all;
      pool_of_workers pool{4, std::ref(all)};
      pool.send(task{1, 1s});
      pool.send(crash{});
      sleep(500ms);
      pool.broadcast(mark{});
      pool.broadcast(mark{});
      sleep(2s);
      CHECK(all.marks == 8);
      CHECK(all.done == numbers{1});
      pool.stop();
    });
  }

  TEST_CASE("a full pool holds back who sends") {
    in_hub([] {
      record all;
      pool_of_workers pool{{.least = 2, .capacity = 3}, std::ref(all)};
      const auto took = time_of([&] {
        for (int i = 0; i < 9; ++i)
          pool.send(task{i, 1s});
      });
      CHECK(took == 2s); // 4 done, 2 in hand, 3 wait
      CHECK(pool.waiting() == 3);
      CHECK_FALSE(pool.try_send(task{-1}));
      CHECK(error_of([&] { pool.send(task{-1}, 100ms); }).find("timed out") !=
            std::string::npos);
      sleep(10s);
      CHECK(all.done == up_to(9));
      pool.stop();
    });
  }

  TEST_CASE("a sender killed while it waits for a pool sends nothing") {
    in_hub([] {
      record all;
      pool_of_workers pool{{.least = 1, .capacity = 1}, std::ref(all)};
      pool.send(task{1, 1s});
      idle();
      pool.send(task{2, 1s});
      auto first = spawn([&] { pool.send(task{3, 1s}); });
      auto second = spawn([&] { pool.send(task{4, 1s}); });
      idle();
      CHECK(first.kill());
      sleep(10s);
      CHECK(second.successful());
      CHECK(all.done == numbers{1, 2, 4});
      pool.stop();
    });
  }

  TEST_CASE("a full pool drops or refuses, if that is its policy") {
    in_hub([] {
      const auto done_with = [](when_full policy) {
        record all;
        pool_of_workers pool{{.least = 1, .capacity = 2, .policy = policy},
                             std::ref(all)};
        pool.send(task{0, 1s});
        idle();
        int refused = 0;
        for (int i = 1; i < 5; ++i)
          try {
            pool.send(task{i, 1s});
          } catch (const std::system_error& error) {
            CHECK(error.code() == errc::full);
            ++refused;
          }
        CHECK(refused == (policy == when_full::refuse ? 2 : 0));
        pool.stop();
        return all.done;
      };
      CHECK(done_with(when_full::drop_oldest) == numbers{0, 3, 4});
      CHECK(done_with(when_full::drop_newest) == numbers{0, 1, 2});
      CHECK(done_with(when_full::refuse) == numbers{0, 1, 2});
    });
  }

  TEST_CASE("the mail that dies with a pool is told as dead letters") {
    in_hub([] {
      record all;
      std::vector<std::string> lost;
      on_dead_letter(
          [&](const dead_letter& each) { lost.emplace_back(each.why); });
      pool_of_workers pool{1, std::ref(all)};
      const auto before = dead_letters();
      pool.send(task{1, 1h});
      pool.send(task{2, 1h});
      const auto answer = pool.ask(task{3, 1h});
      idle();
      pool.kill();
      CHECK(dead_letters() == before + 2);
      CHECK(lost.size() == 2);
      CHECK(error_of([&] { answer.get(); }).find("not alive") !=
            std::string::npos);
      pool.send(task{4});
      CHECK(dead_letters() == before + 3);
      CHECK(error_of([&] { pool.ask(task{5}).get(); }).find("not alive") !=
            std::string::npos);
      on_dead_letter({});
    });
  }

  TEST_CASE("a circle of asks through a pool ends at its deadline") {
    in_hub([] {
      const captured_log quiet;
      record all;
      pool_of_workers pool{1, std::ref(all)};
      std::string error;
      pool.send(errand{
          [&] { error = error_of([&] { pool.ask(task{1}).get(1s); }); }});
      sleep(2s);
      CHECK(error.find("timed out") != std::string::npos);
      CHECK(all.done == numbers{1});
      pool.stop();
    });
  }

  TEST_CASE("a worker may send to its own pool") {
    in_hub([] {
      record all;
      pool_of_workers pool{{.least = 2, .capacity = 1}, std::ref(all)};
      pool.send(errand{[&] {
        for (int i = 0; i < 5; ++i)
          pool.send(task{i, 1s}); // waits for the other one
      }});
      sleep(10s);
      CHECK(all.done == up_to(5));
      pool.stop();
    });
  }

  TEST_CASE("a trace of a pool may send to it") {
    in_hub([] {
      record all;
      pool_of_workers pool{1, std::ref(all)};
      int traced = 0;
      trace(pool.reference(), [&](const traced_message&) {
        if (++traced < 5) pool.send(task{traced});
      });
      pool.send(task{0});
      idle();
      CHECK(all.done == up_to(5));
      CHECK(pool.children().front().handled == 5);
      pool.stop();
    });
  }

  TEST_CASE("a delayed message that a worker has is too late to be cancelled") {
    in_hub([] {
      record all;
      pool_of_workers pool{1, std::ref(all)};
      const auto one = pool.reference().send_after(1s, task{1});
      pool.send(task{0, 10s});
      sleep(5s);
      CHECK(one.cancel().has_value()); // it waits for the worker
      const auto two = pool.reference().send_after(6s, task{2});
      int tried = 0;
      trace(pool.reference(), [&](const traced_message&) {
        spawn({.order = start_order::next}, [&] { // before the worker's turn
          ++tried;
          CHECK_FALSE(two.cancel().has_value());
        });
      });
      sleep(20s);
      CHECK(tried == 1);
      CHECK(all.done == std::vector<int>{0, 2});
      pool.stop();
    });
  }
}
