// A supervisor that is destroyed, or ends with its hub.

#include "actors/supervisor_support.hpp"

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

using namespace test;

namespace {

/// Takes that long to end, however it is killed, unless brutally.
void resist(std::chrono::nanoseconds time) {
  try {
    sleep(1h);
  } catch (const greenlet_exit&) {
    sleep(time);
    throw;
  }
}

/// Never ends.
void refuse_to_end() {
  const shield guard;
  for (;;)
    sleep(1h);
}

void busy(const actor_ref<member>& one, const std::function<void()>& work) {
  one.send(call{[work](member&) { work(); }});
  yield();
}

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("no child outlives its supervisor") {
    in_hub([] {
      std::string trace;
      actor_ref<member> a;
      const auto took = time_of([&] {
        supervisor tree{one_for_one};
        a = tree.add<member>("a", permanent, std::ref(trace));
        add_members(tree, "b", trace);
        tree.start();
        busy(a, [] { resist(2s); });
      });
      CHECK(a.dead());
      CHECK(took == 2s);
      CHECK(trace == "up(a) up(b) down(b, shutdown) down(a, shutdown) ");
    });
  }

  TEST_CASE("a supervisor that is destroyed gives its children their time, and "
            "no more") {
    in_hub([] {
      std::string trace;
      test::captured_log log;
      const auto took = [&](std::chrono::nanoseconds time) {
        return time_of([&] {
          supervisor tree{one_for_one};
          busy((tree.add<member>("a", {.shutdown = time}, std::ref(trace)),
                tree.start(), tree.find<member>("a")),
               [] { resist(2s); });
        });
      };
      CHECK(took(1s) == 1s);
      CHECK(log.count("child 'a' has not ended in time, and is killed") == 1);
      CHECK(took(infinity) == 2s);
      CHECK(took(brutal_kill) == 0s);
    });
  }

  TEST_CASE("a child that outlives its supervisor all the same is named") {
    in_hub(
        [] {
          std::string trace;
          test::captured_log log;
          CHECK(time_of([&] {
                  supervisor tree{one_for_one};
                  const auto a =
                      tree.add<member>("a", {.shutdown = 3s}, std::ref(trace));
                  tree.start();
                  busy(a, refuse_to_end);
                }) == 4s);
          CHECK(log.count("child 'a' does not end: it waits in sleep") == 1);
        },
        test::leftovers::allowed);
  }

  TEST_CASE("also one that is being unwound is waited for") {
    in_hub([] {
      std::string trace;
      const auto fail = [&] {
        supervisor tree{one_for_one};
        const auto a = tree.add<member>("a", permanent, std::ref(trace));
        tree.start();
        busy(a, [] { resist(2s); });
        throw std::runtime_error("unwinds");
      };
      CHECK(time_of([&] { CHECK_THROWS_AS(fail(), std::runtime_error); }) ==
            2s);
      CHECK(trace == "up(a) down(a, shutdown) ");
    });
  }

  TEST_CASE("a kill waits until a destroyed supervisor's children have ended") {
    in_hub([] {
      std::string trace;
      bool after = false;
      const auto owner = spawn([&] {
        {
          supervisor tree{one_for_one};
          const auto a = tree.add<member>("a", permanent, std::ref(trace));
          tree.start();
          busy(a, [] { resist(2s); });
        }
        sleep(1h);
        after = true;
      });
      sleep(1s);
      SUBCASE("once") {
        CHECK(time_of([&] { owner.kill(); }) == 1s);
      }
      SUBCASE("brutally") {
        owner->kill_brutally();
        CHECK(time_of([&] { owner.join(); }) == 1s);
      }
      CHECK_FALSE(after);
      CHECK(trace == "up(a) down(a, shutdown) ");
    });
  }

  TEST_CASE("the children of a supervisor that was killed do not outlive it") {
    in_hub([] {
      std::string trace;
      actor_ref<member> a;
      {
        supervisor tree{one_for_one};
        a = tree.add<member>("a", permanent, std::ref(trace));
        tree.start();
        busy(a, [] { resist(2s); });
        tree.greenlet().kill();
        CHECK_FALSE(tree.running());
        CHECK(a.alive());
      }
      CHECK(a.dead());
      CHECK(trace == "up(a) down(a, killed) ");
    });
  }

  TEST_CASE(
      "a supervisor that is killed with a reason ends, whatever it does") {
    in_hub([] {
      std::string trace;
      test::captured_log log;
      bool hangs = false;
      supervisor tree{one_for_one, often};
      const auto all = add_members(tree, "a", trace);
      const auto b = tree.add<member>("b", permanent, std::ref(trace), [&] {
        if (hangs) sleep(1h);
      });
      tree.start();
      hangs = true;
      std::string told;
      SUBCASE("it restarts a child") {
        end(b, boom);
      }
      SUBCASE("it starts one for another") {
        spawn([&] {
          told = error_of([&] {
            tree.add<member>("c", permanent, std::ref(trace),
                             [] { sleep(1h); });
          });
        });
      }
      SUBCASE("it stops one for another") {
        busy(all[0], [] { resist(1s); });
        spawn([&] { told = error_of([&] { tree.terminate("a"); }); });
      }
      idle();
      tree.greenlet().kill(std::runtime_error("reason"));
      sleep(2s);
      CHECK_FALSE(tree.running());
      CHECK(to_string(tree.reason()) == "std::runtime_error: reason");
      CHECK(all[0].dead());
      CHECK(b.dead());
      CHECK((told.empty() || mentions(told, "dropped without a reply")));
    });
  }

