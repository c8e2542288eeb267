// Actors that do not come up: alone, and under a supervisor.

#include "actors/supervisor_support.hpp"

#include <greenroom/actors/registry.hpp>
#include <greenroom/actors/spawn_started.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace test;

namespace {

class starter : public actor<note> {
public:
  explicit starter(std::function<void(starter&)> work)
      : work_(std::move(work)) {}

  using actor::exit;
  using actor::self;

private:
  void on_start() override { work_(*this); }
  void receive(note) override {}
  std::function<void(starter&)> work_;
};

using work = std::function<void(starter&)>;

/// What comes of the start of such an actor.
std::string alone(const work& todo) {
  const std::size_t before = hub::current().greenlets();
  std::string error =
      error_of([&] { spawn_started<starter>(1s, todo).kill(); });
  idle();
  CHECK(hub::current().greenlets() == before);
  return error;
}
std::string supervised(const work& todo) {
  supervisor tree{one_for_one};
  tree.add<starter>("a", {.start_within = 1s}, todo);
  const std::string error = error_of([&] { tree.start(); });
  return error.empty() ? names(tree) : error;
}

} // namespace

// The names in front are those of the cases that Erlang/OTP 25 was run with.
TEST_SUITE("actors") {
  TEST_CASE("a start may be waited for") {
    in_hub([] {
      std::string trace;
      actor_ref<member> a;
      CHECK(time_of([&] {
              a = spawn_started<member>(5s, trace, [] { sleep(2s); });
            }) == 2s);
      CHECK(mentions(trace, "up("));
      CHECK(a.ask(serial{}).get() > 0);
      a.stop();
      a.join();
    });
  }

  TEST_CASE("G06: one that ends itself while it starts says why") {
    in_hub([] {
      const work why = [](starter& self) { self.exit(boom); };
      CHECK(mentions(alone(why), "ended while it started: custom: boom: the "
                                 "actor is not alive"));
      CHECK(mentions(supervised(why), "'a' failed to start: custom: boom"));
    });
  }

  TEST_CASE("G07: also when it does so normally, which a supervisor takes for "
            "`ignore`") {
    in_hub([] {
      const work leave = [](starter& self) { self.exit(exit_kind::normal); };
      CHECK(mentions(alone(leave), "ended while it started: normal"));
      CHECK(supervised(leave) == "a! ");
    });
  }

  TEST_CASE("G08: one that fails while it starts fails who waits for it") {
    in_hub([] {
      const work crash = [](starter&) { throw std::runtime_error("crash"); };
      CHECK(alone(crash) == "std::runtime_error: crash");
      CHECK(mentions(supervised(crash),
                     "'a' failed to start: std::runtime_error: crash"));
    });
  }

  TEST_CASE("G09: one that takes too long to start is killed") {
    in_hub([] {
      std::string ends;
      const work hang = [&](starter&) {
        at_exit mark{ends, "killed "};
        sleep(1h);
      };
      CHECK(time_of([&] {
              CHECK(mentions(alone(hang), "the start of actor 'Greenlet-"));
            }) == 1s);
      CHECK(taken(ends) == "killed ");
      CHECK(mentions(supervised(hang), "'a' failed to start: timeout"));
      CHECK(ends == "killed ");
      const auto code = [&] {
        try {
          spawn_started<starter>(1s, hang);
        } catch (const std::system_error& error) {
          return error.code();
        }
        return std::error_code{};
      };
      CHECK(taken(ends) == "killed ");
      CHECK(code() == errc::timed_out);
      CHECK(ends == "killed "); // when it throws, not later
    });
  }

  TEST_CASE("G10: one that starts under a name that is taken") {
    in_hub([] {
      std::string trace;
      const auto first = spawn<member>(trace);
      register_name("name", first);
      const work enter = [](starter& self) {
        register_name("name", self.self());
      };
      CHECK(mentions(alone(enter), "name"));
      CHECK(mentions(supervised(enter), "'a' failed to start: "));
      CHECK(whereis<member>("name") == first);
      first.kill();
      const auto second = spawn_started<starter>(1s, enter);
      CHECK(whereis<starter>("name") == second);
      second.kill();
    });
  }

  TEST_CASE("who is ended while waiting for a start ends what starts") {
    in_hub([] {
      std::string ends;
      const work hang = [&](starter&) {
        at_exit mark{ends, "killed"};
        sleep(1h);
      };
      SUBCASE("by a kill") {
        const auto waiter = spawn([&] { spawn_started<starter>({}, hang); });
        sleep(1s);
        waiter.kill();
      }
      SUBCASE("by a timeout") {
        CHECK_FALSE(timeout{1s}.run([&] { spawn_started<starter>({}, hang); }));
      }
      idle();
      CHECK(ends == "killed");
    });
  }

  TEST_CASE("one that its constructor kills does not start") {
    struct doomed : actor<note> {
      doomed() { kill_soon(); }

    private:
      void receive(note) override {}
    };
    in_hub([] {
      CHECK(mentions(error_of([] { spawn_started<doomed>({}); }),
                     "ended while it started: killed"));
      supervisor tree{one_for_one};
      tree.add<doomed>("a", permanent);
      CHECK(mentions(error_of([&] { tree.start(); }),
                     "'a' failed to start: killed"));
    });
  }

  TEST_CASE("where nobody can wait, no start is waited for") {
    in_hub([] {
      bool ran = false;
      const work run = [&](starter&) { ran = true; };
      const no_wait guard;
      CHECK_THROWS_AS(spawn_started<starter>(1s, run), wait_refused);
      CHECK(hub::current().greenlets() == 1);
      CHECK_FALSE(ran);
    });
  }
}
