// What Erlang's processes and gen_server promise of mail and calls.

#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/loop_actor.hpp>
#include <greenroom/actors/registry.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

class server;

struct call { // the answer: what the function returns
  using reply = int;
  std::function<int(server&)> function;
};
struct cast {
  std::function<void(server&)> function;
};

class server : public actor<call, cast, down> {
public:
  explicit server(std::string& trace) : trace_(trace) {}

  using actor::exit;
  using actor::monitor;

private:
  int receive(call message) override { return message.function(*this); }
  void receive(cast message) override { message.function(*this); }
  void receive(down message) override {
    trace_ += "down(" + to_string(message.why) + ") ";
  }
  void on_stop(const exit_reason& why) override {
    trace_ += "terminate(" + to_string(why) + ") ";
  }
  std::string& trace_;
};

const std::string dead = "std::system_error: the actor is not alive";

/// A server to talk to, for the time of a test.
void with_server(
    const std::function<void(actor_ref<server>, std::string&)>& function) {
  in_hub([&] {
    std::string trace;
    const auto s = spawn<server>(trace);
    function(s, trace);
    s.kill();
  });
}

struct item {
  int number;
};
struct other {
  int number;
};

} // namespace

// The names in front are those of the cases that Erlang/OTP 25 was run with.
TEST_SUITE("actors") {
  TEST_CASE("O01: the mail of one sender to one receiver keeps its order") {
    with_server([](auto s, auto&) {
      int next = 0;
      bool in_order = true;
      for (int i = 0; i < 10000; ++i)
        s.send(cast{[&, i](server&) { in_order &= next++ == i; }});
      idle();
      CHECK(in_order);
      CHECK(next == 10000);
    });
  }

  TEST_CASE("O02: so do exit signals among it") {
    class trapping : public actor<item, exit_signal> {
    public:
      explicit trapping(std::string& trace) : trace_(trace) {}

    private:
      void on_start() override { trap_exits(); }
      void receive(item message) override {
        trace_ += std::to_string(message.number) + " ";
      }
      void receive(exit_signal) override { trace_ += "exit "; }
      std::string& trace_;
    };
    in_hub([] {
      std::string trace;
      const auto t = spawn<trapping>(trace);
      yield();
      t.send(item{1});
      t.exit(exit_kind::shutdown);
      t.send(item{2});
      idle();
      CHECK(trace == "1 exit 2 ");
      t.stop();
      t.join();
    });
  }

  TEST_CASE("G01: a call to the dead fails at once") {
    with_server([](auto s, auto&) {
      s.kill();
      CHECK(time_of([&] {
              CHECK(error_of([&] { s.ask(call{}).get(5s); }) == dead);
            }) == 0s);
    });
  }

  TEST_CASE("G02: a call that takes too long fails, and its late reply harms "
            "nobody; the server still does the work") {
    with_server([](auto s, auto&) {
      int done = 0;
      const auto slow = call{[&](server&) {
        sleep(60ms);
        return ++done;
      }};
      CHECK(error_of([&] { s.ask(slow).get(20ms); }).find("timed out") !=
            std::string::npos);
      sleep(1s);
      CHECK(done == 1);
      CHECK(s.ask(slow).get(1s) == 2);
    });
  }

  TEST_CASE("G03: a server that dies in a call fails the caller") {
    with_server([](auto s, auto&) {
      SUBCASE("of an exception: with that") {
        const auto crash =
            call{[](server&) -> int { throw std::runtime_error("crashed"); }};
        CHECK(error_of([&] { s.ask(crash).get(); }) ==
              "std::runtime_error: crashed");
      }
      SUBCASE("of its own will, normally, too") { // G04
        const auto leave =
            call{[](server& self) -> int { self.exit(exit_kind::normal); }};
        CHECK(error_of([&] { s.ask(leave).get(); }) == dead);
      }
      SUBCASE("killed by another") {
        const auto answer = s.ask(call{[](server&) {
          sleep(1h);
          return 1;
        }});
        yield();
        s.exit(exit_kind::kill);
        CHECK(error_of([&] { answer.get(); }) == dead);
      }
    });
  }

  TEST_CASE("G04b: a server that stops in a call answers it first") {
    with_server([](auto s, auto& trace) {
      const auto bye = call{[](server& self) {
        self.stop({exit_kind::shutdown, "bye"});
        return 7;
      }};
      CHECK(s.ask(bye).get() == 7);
      idle();
      CHECK(trace == "terminate(shutdown: bye) ");
    });
  }

  TEST_CASE("G05: a message to the dead, or to nobody, is no error") {
    with_server([](auto s, auto&) {
      s.kill();
      s.send(cast{});
      actor_ref<server>{}.send(cast{});
      CHECK(s.try_send(cast{}));
    });
  }

  TEST_CASE("L19: nor is mail lost without a count of it") {
    with_server([](auto s, auto&) {
      s.kill();
      const std::size_t before = dead_letters();
      s.send(cast{});
      CHECK(dead_letters() == before + 1);
    });
  }

  TEST_CASE("M06: who has a name may be monitored; nobody has no process") {
    with_server([](auto watcher, auto& heard) {
      std::string trace;
      const auto s = spawn<server>(trace);
      register_name("zz", s);
      const auto watch = [&](const actor_ref<server>& whom) {
        watcher
            .ask(call{[whom](server& self) {
              self.monitor(whom);
              return 0;
            }})
            .get();
      };
      watch(name_ref<server>{"zz"}.get());
      s.exit(exit_reason::custom(0, "x"));
      idle();
      CHECK(heard == "down(custom: x) ");
      CHECK_THROWS_AS(name_ref<server>{"zz"}.get(), std::system_error);
      watch(whereis<server>("zz").value_or(actor_ref<server>{}));
      idle();
      CHECK(heard == "down(custom: x) down(noproc) ");
    });
  }

  TEST_CASE(
      "M10: a reply ends the watch for the server's death; one that comes "
      "too late goes nowhere") {
    with_server([](auto s, auto&) {
      std::string trace;
      const auto asker = spawn<server>(trace);
      const auto ask = call{[s](server& self) {
        const auto answer = s.ask(call{[](server&) { return 1; }});
        CHECK(answer.get() == 1);
        const auto late = s.ask(call{[](server&) {
          sleep(2s);
          return 2;
        }});
        CHECK_FALSE(late.wait(1s));
        sleep(2s);
        s.kill();
        CHECK(answer.get() == 1);
        CHECK(late.get() == 2); // where it belongs
        return static_cast<int>(self.inbox_size());
      }};
      CHECK(asker.ask(ask).get() == 0);
      asker.kill();
    });
  }

  TEST_CASE("G24: nothing happens between a spawn and a monitor") {
    class hasty : public actor<item> {
      void on_start() override { throw std::runtime_error("cannot"); }
      void receive(item) override {}
    };
    with_server([](auto watcher, auto& heard) {
      const auto start_and_watch = call{[](server& self) {
        self.monitor(spawn<hasty>());
        return 0;
      }};
      watcher.ask(start_and_watch).get();
      idle();
      CHECK(heard == "down(std::runtime_error: cannot) ");
    });
  }

  TEST_CASE("G13: terminate is called however a server ends") {
    with_server([](auto s, auto& trace) {
      yield();
      SUBCASE("stopped") {
        s.stop();
        idle();
        CHECK(trace == "terminate(normal) ");
      }
      SUBCASE("by a crash") {
        s.send(cast{[](server&) { throw std::runtime_error("crashed"); }});
        idle();
        CHECK(trace == "terminate(std::runtime_error: crashed) ");
      }
      SUBCASE("by an exit signal") { // in Erlang only if it traps exits
        s.exit(exit_kind::shutdown);
        idle();
        CHECK(trace == "terminate(shutdown) ");
      }
      SUBCASE("by kill") { // in Erlang never
        s.exit(exit_kind::kill);
        idle();
        CHECK(trace == "terminate(killed) ");
      }
    });
  }

  TEST_CASE("G16: stop with a reason, which monitors are told") {
    with_server([](auto s, auto& trace) {
      std::string heard;
      const auto watcher = spawn<server>(heard);
      watcher
          .ask(call{[&](server& self) {
            self.monitor(s);
            return 0;
          }})
          .get();
      s.stop(exit_reason::custom(0, "bye"));
      CHECK(s.join(1s));
      idle();
      CHECK(trace == "terminate(custom: bye) ");
      CHECK(heard == "down(custom: bye) ");
      watcher.kill();
    });
  }

  TEST_CASE(
      "G11: what an actor tells itself as it starts comes before all mail") {
    class continuing : public actor<item, other> {
    public:
      explicit continuing(std::vector<int>& seen) : seen_(seen) {}

    private:
      void on_start() override { inbox().put_system(other{0}); }
      void receive(item message) override { seen_.push_back(message.number); }
      void receive(other message) override { seen_.push_back(message.number); }
      std::vector<int>& seen_;
    };
    in_hub([] {
      std::vector<int> seen;
      const auto a = spawn<continuing>(seen);
      a.send(item{1});
      a.send(item{2});
      idle();
      CHECK(seen == std::vector<int>{0, 1, 2});
      a.kill();
    });
  }

  TEST_CASE("G20: a call to oneself is an error, not a deadlock") {
    with_server([](auto s, auto&) {
      const auto self_call = call{[s](server&) {
        return s.ask(call{[](server&) { return 1; }}).get(5s);
      }};
      CHECK(error_of([&] {
              s.ask(self_call).get();
            }).find("a circle of asks") != std::string::npos);
    });
  }

  TEST_CASE("G22: a call is sent now and its reply received later, or given "
            "up") {
    with_server([](auto s, auto&) {
      const auto answer = s.ask(call{[](server&) { return 1; }});
      CHECK(answer.get() == 1);
      const auto late = s.ask(call{[](server&) {
        sleep(2s);
        return 2;
      }});
      CHECK_FALSE(late.wait(1s));
      CHECK(late.get(5s) == 2); // G23: it may be waited for again
      s.kill();
      CHECK(error_of([&] { s.ask(call{}).get(); }) == dead);
    });
  }

  TEST_CASE("C01: mail that was not wanted keeps its order") {
    in_hub([] {
      std::vector<int> taken;
      const auto a = spawn_actor<item, other>([&](inbox<item, other>& in) {
        taken.push_back(in.get<other>().number);
        for (int i = 0; i < 3; ++i)
          taken.push_back(in.get<item>().number);
      });
      for (const int number : {1, 2})
        a.send(item{number});
      a.send(other{9});
      a.send(item{3});
      a.join();
      CHECK(taken == std::vector{9, 1, 2, 3});
    });
  }

  TEST_CASE("C02: looking without waiting sees all that is there; C03: and "
            "takes nothing it does not want") {
    in_hub([] {
      bool found = false;
      bool none = false;
      int left = 0;
      const auto a = spawn_actor<item, other>([&](inbox<item, other>& in) {
        found = in.try_get<other>().has_value();
        none = !in.try_get<other>().has_value();
        left = in.get<item>().number;
      });
      a.send(item{1});
      a.send(other{2});
      a.join();
      CHECK(found);
      CHECK(none);
      CHECK(left == 1);
    });
  }

  TEST_CASE("C04: the order of the mail counts, not that of the wishes") {
    in_hub([] {
      int got = 0;
      const auto a = spawn_actor<item, other>([&](inbox<item, other>& in) {
        const auto next = in.get_if([](const auto&) { return true; });
        got = std::holds_alternative<other>(next) ? 2 : 1;
      });
      a.send(other{});
      a.send(item{});
      a.join();
      CHECK(got == 2);
    });
  }
}
