// Children of all kinds, and the life of a tree.

#include "actors/supervisor_support.hpp"

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <functional>
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
      supervisor& sub = top.add_supervisor("sub", permanent, one_for_all);
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
      supervisor& sub = top.add_supervisor("sub", permanent, one_for_one);
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

  TEST_CASE("a supervisor that is destroyed tells its children to end") {
    in_hub([] {
      std::string trace;
      actor_ref<member> a;
      {
        supervisor tree{one_for_one};
        a = tree.add<member>("a", permanent, std::ref(trace));
        tree.start();
      }
      CHECK(a.alive());
      idle();
      CHECK(a.dead());
      CHECK(trace == "up(a) down(a, shutdown) ");
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
}