  TEST_CASE("nor do those of the supervisors below it") {
    in_hub([] {
      std::string trace;
      actor_ref<member> a;
      const auto took = time_of([&] {
        supervisor top{one_for_one};
        const auto sub = top.add_supervisor("sub", permanent, one_for_one);
        a = sub.add<member>("a", permanent, std::ref(trace));
        top.start();
        busy(a, [] { resist(2s); });
        SUBCASE("when all run") {
        }
        SUBCASE("when all were killed") {
          top.greenlet().kill();
          idle();
        }
      });
      CHECK(took == 2s);
      CHECK(a.dead());
    });
  }

  TEST_CASE("children that would refuse for ever are killed brutally") {
    in_hub([] {
      std::string trace;
      wait_list never;
      {
        supervisor top{one_for_one};
        const auto sub = top.add_supervisor("sub", permanent, one_for_one);
        const auto a =
            sub.add<member>("a", {.shutdown = infinity}, std::ref(trace));
        top.start();
        busy(a, [&] {
          try {
            never.wait({}, "list", nullptr);
          } catch (const greenlet_exit&) {
            never.wait({}, "list", nullptr);
          }
        });
      }
      CHECK(trace == "up(a) down(a, shutdown) ");
    });
  }

  TEST_CASE("a start that takes long does not hold up who stops or destroys") {
    in_hub([] {
      std::string trace;
      const auto hang = [] { sleep(1h); };
      SUBCASE("a supervisor at its start") {
        supervisor tree{one_for_one};
        add_members(tree, "a", trace);
        tree.add<member>("b", permanent, std::ref(trace), hang);
        const auto starter =
            spawn([&] { return error_of([&] { tree.start(); }); });
        sleep(1s);
        CHECK(time_of([&] { tree.stop(); }) == 0s);
        CHECK(mentions(starter.get(1s), "was told to stop while it started"));
      }
      SUBCASE("one that adds a child") {
        auto tree = std::make_unique<supervisor>(one_for_one);
        tree->start();
        add_members(*tree, "a", trace);
        const auto adder = spawn([&] {
          return error_of([&] {
            tree->add<member>("b", permanent, std::ref(trace), hang);
          });
        });
        sleep(1s);
        CHECK(time_of([&] { tree.reset(); }) == 0s);
        CHECK(mentions(adder.get(1s), "dropped without a reply"));
      }
      SUBCASE("one whose child supervisor starts") {
        supervisor tree{one_for_one};
        add_members(tree, "a", trace);
        const auto sub = tree.add_supervisor("sub", permanent, one_for_one);
        sub.add<member>("b", permanent, std::ref(trace), hang);
        const auto starter =
            spawn([&] { return error_of([&] { tree.start(); }); });
        sleep(1s);
        CHECK(time_of([&] { tree.stop(); }) == 0s);
        CHECK(mentions(starter.get(1s), "was told to stop while it started"));
        CHECK_FALSE(sub.running());
      }
      CHECK(trace == "up(a) down(b, shutdown) down(a, shutdown) ");
    });
  }

  TEST_CASE("where it cannot wait, a destroyed supervisor kills its children") {
    in_hub([] {
      std::string trace;
      test::captured_log log;
      auto tree = std::make_unique<supervisor>(one_for_one);
      const auto all = add_members(*tree, "ab", trace);
      const auto sub = tree->add_supervisor("sub", permanent, one_for_one);
      const auto c = sub.add<member>("c", permanent, std::ref(trace));
      tree->start();
      busy(c, [] { resist(2s); });
      SUBCASE("in a hub callback") {
        hub::current().post([&] { tree.reset(); });
        idle();
        CHECK(log.count("would wait inside a hub callback") == 1);
      }
      SUBCASE("within no_wait") {
        {
          const no_wait guard;
          tree.reset();
        }
        idle();
        CHECK(log.count("would wait within a no_wait scope") == 1);
      }
      CHECK(log.count("'supervisor' was destroyed where it cannot wait") == 1);
      CHECK(all[0].dead());
      CHECK(c.dead());
      CHECK(mentions(trace, "down(a, killed) "));
      CHECK(mentions(trace, "down(c, killed) "));
    });
  }

  TEST_CASE("a supervisor that its own child destroys ends when that lets it") {
    in_hub([] {
      std::string trace;
      test::captured_log log;
      auto tree = std::make_unique<supervisor>(one_for_one);
      const auto all = add_members(*tree, "ab", trace);
      const auto sub = tree->add_supervisor("sub", permanent, one_for_one);
      const auto c = sub.add<member>("c", permanent, std::ref(trace));
      tree->start();
      (void)taken(trace);
      SUBCASE("a child") {
        busy(all[0], [&] { tree.reset(); });
      }
      SUBCASE("a child's child") {
        busy(c, [&] { tree.reset(); });
      }
      idle();
      CHECK(log.count("which is its own") == 1);
      CHECK(trace == "down(c, shutdown) down(b, shutdown) down(a, shutdown) ");
      CHECK(all[0].dead());
    });
  }

