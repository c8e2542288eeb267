#include "actors/supervisor_support.hpp"

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>

#include <functional>
#include <stdexcept>
#include <string>

using namespace test;

namespace {

class trapping : public actor<note, exit_signal> {
public:
  explicit trapping(std::string& trace) : trace_(trace) {}

private:
  void on_start() override { trap_exits(); }
  void on_stop(const exit_reason& why) override {
    trace_ += "terminate(" + to_string(why) + ") ";
  }
  void receive(note) override {}
  void receive(exit_signal) override { trace_ += "signal "; }
  std::string& trace_;
};

} // namespace

// The names in front are those of the cases that Erlang/OTP 25 was run with.
TEST_SUITE("actors") {
  TEST_CASE("S01: children start in order, each when the one before has") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      tree.add<member>("a", permanent, std::ref(trace), [] { sleep(1s); });
      tree.add<member>("b", permanent, std::ref(trace));
      tree.add<member>("c", permanent, std::ref(trace));
      CHECK(trace.empty());
      CHECK(time_of([&] { tree.start(); }) == 1s);
      CHECK(trace == "up(a) up(b) up(c) ");
      CHECK(names(tree) == "a b c ");
      tree.stop();
    });
  }

  TEST_CASE("S02: stop ends the children in reverse, and gives its reason") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      add_members(tree, "abc", trace);
      tree.start();
      (void)taken(trace);
      tree.stop();
      CHECK(trace == "down(c, shutdown) down(b, shutdown) down(a, shutdown) ");
      CHECK(tree.reason() == exit_kind::shutdown);
      CHECK_FALSE(tree.running());
      CHECK(tree.greenlet().dead());
    });
  }

  TEST_CASE("S03: whom a strategy restarts") {
    in_hub([] {
      std::string trace;
      const auto run = [&](restart_strategy strategy) {
        supervisor tree{strategy, often};
        auto all = add_members(tree, "abc", trace);
        tree.add<member>("d", temporary, std::ref(trace));
        tree.start();
        (void)taken(trace);
        end(all[1], boom);
        const std::string happened = taken(trace) + "left " + names(tree);
        tree.stop();
        return happened;
      };
      CHECK(run(one_for_one) == "down(b, custom: boom) up(b) left a b c d ");
      CHECK(run(one_for_all) ==
            "down(b, custom: boom) down(d, shutdown) down(c, shutdown) "
            "down(a, shutdown) up(a) up(b) up(c) left a b c ");
      CHECK(run(rest_for_one) ==
            "down(b, custom: boom) down(d, shutdown) down(c, shutdown) "
            "up(b) up(c) left a b c ");
    });
  }

  // Not among the oracle's cases; OTP 25 was run for it.
  TEST_CASE("S03: with the failed one, those that had ended are started, too") {
    in_hub([] {
      std::string trace;
      for (const restart_strategy strategy : {one_for_all, rest_for_one}) {
        supervisor tree{strategy, often};
        const auto all =
            add_members(tree, "abcd", trace, {.restart = transient});
        tree.start();
        end(all[3], exit_kind::normal);
        tree.terminate("b");
        CHECK(names(tree) == "a b! c d! ");
        (void)taken(trace);
        end(all[0], boom);
        CHECK(trace == "down(a, custom: boom) down(c, shutdown) "
                       "up(a) up(b) up(c) up(d) ");
        CHECK(names(tree) == "a b c d ");
        tree.stop();
      }
    });
  }

  TEST_CASE("S04: when a child is restarted") {
    in_hub([] {
      std::string trace;
      const auto after = [&](restart_policy policy, const exit_reason& why) {
        supervisor tree{one_for_one};
        const auto a = tree.add<member>("a", policy, std::ref(trace));
        tree.start();
        if (why.kind() == exit_kind::kill)
          a.exit(why);
        else
          end(a, why);
        idle();
        const auto left = tree.children();
        tree.stop();
        return left.empty() ? std::string("forgotten")
                            : to_string(left.front().state);
      };
      for (const exit_reason& why :
           {exit_reason(exit_kind::normal), exit_reason(exit_kind::shutdown),
            exit_reason(exit_kind::shutdown, "x")}) {
        CHECK(after(permanent, why) == "running");
        CHECK(after(transient, why) == "stopped");
        CHECK(after(temporary, why) == "forgotten");
      }
      for (const exit_reason& why : {exit_reason(exit_kind::kill), boom}) {
        CHECK(after(permanent, why) == "running");
        CHECK(after(transient, why) == "running");
        CHECK(after(temporary, why) == "forgotten");
      }
    });
  }

  TEST_CASE("S05: by default the second failure within five seconds is too "
            "many") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      const auto a = tree.add<member>("a", permanent, std::ref(trace));
      tree.start();
      (void)taken(trace);
      test::captured_log log;
      end(a, boom);
      CHECK(taken(trace) == "down(a, custom: boom) up(a) ");
      end(a, boom);
      CHECK(taken(trace) == "down(a, custom: boom) ");
      CHECK_FALSE(tree.running());
      CHECK(tree.reason().kind() == exit_kind::shutdown);
      CHECK(log.count("gives up: child 'a' ended with custom: boom") == 1);
      CHECK(a.dead());
    });
  }

  TEST_CASE("S06: without restarts the first failure ends all") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one, {.max_restarts = 0}};
      const auto all = add_members(tree, "ab", trace);
      tree.start();
      (void)taken(trace);
      test::captured_log log;
      end(all[0], boom);
      CHECK(trace == "down(a, custom: boom) down(b, shutdown) ");
      CHECK_FALSE(tree.running());
    });
  }

  TEST_CASE("S07: failures that are far enough apart are borne") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one, {.max_restarts = 2, .within = 1s}};
      const auto a = tree.add<member>("a", permanent, std::ref(trace));
      tree.start();
      for (int i = 0; i < 20; ++i) {
        end(a, boom);
        sleep(501ms);
      }
      CHECK(tree.running());
      CHECK(tree.children().front().restarts == 20);
      tree.stop();
    });
  }

  TEST_CASE("S08: a child has its time to end, then it is killed") {
    in_hub([] {
      std::string trace;
      const auto stop_with = [&](std::chrono::nanoseconds time, auto busy) {
        supervisor tree{one_for_one};
        const auto a =
            tree.add<member>("a", {.shutdown = time}, std::ref(trace));
        tree.start();
        a.send(call{busy});
        yield();
        (void)taken(trace);
        const auto took = time_of([&] { tree.stop(); });
        CHECK(a.dead());
        return took;
      };
      const auto slow = [](member&) {
        try {
          sleep(1h);
        } catch (const greenlet_exit&) {
          sleep(2s);
          throw;
        }
      };
      const auto idle_one = [](member&) {};
      CHECK(stop_with(5s, idle_one) == 0s);
      CHECK(trace == "down(a, shutdown) ");
      CHECK(stop_with(5s, slow) == 2s);
      CHECK(trace == "down(a, shutdown) ");
      test::captured_log log;
      CHECK(stop_with(1s, slow) == 1s);
      CHECK(log.count("'a' has not ended in time, and is killed") == 1);
      CHECK(stop_with(infinity, slow) == 2s);
      CHECK(stop_with(brutal_kill, slow) == 0s);
      CHECK(trace == "down(a, killed) ");
    });
  }

  TEST_CASE("one that does not end even then is named, and not replaced while "
            "it lives") {
    in_hub([] {
      std::string trace;
      bool let_go = false;
      supervisor tree{one_for_all, often};
      const auto all =
          add_members(tree, "ab", trace, {.shutdown = brutal_kill});
      tree.start();
      all[1].send(call{[&](member&) {
        while (!let_go) {
          try {
            sleep(100ms);
          } catch (const greenlet_exit&) {
            const shield guard;
            sleep(100ms);
          }
        }
      }});
      yield();
      (void)taken(trace);
      test::captured_log log;
      end(all[0], boom);
      sleep(3s);
      CHECK(log.count("child 'b' does not end: it waits in sleep") == 1);
      CHECK(taken(trace) == "down(a, custom: boom) up(a) ");
      CHECK(tree.children()[1].state == child_state::stuck);
      let_go = true;
      sleep(3s);
      CHECK(tree.children()[1].state == child_state::running);
      tree.stop();
    });
  }

  TEST_CASE("S09: told to stop for another reason, it ends with that, and its "
            "children with shutdown") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      add_members(tree, "ab", trace);
      tree.start();
      (void)taken(trace);
      tree.stop(exit_reason::custom(0, "stopit"));
      CHECK(trace == "down(b, shutdown) down(a, shutdown) ");
      CHECK(to_string(tree.reason()) == "custom: stopit");
    });
  }

  TEST_CASE("the end of the hub's greenlets ends a tree, and nothing is "
            "restarted") {
    in_hub([] {
      std::string trace;
      supervisor top{one_for_one, often};
      const auto sub = top.add_supervisor("sub", permanent, one_for_all, often);
      add_members(top, "ab", trace);
      add_members(sub, "cd", trace);
      top.start();
      (void)taken(trace);
      CHECK(shutdown(5s));
      CHECK_FALSE(top.running());
      CHECK_FALSE(sub.running());
      CHECK(trace.find("up") == std::string::npos);
      CHECK(member::made > 0);
    });
  }

  TEST_CASE("S10: an exit signal of a stranger does nothing to a supervisor") {
    class stranger : public actor<note> {
    public:
      explicit stranger(const supervisor_ref& of) : of_(of) {}

    private:
      void on_start() override { link_to(*of_.greenlet()); }
      void receive(note) override { exit(boom); }
      supervisor_ref of_;
    };
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      const auto a = tree.add<member>("a", permanent, std::ref(trace));
      tree.start();
      const auto one = spawn<stranger>(tree);
      const auto other = spawn<stranger>(tree);
      one.send(note{});
      idle();
      CHECK(one.dead());
      CHECK(tree.running());
      CHECK(a.ask(serial{}).get() > 0);
      tree.stop();
      idle();
      CHECK(other.dead()); // the other way round a link holds
    });
  }

  TEST_CASE("S11: when a supervisor is killed, so are its children") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      const auto all = add_members(tree, "ab", trace);
      tree.start();
      (void)taken(trace);
      SUBCASE("once") {
        tree.greenlet().kill();
      }
      SUBCASE("brutally") {
        tree.greenlet()->kill_brutally();
      }
      idle();
      CHECK(trace == "down(b, killed) down(a, killed) ");
      CHECK(tree.reason() == exit_kind::killed);
      CHECK(all[0].dead());
    });
  }

  TEST_CASE("S12: also those that trap exits, which learn why") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      tree.add<trapping>("a", permanent, std::ref(trace));
      tree.start();
      SUBCASE("killed") {
        tree.greenlet()->kill_brutally();
        idle();
        CHECK(trace == "terminate(killed) ");
      }
      SUBCASE("G14: as they do at any end of their supervisor") {
        tree.stop(exit_kind::normal);
        CHECK(trace == "terminate(shutdown) ");
      }
    });
  }

  TEST_CASE("G15: the end of anybody else is mail to those that trap exits") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      const auto a = tree.add<trapping>("a", permanent, std::ref(trace));
      tree.start();
      a.exit(boom); // a stranger's
      idle();
      CHECK(taken(trace) == "signal ");
      CHECK(a.alive());
      tree.stop();
    });
  }

  TEST_CASE("S13: when a child fails to start, those before it are stopped") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      add_members(tree, "ab", trace);
      std::string text;
      SUBCASE("in on_start") {
        tree.add<member>("c", permanent, std::ref(trace),
                         [] { throw std::runtime_error("cannot"); });
        text = "std::runtime_error: cannot";
      }
      SUBCASE("in its constructor") {
        class broken : public actor<note> {
        public:
          broken() { throw std::runtime_error("cannot"); }

        private:
          void receive(note) override {}
        };
        tree.add<broken>("c", permanent);
        text = "std::runtime_error: cannot";
      }
      SUBCASE("in time") {
        tree.add<member>("c", {.start_within = 1s}, std::ref(trace),
                         [] { sleep(1h); });
        text = "timeout";
      }
      test::captured_log log;
      const std::string error = error_of([&] { tree.start(); });
      CHECK(error.find("supervisor 'supervisor': child 'c' failed to start: " +
                       text) != std::string::npos);
      CHECK(trace.find("up(a) up(b) ") == 0);
      CHECK(trace.find("down(b, shutdown) down(a, shutdown) ") !=
            std::string::npos);
      CHECK_FALSE(tree.running());
      CHECK(tree.reason().kind() == exit_kind::shutdown);
    });
  }

  TEST_CASE("S14: a child that ends itself while it starts is left out") {
    class shy : public actor<note> {
      void on_start() override { exit(exit_kind::normal); }
      void receive(note) override {}
    };
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      const auto a = tree.add<shy>("a", permanent);
      tree.add<member>("b", permanent, std::ref(trace));
      tree.add<shy>("c", temporary);
      tree.start();
      CHECK(names(tree) == "a! b ");
      CHECK(a.dead());
      tree.stop();
    });
  }

  TEST_CASE("S15: a restart that fails is tried again, and counts") {
    in_hub([] {
      std::string trace;
      int starts = 0;
      supervisor tree{one_for_one, {.max_restarts = 3}};
      const auto a = tree.add<member>("a", permanent, std::ref(trace), [&] {
        if (++starts > 1) throw std::runtime_error("not again");
      });
      tree.start();
      test::captured_log log;
      end(a, boom);
      CHECK(starts == 4);
      CHECK_FALSE(tree.running());
    });
  }

  TEST_CASE("S16: children by their ids") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      const auto a = tree.add<member>("a", permanent, std::ref(trace));
      tree.start();
      const auto refused = [&](const std::string& text, auto&& call) {
        CHECK(error_of(call) ==
              "std::invalid_argument: supervisor 'supervisor'" + text);
      };
      refused(": child 'a' is running already",
              [&] { tree.add<member>("a", permanent, std::ref(trace)); });
      refused(": child 'a' is running", [&] { tree.remove("a"); });
      refused(": child 'a' is running", [&] { tree.restart("a"); });
      tree.terminate("a");
      CHECK(a.dead());
      CHECK(names(tree) == "a! ");
      refused(": child 'a' is there already",
              [&] { tree.add<member>("a", permanent, std::ref(trace)); });
      tree.restart("a");
      CHECK(a.ask(serial{}).get() > 0);
      refused(" has no child 'b'", [&] { tree.terminate("b"); });
      tree.terminate("a");
      tree.remove("a");
      CHECK(tree.size() == 0);
      refused(" has no child 'a'", [&] { tree.restart("a"); });
      const auto again = tree.add<member>("a", permanent, std::ref(trace));
      CHECK(again != a);
      CHECK(tree.find<member>("a") == again);
      CHECK_FALSE(tree.find<member>("b").alive());
      tree.stop();
    });
  }

  TEST_CASE("S17: a significant child that has done its work stops all") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one,
                      {.max_restarts = 5, .when_done = auto_shutdown::any}};
      const auto a = tree.add<member>(
          "a", {.restart = transient, .significant = true}, std::ref(trace));
      tree.add<member>("b", permanent, std::ref(trace));
      tree.start();
      (void)taken(trace);
      end(a, boom);
      CHECK(taken(trace) == "down(a, custom: boom) up(a) ");
      end(a, exit_kind::normal);
      CHECK(trace == "down(a, normal) down(b, shutdown) ");
      CHECK_FALSE(tree.running());
      CHECK(tree.reason().kind() == exit_kind::shutdown);
    });
  }

  TEST_CASE("S18: or the last of several") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one, {.when_done = auto_shutdown::all}};
      const auto a = tree.add<member>(
          "a", {.restart = temporary, .significant = true}, std::ref(trace));
      const auto b = tree.add<member>(
          "b", {.restart = transient, .significant = true}, std::ref(trace));
      tree.add<member>("c", permanent, std::ref(trace));
      tree.start();
      (void)taken(trace);
      end(a, boom);
      CHECK(taken(trace) == "down(a, custom: boom) ");
      CHECK(tree.running());
      end(b, exit_kind::normal);
      CHECK(trace == "down(b, normal) down(c, shutdown) ");
      CHECK_FALSE(tree.running());
    });
  }

  TEST_CASE("S19: contradictory options are refused before any child starts") {
    in_hub([] {
      std::string trace;
      supervisor never{one_for_one};
      CHECK_THROWS_AS(
          never.add<member>("a", {.restart = transient, .significant = true},
                            std::ref(trace)),
          std::invalid_argument);
      supervisor any{one_for_one, {.when_done = auto_shutdown::any}};
      CHECK_THROWS_AS(
          any.add<member>("a", {.significant = true}, std::ref(trace)),
          std::invalid_argument);
      CHECK_THROWS_AS(any.add<member>("a", {.shutdown = -1s}, std::ref(trace)),
                      std::invalid_argument);
      CHECK_THROWS_AS(any.add<member>("a", {.delay = {.first = 2s, .most = 1s}},
                                      std::ref(trace)),
                      std::invalid_argument);
      CHECK(any.size() == 0);
      CHECK(trace.empty());
    });
  }

  TEST_CASE("S20: so are an id given twice, and bad limits") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      add_members(tree, "a", trace);
      CHECK_THROWS_AS(add_members(tree, "a", trace), std::invalid_argument);
      CHECK(tree.size() == 1);
      CHECK_THROWS_AS((supervisor{one_for_one, {.max_restarts = -1}}),
                      std::invalid_argument);
      CHECK_THROWS_AS((supervisor{one_for_one, {.within = 0s}}),
                      std::invalid_argument);
    });
  }

  TEST_CASE("S21: a supervisor that gives up is restarted only if permanent") {
    in_hub([] {
      std::string trace;
      const auto after = [&](restart_policy policy) {
        supervisor top{one_for_one};
        const auto sub =
            top.add_supervisor("sub", policy, one_for_one, {.max_restarts = 0});
        const auto w = sub.add<member>("w", permanent, std::ref(trace));
        sub.add<member>("v", permanent, std::ref(trace));
        top.start();
        (void)taken(trace);
        test::captured_log log;
        end(w, boom);
        const std::string happened = taken(trace) + names(top);
        top.stop();
        return happened;
      };
      const std::string ended = "down(w, custom: boom) down(v, shutdown) ";
      CHECK(after(permanent) == ended + "up(w) up(v) sub ");
      CHECK(after(transient) == ended + "sub! ");
      CHECK(after(temporary) == ended);
    });
  }

  TEST_CASE("S22: each escalation costs the supervisor above one restart") {
    in_hub([] {
      std::string trace;
      supervisor top{one_for_one};
      const auto sub = top.add_supervisor("sub", permanent, one_for_one,
                                          {.max_restarts = 0});
      const auto w = sub.add<member>("w", permanent, std::ref(trace));
      top.add<member>("x", permanent, std::ref(trace));
      top.start();
      (void)taken(trace);
      test::captured_log log;
      end(w, boom);
      CHECK(taken(trace) == "down(w, custom: boom) up(w) ");
      end(w, boom);
      CHECK(trace == "down(w, custom: boom) down(x, shutdown) ");
      CHECK_FALSE(top.running());
    });
  }

  TEST_CASE("S23: a dynamic supervisor has children of a kind, without ids") {
    in_hub([] {
      std::string trace;
      supervisor tree{dynamic, {.max_restarts = 3, .max_children = 2}};
      CHECK_THROWS_AS(tree.add<member>("a", permanent, std::ref(trace)),
                      std::invalid_argument);
      CHECK_THROWS_AS(tree.start_child<member>(std::ref(trace)),
                      std::invalid_argument);
      tree.start();
      const auto one = tree.start_child<member>(std::ref(trace));
      const auto two = tree.start_child<member>(std::ref(trace));
      CHECK_THROWS_AS(tree.start_child<member>(std::ref(trace)),
                      std::invalid_argument);
      CHECK(tree.size() == 2);
      tree.terminate(one);
      CHECK(one.dead());
      CHECK(tree.size() == 1);
      CHECK_THROWS_AS(tree.terminate(one), std::invalid_argument);
      (void)taken(trace);
      end(two, boom);
      CHECK(trace.find("up(") != std::string::npos);
      CHECK(two.ask(serial{}).get() > 0);
      tree.stop();
    });
  }

  TEST_CASE("S23c: and gives all of them the same time to end") {
    in_hub([] {
      std::string trace;
      test::captured_log log;
      supervisor tree{dynamic, {.children = {.shutdown = 3s}}};
      tree.start();
      for (int i = 0; i < 5; ++i)
        tree.start_child<member>(std::ref(trace)).send(call{[](member&) {
          try {
            sleep(1h);
          } catch (const greenlet_exit&) {
            sleep(1h);
          }
        }});
      idle();
      CHECK(time_of([&] { tree.stop(); }) == 3s);
    });
  }

  TEST_CASE("S23c: and stops them all at the same time") {
    in_hub([] {
      std::string trace;
      supervisor tree{dynamic};
      tree.start();
      for (int i = 0; i < 5; ++i)
        tree.start_child<member>(std::ref(trace)).send(call{[](member&) {
          try {
            sleep(1h);
          } catch (const greenlet_exit&) {
            sleep(2s);
            throw;
          }
        }});
      idle();
      CHECK(time_of([&] { tree.stop(); }) == 2s);
      CHECK(tree.size() == 0);
    });
  }
}
