// What a restart keeps, and when it comes.

#include "actors/supervisor_support.hpp"

#include <greenroom/actors/notices.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <functional>
#include <stdexcept>
#include <string>

using namespace test;

TEST_SUITE("actors") {
  TEST_CASE("a reference stays good over a restart, and mail is kept, but for "
            "the message that failed") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one, often};
      const auto a = tree.add<member>("a", permanent, std::ref(trace));
      tree.start();
      const int before = a.ask(serial{}).get();
      (void)taken(trace);
      a.send(note{"1"});
      a.send(call{[](member&) { throw std::runtime_error("poison"); }});
      a.send(note{"2"});
      const auto answer = a.ask(serial{});
      a.send(note{"3"});
      CHECK(answer.get() > before);
      idle();
      CHECK(trace == "1 down(a, std::runtime_error: poison) up(a) 2 3 ");
      CHECK(a.alive());
      CHECK(a.name() == "a");
      tree.stop();
      CHECK(a.dead());
    });
  }

  TEST_CASE("mail for one that stopped itself, and is restarted, is kept") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one, often};
      const auto a =
          tree.add<member>("a", {.delay = {.first = 1s}}, std::ref(trace));
      tree.start();
      a.stop();
      a.send(note{"late"}); // it takes none until it has ended
      idle();
      a.send(note{"kept"});
      (void)taken(trace);
      sleep(2s);
      CHECK(trace == "up(a) kept ");
      tree.stop();
    });
  }

  TEST_CASE("who asked for what failed is told, also when it is restarted") {
    in_hub([] {
      class picky : public actor<serial> {
        int receive(serial) override { throw std::runtime_error("poison"); }
      };
      supervisor tree{one_for_one, often};
      const auto a = tree.add<picky>("a", permanent);
      tree.start();
      for (int i = 0; i < 3; ++i)
        CHECK(error_of([&] { a.ask(serial{}).get(); }) ==
              "std::runtime_error: poison");
      tree.stop();
      CHECK(error_of([&] { a.ask(serial{}).get(); }) ==
            "std::system_error: the actor is not alive");
    });
  }

  TEST_CASE("what is sent while a restart waits is kept") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one, often};
      const auto a =
          tree.add<member>("a", {.delay = {.first = 1s}}, std::ref(trace));
      tree.start();
      end(a, boom);
      (void)taken(trace);
      CHECK(tree.children().front().state == child_state::delayed);
      a.send(note{"kept"});
      const auto answer = a.ask(serial{});
      CHECK(time_of([&] { answer.get(); }) == 1s);
      CHECK(trace == "up(a) kept ");
      SUBCASE("unless the tree stops") {
        end(a, boom);
        const auto lost = a.ask(serial{});
        tree.stop();
        CHECK(error_of([&] { lost.get(); }) ==
              "std::system_error: the actor is not alive");
      }
      tree.stop();
    });
  }

  TEST_CASE("restart delays grow, up to a limit, and begin anew") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one, {.max_restarts = 100, .within = 1h}};
      const auto a = tree.add<member>(
          "a",
          {.delay = {.first = 1s, .most = 5s, .factor = 2, .reset_after = 10s}},
          std::ref(trace));
      tree.start();
      const auto recovery = [&] {
        end(a, boom);
        return time_of([&] { a.ask(serial{}).get(); });
      };
      CHECK(recovery() == 1s);
      CHECK(recovery() == 2s);
      CHECK(recovery() == 4s);
      CHECK(recovery() == 5s);
      CHECK(recovery() == 5s);
      sleep(10s);
      CHECK(recovery() == 1s);
      tree.stop();
    });
  }

  TEST_CASE("a child that is too slow to start, and does not end then, is not "
            "started beside itself") {
    in_hub([] {
      std::string trace;
      bool let_go = false;
      int starts = 0;
      test::captured_log log;
      supervisor tree{one_for_one, often};
      const auto a =
          tree.add<member>("a", {.start_within = 1s}, std::ref(trace), [&] {
            if (++starts != 2) return;
            while (!let_go) {
              const shield guard;
              sleep(100ms);
            }
          });
      tree.start();
      end(a, boom);
      sleep(10s);
      CHECK(starts == 2);
      CHECK(tree.children().front().state == child_state::stuck);
      let_go = true;
      sleep(1s);
      CHECK(starts == 3);
      CHECK(tree.children().front().state == child_state::running);
      tree.stop();
    });
  }

  TEST_CASE("a delayed restart lets siblings go on, and can be jittered") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one, {.max_restarts = 100}};
      const auto a = tree.add<member>(
          "a", {.delay = {.first = 1s, .most = 1s, .jitter = 0.5}},
          std::ref(trace));
      const auto b = tree.add<member>("b", permanent, std::ref(trace));
      tree.start();
      bool differed = false;
      for (int i = 0; i < 20; ++i) {
        end(a, boom);
        CHECK(time_of([&] { b.ask(serial{}).get(); }) == 0s);
        const auto took = time_of([&] { a.ask(serial{}).get(); });
        CHECK(took >= 500ms);
        CHECK(took <= 1500ms);
        differed |= took != 1s;
      }
      CHECK(differed);
      tree.stop();
    });
  }

  TEST_CASE("a child waiting for its restart may be terminated") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      const auto a =
          tree.add<member>("a", {.delay = {.first = 1s}}, std::ref(trace));
      tree.start();
      end(a, boom);
      CHECK_THROWS_AS(tree.remove("a"), std::invalid_argument);
      tree.terminate("a");
      (void)taken(trace);
      sleep(2s);
      CHECK(trace.empty());
      CHECK(a.dead());
      tree.restart("a");
      CHECK(trace == "up(a) ");
      tree.stop();
    });
  }

  TEST_CASE("a monitor hears of each failure of a supervised actor, and of its "
            "end") {
    class watcher : public actor<down, note> {
    public:
      watcher(actor_ref<member> of, std::string& trace)
          : of_(of), trace_(trace) {}

    private:
      void on_start() override { monitor(of_); }
      void receive(note) override {}
      void receive(down message) override {
        trace_ += "down(" + to_string(message.why) +
                  (message.restarts ? ", restarts) " : ") ");
      }
      actor_ref<member> of_;
      std::string& trace_;
    };
    in_hub([] {
      std::string unread;
      std::string heard;
      supervisor tree{one_for_one, {.max_restarts = 2}};
      const auto a = tree.add<member>("a", permanent, std::ref(unread));
      tree.start();
      const auto w = spawn<watcher>(a, heard);
      idle();
      end(a, boom);
      CHECK(taken(heard) == "down(custom: boom, restarts) ");
      SUBCASE("when it is stopped") {
        tree.stop();
        idle();
        CHECK(heard == "down(shutdown) ");
      }
      SUBCASE("when its supervisor is killed while it waits for its restart") {
        supervisor other{one_for_one};
        const auto b = other.add<member>(
            "b", {.delay = {.first = 1h, .most = 1h}}, std::ref(unread));
        other.start();
        const auto second = spawn<watcher>(b, heard);
        idle();
        end(b, boom);
        CHECK(taken(heard) == "down(custom: boom, restarts) ");
        other.greenlet().kill();
        idle();
        CHECK(heard == "down(custom: boom) ");
        second.stop();
        second.join();
      }
      SUBCASE("when its supervisor gives up") {
        test::captured_log log;
        end(a, boom);
        (void)taken(heard);
        end(a, boom);
        idle();
        CHECK(heard == "down(custom: boom, restarts) down(custom: boom) ");
      }
      tree.stop();
      w.stop();
      w.join();
    });
  }

  TEST_CASE("restarts are told to those who listen") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_all, often};
      const auto all = add_members(tree, "ab", trace);
      tree.start();
      subscription<actor_restarted> told{notices().restarts, 10};
      end(all[1], boom);
      const actor_restarted first = told.get();
      CHECK(first.name == "a");
      CHECK(first.why == exit_kind::shutdown);
      CHECK(first.restarts == 0);
      const actor_restarted second = told.get();
      CHECK(second.who == all[1].key());
      CHECK(second.why == boom);
      CHECK(second.restarts == 1);
      tree.stop();
    });
  }

  TEST_CASE("a restart by hand that fails leaves nobody who takes mail") {
    in_hub([] {
      std::string trace;
      bool fails = false;
      test::captured_log log;
      supervisor tree{one_for_one};
      const auto a = tree.add<member>("a", permanent, std::ref(trace), [&] {
        if (fails) throw std::runtime_error("cannot");
      });
      tree.start();
      tree.terminate("a");
      fails = true;
      CHECK_THROWS_AS(tree.restart("a"), start_failure);
      CHECK(a.dead());
      fails = false;
      tree.restart("a");
      CHECK(a.alive());
    });
  }

  TEST_CASE("a temporary child that would not end is not started again") {
    in_hub([] {
      std::string trace;
      test::captured_log log;
      supervisor tree{one_for_all, often};
      const auto a = tree.add<member>("a", permanent, std::ref(trace));
      const auto b =
          tree.add<member>("b", {.restart = temporary, .shutdown = brutal_kill},
                           std::ref(trace));
      tree.start();
      b.send(call{[](member&) {
        const shield guard;
        sleep(5s);
      }});
      yield();
      end(a, boom);
      sleep(3s);
      CHECK(tree.children()[1].state == child_state::stuck);
      sleep(3s);
      CHECK(names(tree) == "a ");
      CHECK(b.dead());
    });
  }

  TEST_CASE("an actor is alive until it is given up, and so long join waits") {
    in_hub([] {
      std::string trace;
      test::captured_log log;
      supervisor tree{one_for_one, {.max_restarts = 2}};
      const auto a =
          tree.add<member>("a", {.delay = {.first = 1s}}, std::ref(trace));
      CHECK(a.join()); // there is none yet
      tree.start();
      const auto joined = [&] { return time_of([&] { CHECK(a.join()); }); };
      const auto waiter = spawn(joined);
      end(a, boom);
      CHECK(a.alive()); // it waits for its restart
      CHECK_FALSE(a.join(500ms));
      CHECK(a.kill()); // there is nobody to be killed
      const auto second = spawn(joined);
      sleep(1s);
      CHECK(a.alive());
      CHECK_FALSE(waiter.ready());
      SUBCASE("when its tree stops") {
        sleep(1s);
        tree.stop();
      }
      SUBCASE("when it is stopped while it waits again") {
        end(a, boom);
        sleep(1s);
        tree.terminate("a");
      }
      SUBCASE("when the supervisor is killed while it waits") {
        end(a, boom);
        sleep(1s);
        tree.greenlet().kill();
      }
      CHECK(a.dead());
      CHECK(waiter.get() == 2500ms);
      CHECK(second.get() == 2s);
      CHECK(joined() == 0s);
    });
  }

  TEST_CASE("who waits for the end of a supervised actor may be killed") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one, often};
      const auto a =
          tree.add<member>("a", {.delay = {.first = 1s}}, std::ref(trace));
      tree.start();
      const auto waiter = spawn([&] { a.join(); });
      yield();
      end(a, boom);
      waiter.kill();
      CHECK(waiter.killed());
      CHECK(a.ask(serial{}).get() > 0);
      CHECK(a.kill()); // that one; the next comes
      CHECK(a.alive());
      tree.stop();
    });
  }

  TEST_CASE("those that wait for another's restart are started when it is "
            "restarted, or terminated, by hand") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_all, often};
      const auto all =
          add_members(tree, "abc", trace, {.delay = {.first = 1h, .most = 1h}});
      tree.start();
      end(all[1], boom);
      CHECK(names(tree) == "a! b! c! ");
      SUBCASE("restarted") {
        tree.restart("b");
        CHECK(names(tree) == "a b c ");
      }
      SUBCASE("terminated") {
        tree.terminate("b");
        CHECK(names(tree) == "a b! c ");
      }
      SUBCASE("restarted themselves, by hand") {
        tree.restart("a");
        CHECK(names(tree) == "a b! c! ");
        sleep(2h);
        CHECK(names(tree) == "a b c ");
      }
      tree.stop();
    });
  }
}