  TEST_CASE("a supervisor may be destroyed while a child of it is made") {
    in_hub([] {
      class breaker : public actor<note> {
      public:
        explicit breaker(std::unique_ptr<supervisor>& tree) { tree.reset(); }

      private:
        void receive(note) override {}
      };
      std::string trace;
      test::captured_log log;
      auto tree = std::make_unique<supervisor>(one_for_one);
      add_members(*tree, "a", trace);
      tree->add<breaker>("b", permanent, std::ref(tree));
      add_members(*tree, "c", trace);
      const std::string error = error_of([&] { tree->start(); });
      CHECK(mentions(error, "was told to stop while it started"));
      CHECK(trace == "up(a) down(a, shutdown) ");
      CHECK(log.count("which is its own") == 1);
    });
  }

  TEST_CASE("a supervisor destroyed on another thread is stopped on its own") {
    in_hub([] {
      std::string trace;
      test::captured_log log;
      auto tree = std::make_unique<supervisor>(one_for_one);
      const auto all = add_members(*tree, "ab", trace);
      tree->start();
      std::thread([&] { tree.reset(); }).join();
      CHECK(all[0].alive());
      idle();
      CHECK(all[0].dead());
      CHECK(log.count("'supervisor' was destroyed on another thread") == 1);
    });
  }

  TEST_CASE("a supervisor may outlive its hub") {
    std::string trace;
    std::unique_ptr<supervisor> running;
    std::unique_ptr<supervisor> stopped;
    in_hub(
        [&] {
          running = std::make_unique<supervisor>(one_for_one);
          stopped = std::make_unique<supervisor>(one_for_one);
          for (supervisor* each : {running.get(), stopped.get()}) {
            add_members(*each, "ab", trace);
            each->start();
          }
          stopped->stop();
        },
        test::leftovers::allowed);
    in_hub([&] { // whose places another's references must not free
      const auto other = spawn<member>(trace);
      idle();
      running.reset();
      stopped.reset();
      CHECK(other.alive());
      other.kill();
    });
  }

  TEST_CASE("shutdown stops supervisors first, the newest first, each in its "
            "order") {
    in_hub([] {
      std::string trace;
      supervisor first{one_for_one, {.name = "first"}};
      supervisor second{one_for_one, {.name = "second"}};
      add_members(first, "ab", trace);
      const auto sub = first.add_supervisor("sub", permanent, one_for_one);
      add_members(sub, "cd", trace);
      add_members(second, "ef", trace);
      first.start();
      second.start();
      const auto alone = spawn<member>(trace);
      alone.send(call{[](member&) { sleep(1h); }});
      idle();
      (void)taken(trace);
      CHECK(shutdown(5s));
      const std::string ends =
          "down(f, shutdown) down(e, shutdown) down(d, shutdown) "
          "down(c, shutdown) down(b, shutdown) down(a, shutdown) down(Greenlet";
      CHECK(trace.substr(0, ends.size()) == ends);
      CHECK_FALSE(first.running());
      CHECK(first.reason() == exit_kind::shutdown);
    });
  }

  TEST_CASE("shutdown gives a tree the time that it has itself") {
    in_hub([] {
      std::string trace;
      test::captured_log log;
      supervisor slow{one_for_one};
      supervisor quick{one_for_one};
      const auto a =
          slow.add<member>("a", {.shutdown = infinity}, std::ref(trace));
      add_members(quick, "b", trace);
      quick.start();
      slow.start();
      busy(a, [] {
        const shield guard;
        sleep(10s);
      });
      SUBCASE("enough") {
        CHECK(time_of([] { CHECK(shutdown(20s)); }) == 10s);
        CHECK(mentions(trace, "down(a, shutdown) down(b, shutdown) "));
      }
      SUBCASE("not enough") {
        CHECK(time_of([] { CHECK_FALSE(shutdown(3s)); }) == 3s);
        CHECK(mentions(trace, "down(b, shutdown) "));
        CHECK(shutdown());
        CHECK(mentions(trace, "down(a, shutdown) "));
      }
    });
  }

  TEST_CASE("shutdown may be called by a supervised actor, which it ends") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      const auto all = add_members(tree, "abc", trace);
      tree.start();
      busy(all[1], [] { shutdown(); });
      idle();
      CHECK_FALSE(tree.running());
      for (const auto& each : all)
        CHECK(each.dead());
    });
  }

  TEST_CASE("a tree that was stopped is not asked to stop at shutdown") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      add_members(tree, "a", trace);
      for (int i = 0; i < 2; ++i) {
        tree.start();
        tree.stop();
      }
      CHECK(shutdown());
      tree.start();
      CHECK(tree.running());
      CHECK(shutdown());
      CHECK_FALSE(tree.running());
    });
  }
}
