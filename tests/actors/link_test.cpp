#include "actors/link_support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>

#include <exception>
#include <stdexcept>
#include <string>

using namespace test;

// The names in front are those of the cases that Erlang/OTP 25 was run with.
TEST_SUITE("actors") {
  TEST_CASE("L01: a linked peer's normal end does nothing to one that does not "
            "trap exits") {
    with_pair([](pair& p) {
      p.link();
      p.end(exit_kind::normal);
      CHECK(p.heard.empty());
      CHECK(p.a.alive());
    });
  }

  TEST_CASE("L02: one that traps exits is told of a linked peer's normal end") {
    with_pair([](pair& p) {
      p.trap();
      p.link();
      p.end(exit_kind::normal);
      CHECK(p.heard == "exit(normal) ");
    });
  }

  TEST_CASE("L03: a linked peer's failure ends the other for the same reason") {
    with_pair([](pair& p) {
      p.link();
      p.end(boom);
      CHECK(p.heard == "ended(custom: boom) ");
      CHECK(p.a.dead());
    });
  }

  TEST_CASE("L04: one that traps exits is told of the failure and lives on") {
    with_pair([](pair& p) {
      p.trap();
      p.link();
      p.end(boom);
      CHECK(p.heard == "exit(custom: boom) ");
      CHECK(p.a.alive());
    });
  }

  TEST_CASE("L05: exit with normal by another is ignored") {
    with_pair([](pair& p) {
      p.a.exit(exit_kind::normal);
      idle();
      CHECK(p.a.alive());
    });
  }

  TEST_CASE("L06: exit with normal on oneself ends one that does not trap") {
    with_pair([](pair& p) {
      p.in(p.a, [&](process&) { p.a.exit(exit_kind::normal); });
      CHECK(p.heard == "ended(normal) ");
      CHECK(p.a.dead());
    });
  }

  TEST_CASE(
      "L06b: exit with normal on oneself is a message to one that traps") {
    with_pair([](pair& p) {
      p.trap();
      p.in(p.a, [&](process&) { p.a.exit(exit_kind::normal); });
      CHECK(p.heard == "exit(normal) ");
      CHECK(p.a.alive());
    });
  }

  TEST_CASE("L07: exit with normal by another is a message to one that traps") {
    with_pair([](pair& p) {
      p.trap();
      p.a.exit(exit_kind::normal);
      idle();
      CHECK(p.heard == "exit(normal) ");
    });
  }

  TEST_CASE("L08: kill cannot be trapped, and others are told killed") {
    with_pair([](pair& p) {
      p.trap();
      p.in(p.b, [](process& self) { self.trap_exits(); });
      p.in(p.a, [&](process& self) {
        self.link_to(p.b);
        self.monitor(p.b);
      });
      p.b.exit(exit_kind::kill);
      idle();
      CHECK(p.heard == "exit(killed) down(killed) ");
      CHECK(p.other == "ended(killed) ");
    });
  }

  TEST_CASE("L08b: one that traps exits can kill itself") {
    with_pair([](pair& p) {
      p.trap();
      p.in(p.a, [&](process&) {
        p.a.exit(exit_kind::kill);
        sleep(1h);
      });
      CHECK(p.heard == "ended(killed) ");
    });
  }

  TEST_CASE("L09: a peer that itself ends with kill can be trapped") {
    with_pair([](pair& p) {
      p.trap();
      p.link();
      p.end(exit_kind::kill);
      CHECK(p.heard == "exit(kill) ");
      CHECK(p.a.alive());
    });
  }

  TEST_CASE("L09b: and ends with kill one that does not trap") {
    with_pair([](pair& p) {
      p.link();
      p.end(exit_kind::kill);
      CHECK(p.heard == "ended(kill) ");
    });
  }

  TEST_CASE("L10: linking to a dead actor is an exit signal, noproc") {
    with_pair([](pair& p) {
      p.b.stop();
      p.b.join();
      p.trap();
      p.link();
      CHECK(p.heard == "exit(noproc) ");
    });
  }

  TEST_CASE("L10b: and throws in one that does not trap exits") {
    with_pair([](pair& p) {
      p.b.stop();
      p.b.join();
      std::string error;
      p.in(p.a, [&](process& self) {
        error = error_of([&] { self.link_to(p.b); });
      });
      CHECK(error == "std::system_error: link_to: the actor is not alive");
      CHECK(p.heard.empty());
    });
  }

  TEST_CASE("L11: nothing comes from a peer after unlinking") {
    with_pair([](pair& p) {
      p.trap();
      p.link();
      p.in(p.a, [&](process& self) { self.unlink_from(p.b); });
      p.end(boom);
      CHECK(p.heard.empty());
    });
  }

  TEST_CASE("L11b: also when the peer has ended but nobody was told yet") {
    with_pair([](pair& p) {
      p.trap();
      p.link();
      p.a.send(call{[&](process& self) {
        p.b.target()->kill_soon();
        while (p.b.alive())
          yield();
        self.unlink_from(p.b);
      }});
      idle();
      CHECK((p.heard.empty() || p.heard == "exit(killed) "));
    });
  }

  TEST_CASE("L12: linking twice is linking once") {
    with_pair([](pair& p) {
      p.trap();
      p.link();
      p.link();
      SUBCASE("one unlinking ends it") {
        p.in(p.a, [&](process& self) { self.unlink_from(p.b); });
        p.end(boom);
        CHECK(p.heard.empty());
      }
      SUBCASE("one signal comes") {
        p.end(boom);
        CHECK(p.heard == "exit(custom: boom) ");
      }
      SUBCASE("from the other side, too") {
        p.in(p.b, [&](process& self) { self.link_to(p.a); });
        p.end(boom);
        CHECK(p.heard == "exit(custom: boom) ");
      }
    });
  }

  TEST_CASE("L13: how an actor ended is the reason its links are told") {
    with_pair([](pair& p) {
      p.trap();
      p.link();
      SUBCASE("stopped") {
        p.b.stop();
        idle();
        CHECK(p.heard == "exit(normal) ");
      }
      SUBCASE("stopped for a reason") {
        p.b.stop({exit_kind::shutdown, "x"});
        idle();
        CHECK(p.heard == "exit(shutdown: x) ");
        CHECK(p.other == "ended(shutdown: x) ");
      }
      SUBCASE("an exception") {
        p.in(p.b, [](process&) { throw std::runtime_error("no luck"); });
        CHECK(p.heard == "exit(std::runtime_error: no luck) ");
      }
      SUBCASE("something thrown that is no exception") {
        p.in(p.b, [](process&) { throw 7; });
        CHECK(p.heard == "exit(int) ");
      }
      SUBCASE("killed") {
        p.b.kill();
        idle();
        CHECK(p.heard == "exit(killed) ");
      }
    });
  }

  TEST_CASE("L14: one that traps exits stops a chain of links") {
    with_pair([](pair& p) {
      std::string third;
      const auto c = spawn<process>(third);
      p.trap();
      p.in(p.a, [&](process& self) {
        self.link_to(p.b);
        self.link_to(c);
      });
      p.end(boom);
      CHECK(p.heard == "exit(custom: boom) ");
      CHECK(third.empty());
      c.stop();
      c.join();
    });
  }

  TEST_CASE("L15: a reason goes through a chain of links unchanged") {
    with_pair([](pair& p) {
      std::string third;
      const auto c = spawn<process>(third);
      p.in(p.a, [&](process& self) {
        self.link_to(p.b);
        self.link_to(c);
      });
      p.end(boom);
      CHECK(third == "ended(custom: boom) ");
    });
  }

  TEST_CASE("L16: whether exits are trapped counts when the signal comes") {
    with_pair([](pair& p) {
      p.link();
      p.trap();
      p.end(boom);
      CHECK(p.heard == "exit(custom: boom) ");
    });
  }

  TEST_CASE("L17: signals in the inbox stay messages") {
    with_pair([](pair& p) {
      p.trap();
      p.link();
      p.a.send(call{[&](process& self) {
        p.b.kill();
        yield();
        self.trap_exits(false);
      }});
      idle();
      CHECK(p.heard == "exit(killed) ");
      CHECK(p.a.alive());
    });
  }

  TEST_CASE("L18: an exit signal names its sender") {
    class listener : public actor<exit_signal> {
    public:
      explicit listener(reference_key& from) : from_(from) {}

    private:
      void on_start() override { trap_exits(); }
      void receive(exit_signal message) override { from_ = message.from; }
      reference_key& from_;
    };
    with_pair([](pair& p) {
      reference_key from;
      const auto c = spawn<listener>(from);
      idle();
      p.in(p.a, [&](process&) { c.exit(exit_kind::shutdown); });
      CHECK(from == p.a.key());
      c.stop();
      c.join();
    });
  }

  TEST_CASE("L20: linking to oneself has no effect") {
    with_pair([](pair& p) {
      p.trap();
      p.in(p.a, [&](process& self) { self.link_to(p.a); });
      p.a.stop();
      idle();
      CHECK(p.heard == "ended(normal) ");
    });
  }

  TEST_CASE("L21: the links of one that was told to exit get that reason") {
    with_pair([](pair& p) {
      p.trap();
      p.link();
      p.b.exit(boom);
      idle();
      CHECK(p.heard == "exit(custom: boom) ");
    });
  }

  TEST_CASE("an exit signal ends an actor in the middle of a wait") {
    with_pair([](pair& p) {
      p.link();
      p.a.send(call{[](process&) { sleep(1h); }});
      yield();
      p.end(boom);
      CHECK(p.heard == "ended(custom: boom) ");
    });
  }

  TEST_CASE("a kill is thrown at every wait until the actor has ended") {
    with_pair([](pair& p) {
      int tries = 0;
      p.a.send(call{[&](process&) {
        while (tries < 3) {
          try {
            sleep(1h);
          } catch (const greenlet_exit&) {
            ++tries;
          }
        }
      }});
      yield();
      p.a.exit(exit_kind::kill);
      idle();
      CHECK(tries == 3);
      CHECK(p.heard == "ended(killed) ");
    });
  }

  TEST_CASE("an actor may be linked to a plain greenlet") {
    with_pair([](pair& p) {
      const auto plain = spawn([] { sleep(1h); });
      p.in(p.a, [&](process& self) { self.link_to(*plain); });
      SUBCASE("whose failure ends it") {
        plain->kill_with(std::make_exception_ptr(std::runtime_error("bad")));
        idle();
        CHECK(p.heard == "ended(std::runtime_error: bad) ");
      }
      SUBCASE("which its failure ends") {
        p.a.exit(boom);
        idle();
        CHECK(plain.killed());
      }
      SUBCASE("which its normal end leaves alone") {
        p.a.stop();
        idle();
        CHECK_FALSE(plain.dead());
      }
      plain.kill();
    });
  }

  TEST_CASE("a reason that many exit for stays what it is") {
    struct leaver : actor<call> {
      void receive(call) override { self().exit(boom); }
    };
    in_hub([] {
      for (int i = 0; i < 20; ++i) { // g++ 12 once dropped it each time
        const auto a = spawn<leaver>();
        a.send(call{});
        a.join();
      }
      CHECK(to_string(boom) == "custom: boom");
    });
  }
}
