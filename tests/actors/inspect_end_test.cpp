// What becomes of those who look at an actor when it ends.

#include "actors/supervisor_support.hpp"

#include <greenroom/actors/inspect.hpp>
#include <greenroom/actors/notices.hpp>
#include <greenroom/actors/reference.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <string>
#include <vector>

using namespace test;

namespace {

const child_options later{.delay = {.first = 1s}};

} // namespace

TEST_SUITE("looking at an actor that ends") {
  TEST_CASE("whoever looks at one that is about to be restarted sees the next, "
            "however many they are") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      const auto a = tree.add<member>("a", later, std::ref(trace));
      tree.start();
      end(a, boom);
      int called = 0;
      for (int i = 0; i < 1000; ++i)
        spawn([&] { with_state(a, [&](member&) { ++called; }); });
      sleep(2s);
      CHECK(called == 1000);
      tree.stop();
    });
  }

  TEST_CASE("whoever looks at one that is not restarted after all is told") {
    in_hub([] {
      std::string trace;
      supervisor tree{one_for_one};
      const auto a = tree.add<member>("a", later, std::ref(trace));
      tree.start();
      end(a, boom);
      const auto looks = spawn(
          [&] { return error_of([&] { with_state(a, [](member&) {}); }); });
      idle();
      tree.terminate("a");
      CHECK(mentions(looks.get(1s), "not alive"));
      tree.stop();
    });
  }

  TEST_CASE("also when others keep the one that died") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<member>(trace);
      a.send(call{[](member&) { sleep(1h); }});
      idle();
      const any_greenlet kept{*a.target()};
      const auto looks = spawn(
          [&] { return error_of([&] { with_state(a, [](member&) {}); }); });
      idle();
      a.kill();
      CHECK(mentions(looks.get(1s), "not alive"));
    });
  }

  TEST_CASE("an exit within with_state is the actor's, not the caller's") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<member>(trace);
      CHECK(mentions(error_of([&] {
                       with_state(a, [](member& self) { self.exit(boom); });
                     }),
                     "not alive"));
      CHECK(a.dead());
      CHECK(mentions(trace, ", custom: boom) "));
    });
  }

  TEST_CASE("a trace that ends its actor lets it handle the message first") {
    in_hub([] {
      std::string seen;
      const captured_log log;
      const auto a = spawn<member>(seen);
      SUBCASE("by exit") {
        trace(a, [&](const traced_message&) { a.exit(boom); });
      }
      SUBCASE("by kill") {
        trace(a, [&](const traced_message&) { a.kill(); });
      }
      a.send(note{"first"});
      a.send(note{"second"});
      idle();
      CHECK(a.dead());
      CHECK(mentions(seen, ") first down("));
      CHECK(log.text().empty());
    });
  }

  TEST_CASE("the mail of a suspended actor that is killed is told as lost, who "
            "looks at it is not") {
    in_hub([] {
      std::string trace;
      int lost = 0;
      on_dead_letter([&](const dead_letter&) { ++lost; });
      const auto a = spawn<member>(trace);
      a.send(call{[](member&) { sleep(1h); }});
      idle();
      suspend(a);
      a.send(note{});
      a.send(note{});
      spawn([&] { error_of([&] { with_state(a, [](member&) {}); }); });
      idle();
      a.kill();
      CHECK(lost == 2);
      CHECK(dead_letters() == 2);
      on_dead_letter({});
    });
  }
}
