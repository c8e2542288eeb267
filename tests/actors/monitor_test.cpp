#include "actors/link_support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>

#include <string>
#include <vector>

using namespace test;

// The names in front are those of the cases that Erlang/OTP 25 was run with.
TEST_SUITE("actors") {
  TEST_CASE("M01: a monitor is told once, with the reason") {
    with_pair([](pair& p) {
      p.in(p.a, [&](process& self) { self.monitor(p.b); });
      p.end(boom);
      idle();
      CHECK(p.heard == "down(custom: boom) ");
    });
  }

  TEST_CASE("M02: a monitor of a dead actor is told noproc") {
    with_pair([](pair& p) {
      p.b.stop();
      p.b.join();
      bool later = false;
      p.in(p.a, [&](process& self) {
        self.monitor(p.b);
        later = p.heard.empty();
      });
      CHECK(later);
      CHECK(p.heard == "down(noproc) ");
    });
  }

  TEST_CASE("M03: each monitor of an actor is told, by its own name") {
    class watcher : public actor<down, call> {
    public:
      explicit watcher(process_ref of, std::vector<monitor_id>& told)
          : of_(of), told_(told) {}

    private:
      void on_start() override { made_ = {monitor(of_), monitor(of_)}; }
      void receive(call) override {}
      void receive(down message) override {
        told_.push_back(message.id);
        CHECK(message.id == made_[told_.size() - 1]);
        CHECK(message.who == of_.key());
        CHECK(message.name == "the other");
        CHECK_FALSE(message.restarts);
      }
      process_ref of_;
      std::vector<monitor_id>& told_;
      std::vector<monitor_id> made_;
    };
    with_pair([](pair& p) {
      p.b.target()->name("the other");
      std::vector<monitor_id> told;
      const auto w = spawn<watcher>(p.b, told);
      idle();
      p.end(exit_kind::normal);
      CHECK(told.size() == 2);
      w.stop();
      w.join();
    });
  }

  TEST_CASE("M04: demonitor takes a down out of the inbox again") {
    with_pair([](pair& p) {
      p.a.send(call{[&](process& self) {
        const monitor_id first = self.monitor(p.b);
        self.monitor(p.b);
        p.b.kill();
        yield();
        CHECK_FALSE(self.demonitor(first));
      }});
      idle();
      CHECK(p.heard == "down(killed) ");
    });
  }

  TEST_CASE("M05: demonitor says whether the other was alive") {
    with_pair([](pair& p) {
      p.in(p.a, [&](process& self) {
        const monitor_id id = self.monitor(p.b);
        CHECK(self.demonitor(id));
        CHECK_FALSE(self.demonitor(id));
      });
      p.end(boom);
      CHECK(p.heard.empty());
    });
  }

  TEST_CASE("M07: a monitor of oneself never tells") {
    with_pair([](pair& p) {
      p.in(p.a, [&](process& self) { self.monitor(p.a); });
      p.a.stop();
      idle();
      CHECK(p.heard == "ended(normal) ");
    });
  }

  TEST_CASE("M08: the end of a watcher leaves the watched alone") {
    with_pair([](pair& p) {
      p.in(p.a, [&](process& self) { self.monitor(p.b); });
      p.a.exit(boom);
      idle();
      CHECK(p.b.alive());
      p.b.stop();
      idle();
      CHECK(p.other == "ended(normal) ");
    });
  }

  TEST_CASE("M09: link and monitor of one peer both tell") {
    with_pair([](pair& p) {
      p.trap();
      p.in(p.a, [&](process& self) {
        self.link_to(p.b);
        self.monitor(p.b);
      });
      p.end(boom);
      CHECK(p.heard == "exit(custom: boom) down(custom: boom) ");
    });
  }

  TEST_CASE("M12: the last mail of an actor comes before its down") {
    with_pair([](pair& p) {
      p.in(p.a, [&](process& self) { self.monitor(p.b); });
      p.in(p.b, [&](process& self) {
        p.a.send(call{[&](process&) { p.heard += "a "; }});
        p.a.send(call{[&](process&) { p.heard += "b "; }});
        self.exit(boom);
      });
      CHECK(p.heard == "a b down(custom: boom) ");
    });
  }

  TEST_CASE("a monitor may watch a plain greenlet") {
    with_pair([](pair& p) {
      const auto plain = spawn([] { sleep(1s); });
      p.in(p.a, [&](process& self) { self.monitor(*plain); });
      plain.join();
      idle();
      CHECK(p.heard == "down(normal) ");
    });
  }

  TEST_CASE("a thousand watchers come and go") {
    with_pair([](pair& p) {
      std::string unread;
      for (int i = 0; i < 1000; ++i) {
        const auto w = spawn<process>(unread);
        w.send(call{[&](process& self) { self.monitor(p.b); }});
        w.stop();
        w.join();
      }
      CHECK(p.b.target()->links() == nullptr);
    });
  }
}
