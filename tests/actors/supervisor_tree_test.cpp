// Children of all kinds, and the life of a tree.

#include "actors/supervisor_support.hpp"

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

using namespace test;

TEST_SUITE("actors") {
  TEST_CASE("a child may be a greenlet") {
    in_hub([] {
      int runs = 0;
      supervisor tree{one_for_one, often};
      tree.add("ticker", transient, [&] {
        CHECK(current().name() == "ticker");
        if (++runs < 3) throw std::runtime_error("no luck");
        sleep(1s);
      });
      tree.start();
      idle();
      CHECK(runs == 3);
      CHECK(names(tree) == "ticker ");
      sleep(2s);
      CHECK(names(tree) == "ticker! ");
      tree.stop();
    });
  }

  TEST_CASE("a tree of supervisors starts and stops as one, and lists itself") {
    in_hub([] {
      std::string trace;
      supervisor top{one_for_one, {.name = "top"}};
      top.add<member>("a", permanent, std::ref(trace));
      const auto sub = top.add_supervisor("sub", permanent, one_for_all);
      sub.add<member>("b", permanent, std::ref(trace));
      sub.add("c", transient, [] { sleep(1h); });
      top.add<member>("d", permanent, std::ref(trace));
      top.start();
      idle();
      CHECK(taken(trace) == "up(a) up(b) up(d) ");
      CHECK(to_string(top) == "top  supervisor  running\n"
                              "  a  actor  running  0 waiting  0 handled\n"
                              "  sub  supervisor  running  in inbox::get\n"
                              "    b  actor  running  0 waiting  0 handled\n"
                              "    c  greenlet  running  in sleep\n"
                              "  d  actor  running  0 waiting  0 handled\n");
      top.stop();
      CHECK(trace == "down(d, shutdown) down(b, shutdown) down(a, shutdown) ");
      CHECK_FALSE(sub.running());
    });
  }

  TEST_CASE("a failure to start deep in a tree names the way there") {
    in_hub([] {
      std::string trace;
      supervisor top{one_for_one, {.name = "top"}};
      const auto sub = top.add_supervisor("sub", permanent, one_for_one);
      sub.add<member>("b", permanent, std::ref(trace),
                      [] { throw std::runtime_error("cannot"); });
      test::captured_log log;
      const std::string error = error_of([&] { top.start(); });
      CHECK(error.find("supervisor 'top': child 'sub' failed to start: "
                       "shutdown: supervisor 'sub': child 'b' failed to "
                       "start: std::runtime_error: cannot") !=
            std::string::npos);
    });
  }

  TEST_CASE("children may refer to siblings from the start") {
    class client : public actor<note> {
    public:
      client(actor_ref<member> of, int& heard) : of_(of), heard_(heard) {}

    private:
      void on_start() override { heard_ = of_.ask(serial{}).get(); }
      void receive(note) override {}
      actor_ref<member> of_;
      int& heard_;
    };
    in_hub([] {
      std::string trace;
      int heard = 0;
      supervisor tree{one_for_one, often};
      const auto a = tree.add<member>("a", permanent, std::ref(trace));
      CHECK(a.dead());
      tree.add<client>("client", permanent, a, std::ref(heard));
      tree.start();
      CHECK(heard > 0);
      tree.stop();
    });
  }

  TEST_CASE("a supervisor may be started again") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      const auto a = tree.add<member>("a", permanent, std::ref(trace));
      tree.start();
      CHECK_THROWS_AS(tree.start(), std::system_error);
      tree.add<member>("later", permanent, std::ref(trace));
      tree.stop();
      tree.start();
      CHECK(names(tree) == "a "); // what was added later is not of the tree
      CHECK(a.alive());
      tree.stop();
    });
  }

  TEST_CASE("a supervisor is for its own thread") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      tree.add<member>("a", permanent, std::ref(trace));
      tree.start();
      std::thread([&] {
        CHECK_THROWS_AS(tree.start(), wrong_hub);
        CHECK_THROWS_AS(tree.stop(), wrong_hub);
        CHECK_THROWS_AS(tree.terminate("a"), wrong_hub);
        CHECK_THROWS_AS(tree.add("b", permanent, [] {}), wrong_hub);
      }).join();
      tree.stop();
    });
  }

  TEST_CASE("who adds a child to a supervisor that ends meanwhile is told") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      tree.start();
      const auto slow = spawn([&] {
        return error_of([&] {
          tree.add<member>("slow", permanent, std::ref(trace),
                           [] { sleep(1h); });
        });
      });
      yield();
      const auto behind = spawn([&] {
        return error_of(
            [&] { tree.add<member>("behind", permanent, std::ref(trace)); });
      });
      sleep(1s);
      tree.greenlet().kill();
      const std::string dropped = "std::system_error: dropped without a reply";
      CHECK(slow.get(1s) == dropped);
      CHECK(behind.get(1s) == dropped);
    });
  }

  TEST_CASE("one who is killed while adding a child leaves the tree whole") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      tree.start();
      const auto adder = spawn([&] {
        tree.add<member>("slow", permanent, std::ref(trace), [] { sleep(1s); });
      });
      yield();
      adder.kill();
      sleep(2s);
      CHECK(names(tree) == "slow ");
      tree.stop();
    });
  }

  TEST_CASE("a tree whose starter is killed at once can be started again") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      tree.add<member>("a", permanent, std::ref(trace));
      const auto starter = spawn(spawn_options{.order = start_order::next},
                                 [&] { tree.start(); });
      spawn([&] { starter.kill_soon(); });
      idle();
      CHECK(starter.killed());
      CHECK_FALSE(tree.running());
      tree.start();
      CHECK(trace.find("up(a) ") != std::string::npos);
      tree.stop();
    });
  }

  TEST_CASE("who starts a tree and is killed leaves nothing behind") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      tree.add<member>("a", permanent, std::ref(trace));
      tree.add<member>("b", permanent, std::ref(trace), [] { sleep(1h); });
      const auto starter = spawn([&] { tree.start(); });
      sleep(1s);
      starter.kill();
      idle();
      CHECK_FALSE(tree.running());
      CHECK(trace == "up(a) down(b, killed) down(a, killed) ");
    });
  }

  TEST_CASE("a child supervisor that does not come up in time is killed, and "
            "has failed to start") {
    in_hub([] {
      std::string trace;
      test::captured_log log;
      bool hangs = true;
      const auto hang = [&] {
        if (hangs) sleep(1h);
      };
      supervisor top{one_for_one, {.max_restarts = 2, .name = "top"}};
      const auto sub_with = [&](const std::string& id) {
        const auto sub =
            top.add_supervisor(id, {.shutdown = infinity, .start_within = 1s},
                               one_for_one, {.max_restarts = 0});
        sub.add<member>(id + "a", permanent, std::ref(trace));
        sub.add<member>(id + "b", permanent, std::ref(trace), hang);
        return sub;
      };
      const auto first = sub_with("sub");
      SUBCASE("at the start of the tree") {
        CHECK(time_of([&] {
                CHECK(mentions(error_of([&] { top.start(); }),
                               "supervisor 'top': child 'sub' failed to "
                               "start: timeout"));
              }) == 1s);
        idle();
        CHECK(trace == "up(suba) down(subb, killed) down(suba, killed) ");
        CHECK_FALSE(first.running());
        CHECK_FALSE(top.running());
      }
      SUBCASE("at a restart, which counts") {
        hangs = false;
        top.start();
        hangs = true;
        end(first.find<member>("suba"), boom);
        sleep(10s);
        CHECK_FALSE(top.running());
        CHECK(log.count("'top' gives up: child 'sub' ended with timeout") == 1);
      }
      SUBCASE("when it is added") {
        hangs = false;
        top.start();
        (void)taken(trace);
        const auto slow =
            top.add_supervisor("slow", {.start_within = 1s}, one_for_one);
        hangs = true;
        slow.add<member>("b", {.start_within = 3s}, std::ref(trace));
        CHECK(slow.running());
        top.terminate("slow");
        CHECK(names(top) == "sub slow! ");
        CHECK_FALSE(slow.running());
      }
      SUBCASE("when it is restarted by hand") {
        hangs = false;
        top.start();
        top.terminate("sub");
        hangs = true;
        CHECK(mentions(error_of([&] { top.restart("sub"); }),
                       "child 'sub' failed to start: timeout"));
        hangs = false;
        top.restart("sub");
        CHECK(first.running());
      }
    });
  }

  TEST_CASE("a reference to a supervisor that is over says so") {
    in_hub([] {
      supervisor_ref sub;
      supervisor_ref whole;
      const std::string over =
          "std::system_error: a supervisor that is over: the actor is not "
          "alive";
      const auto is_over = [&](const supervisor_ref& one) {
        CHECK_FALSE(one.running());
        CHECK(one.children().empty());
        CHECK(one.join());
        one.stop();
        CHECK(error_of([&] { one.start(); }) == over);
        CHECK(error_of([&] { one.add("c", permanent, [] {}); }) == over);
        CHECK(error_of([&] { one.terminate("c"); }) == over);
        CHECK(to_string(one) ==
              "a supervisor that is over  supervisor  stopped\n");
      };
      is_over(sub);
      {
        supervisor top{one_for_one};
        whole = top;
        top.start();
        CHECK(whole.running());
        const auto forget = [&](auto&& how, restart_policy policy) {
          sub = whole.add_supervisor("sub", policy, one_for_one);
          sub.add("c", permanent, [] { sleep(1h); });
          CHECK(sub.size() == 1);
          how();
          idle();
          is_over(sub);
        };
        forget([&] { top.terminate("sub"); }, temporary);
        forget([&] { sub.stop(); }, temporary);
        forget(
            [&] {
              top.terminate("sub");
              top.remove("sub");
            },
            permanent);
        forget([&] { top.stop(); }, permanent); // it was added later
        top.start();
        CHECK(top.size() == 0);
      }
      is_over(whole);
    });
  }

  TEST_CASE("a supervisor of another is started by that one only") {
    in_hub([] {
      supervisor top{one_for_one};
      const auto sub = top.add_supervisor("sub", permanent, one_for_one);
      CHECK(error_of([&] { sub.start(); }) ==
            "std::invalid_argument: supervisor 'sub' is started by the one "
            "that it was added to");
      supervisor many{dynamic};
      CHECK_THROWS_AS(many.add("c", permanent, [] {}), std::invalid_argument);
      CHECK_THROWS_AS(many.add_supervisor("c", permanent, one_for_one),
                      std::invalid_argument);
    });
  }

  TEST_CASE(
      "a child that would wait for its supervisor, which waits for it, is "
      "told") {
    class maker : public actor<note> {
    public:
      explicit maker(const std::function<void()>& work) { work(); }

    private:
      void receive(note) override {}
    };
    in_hub([] {
      std::string trace;
      std::string error;
      supervisor top{one_for_one, {.name = "top"}};
      const auto sub = top.add_supervisor("sub", permanent, one_for_one);
      const auto work = [&] {
        error = error_of([&] { top.add("more", permanent, [] {}); });
      };
      SUBCASE("in its on_start") {
        top.add<member>("a", permanent, std::ref(trace), work);
        top.start();
        CHECK(mentions(error, "'a' is being started, and would wait for its "
                              "supervisor"));
      }
      SUBCASE("below another") {
        sub.add<member>("a", permanent, std::ref(trace), work);
        top.start();
        CHECK(mentions(error, "'sub' is being started, and would wait"));
      }
      SUBCASE("in its constructor") {
        top.add<maker>("a", permanent, std::function<void()>(work));
        top.start();
        CHECK(mentions(error, "'a' is being started, and would wait"));
      }
      SUBCASE("in its constructor, to stop all") {
        top.start();
        std::string told;
        const std::function<void()> stop = [&] {
          told = error_of([&] { top.stop(); });
        };
        CHECK(error_of([&] { top.add<maker>("b", permanent, stop); }) ==
              "std::system_error: dropped without a reply");
        CHECK(mentions(told, "would join itself"));
        idle();
        CHECK_FALSE(top.running());
        return;
      }
      CHECK(top.running());
    });
  }

  TEST_CASE("a child may do with its own supervisor what others may") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one, often};
      const auto all = add_members(tree, "ab", trace);
      tree.start();
      (void)taken(trace);
      const auto has = [&](int which, const std::function<void()>& work) {
        all[which].send(call{[work](member&) { work(); }});
        idle();
      };
      has(0, [&] { tree.terminate("b"); });
      CHECK(names(tree) == "a b! ");
      has(0, [&] { tree.restart("b"); });
      CHECK(names(tree) == "a b ");
      has(0, [&] { tree.terminate("a"); }); // itself
      CHECK(names(tree) == "a! b ");
      CHECK(taken(trace) == "down(b, shutdown) up(b) down(a, shutdown) ");
      has(1, [&] { tree.add<member>("c", permanent, std::ref(trace)); });
      CHECK(names(tree) == "a! b c ");
      has(1, [&] { tree.stop(); });
      CHECK_FALSE(tree.running());
      CHECK(taken(trace) == "up(c) down(c, shutdown) down(b, shutdown) ");
    });
  }

  TEST_CASE("who waits for a supervisor may destroy nothing that it needs") {
    in_hub([] {
      std::string trace;
      auto tree = std::make_unique<supervisor>(one_for_one);
      tree->start();
      const supervisor_ref same = *tree;
      const auto a = same.add<member>("a", {.shutdown = 1s}, std::ref(trace));
      a.send(call{[](member&) {
        const shield guard;
        sleep(3s);
      }});
      yield();
      const auto ender = spawn([&] { same.terminate("a"); });
      const auto adder = spawn(
          [&] { return error_of([&] { same.add("b", permanent, [] {}); }); });
      yield();
      CHECK(time_of([&] { tree.reset(); }) == 3s);
      CHECK(a.dead());
      ender.join();
      CHECK(ender.successful());
      CHECK(adder.get() == "std::system_error: dropped without a reply");
    });
  }
}
