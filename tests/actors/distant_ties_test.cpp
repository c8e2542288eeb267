#include <greenroom/actors/actor_on.hpp>
#include <greenroom/actors/inspect.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/hub_group.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/spawn_on.hpp>

#include "hub/support.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

struct fail {};
struct note {
  std::string text;
};
struct ties {
  using reply = std::size_t;
};

/// Writes down what it hears.
class listener : public actor<down, exit_signal, note> {
public:
  explicit listener(queue<std::string>& heard, bool traps = true)
      : heard_(heard) {
    trap_exits(traps);
  }

  monitor_id watch(const reference_key& whom) {
    return monitor(actor_ref<listener>{whom});
  }
  using actor::demonitor;
  using actor::link_to;
  using actor::unlink_from;

private:
  void receive(down news) override {
    heard_.put("down: " + to_string(news.why) +
               (news.restarts ? ", restarts" : ""));
  }
  void receive(exit_signal signal) override {
    heard_.put("exit: " + to_string(signal.why));
  }
  void receive(note one) override { heard_.put(one.text); }
  void on_stop(const exit_reason& why) override {
    heard_.put("stopped: " + to_string(why));
  }

  queue<std::string>& heard_;
};

/// Lives on another hub.
class worker : public actor<fail, note, ties, exit_signal> {
public:
  explicit worker(actor_ref<listener> owner = {}) : owner_(owner) {}
  using actor::link_to;
  using actor::trap_exits;

private:
  void receive(fail) override { throw std::runtime_error("no luck"); }
  void receive(note one) override { owner_.send(one); }
  std::size_t receive(ties) override {
    const actor_info info = inspect(actor_ref<worker>{key()}).value();
    return info.monitored_by + info.links.size();
  }
  void receive(exit_signal signal) override {
    owner_.send(note{"worker: " + to_string(signal.why)});
  }

  actor_ref<listener> owner_;
};

/// A listener here, and hubs for workers. The listener's object is called into
/// while it rests.
struct two_hubs {
  explicit two_hubs(bool traps = true)
      : ear(spawn<listener>(std::ref(heard), traps)) {
    yield();
  }
  ~two_hubs() { ear.kill(); }

  listener& object() const { return static_cast<listener&>(*ear.target()); }
  actor_ref<worker> make() const { return spawn<worker>(on(hubs[0]), ear); }

  const work_guard outside; // what is heard comes from elsewhere
  queue<std::string> heard;
  hub_group hubs{2};
  actor_ref<listener> ear;
};

void in_real_hub(const std::function<void()>& body) {
  test::in_hub_on(clock_kind::real, body);
}

/// Until nothing is tied to it any more; the news travel by themselves.
bool loses_ties(const actor_ref<worker>& actor) {
  while (actor.ask(ties{}).get() > 0)
    yield();
  return true;
}

/// An actor whose hub ends with its thread, and leaves it.
struct left_alone {
  left_alone() {
    std::thread([this] {
      actor = spawn<worker>();
      yield();
    }).join();
  }
  actor_ref<worker> actor;
};

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("a monitor hears from another hub why an actor has ended") {
    in_real_hub([] {
      two_hubs all;
      const auto a = all.make();
      all.object().watch(a.key());
      a.send(fail{});
      CHECK(all.heard.get() == "down: std::runtime_error: no luck");

      const auto b = all.make();
      all.object().watch(b.key());
      b.stop({exit_kind::shutdown, "no more work"});
      CHECK(all.heard.get() == "down: shutdown: no more work");

      const auto c = all.make();
      all.object().watch(c.key());
      all.object().watch(c.key());
      c.kill_soon();
      CHECK(all.heard.get() == "down: killed");
      CHECK(all.heard.get() == "down: killed");
    });
  }

  TEST_CASE("the news of an end come behind the mail before it") {
    in_real_hub([] {
      two_hubs all;
      for (int round = 0; round < 50; ++round) {
        const auto a = all.make();
        all.object().watch(a.key());
        for (int i = 0; i < 70; ++i)
          a.send(note{std::to_string(i)});
        a.send(fail{});
        for (int i = 0; i < 70; ++i)
          REQUIRE(all.heard.get() == std::to_string(i));
        REQUIRE(all.heard.get() == "down: std::runtime_error: no luck");
      }
    });
  }

  TEST_CASE("a monitor on the dead of another hub hears so") {
    in_real_hub([] {
      two_hubs all;
      const auto a = all.make();
      a.kill();
      all.object().watch(a.key());
      CHECK(all.heard.get() == "down: noproc");
      const auto b = all.make();
      all.hubs.stop();
      all.object().watch(b.key());
      CHECK(all.heard.get() == "down: noconnection");
    });
  }

  TEST_CASE("a hub that stops tells of its actors") {
    in_real_hub([] {
      two_hubs all;
      const auto a = all.make();
      all.object().watch(a.key());
      all.object().link_to(a);
      CHECK(a.ask(ties{}).get() == 2);
      all.hubs.stop();
      CHECK(all.heard.get() == "down: killed");
      CHECK(all.heard.get() == "exit: killed");
    });
  }

  TEST_CASE("a hub that ends and leaves its actors is a lost connection") {
    in_real_hub([] {
      two_hubs all;
      const auto to_end = spawn<listener>(std::ref(all.heard), false);
      yield();
      async_result<actor_ref<worker>> made;
      async_result<void> tied;
      std::thread other([&] {
        async_result<actor_ref<worker>> out = made;
        const auto actor = spawn<worker>();
        yield();
        out.set(actor);
        while (actor.ask(ties{}).get() < 3)
          sleep(100us);
      });
      const auto actor = made.get();
      all.object().watch(actor.key());
      all.object().link_to(actor);
      static_cast<listener&>(*to_end.target()).link_to(actor);
      other.join();
      std::vector<std::string> heard;
      for (int i = 0; i < 3; ++i)
        heard.push_back(all.heard.get());
      std::sort(heard.begin(), heard.end());
      CHECK(heard == std::vector<std::string>{"down: noconnection",
                                              "exit: noconnection",
                                              "stopped: noconnection"});
    });
  }

  TEST_CASE("what is asked of a hub that has ended is a lost connection") {
    in_real_hub([] {
      two_hubs all;
      const left_alone gone;
      all.object().watch(gone.actor.key());
      CHECK(all.heard.get() == "down: noconnection");
      all.object().link_to(gone.actor);
      CHECK(all.heard.get() == "exit: noconnection");
      CHECK(gone.actor.join());
      CHECK(gone.actor.kill());
      gone.actor.exit(exit_kind::kill);
      gone.actor.kill_soon();
    });
  }

  TEST_CASE("a monitor between hubs can be taken back") {
    in_real_hub([] {
      two_hubs all;
      const auto a = all.make();
      const monitor_id id = all.object().watch(a.key());
      CHECK(all.object().demonitor(id));
      CHECK_FALSE(all.object().demonitor(id));
      CHECK(a.ask(ties{}).get() == 0);
      for (int round = 0; round < 50; ++round) {
        const auto b = all.make();
        const monitor_id late = all.object().watch(b.key());
        b.kill_soon();
        for (int i = 0; i < round; ++i)
          yield(); // its news may be on their way
        all.object().demonitor(late);
      }
      while (!all.heard.empty()) // of those that were early
        CHECK(all.heard.get() == "down: killed");
      all.ear.send(note{"the end"});
      CHECK(all.heard.get() == "the end");
    });
  }

  TEST_CASE("one who ends leaves no ties on other hubs") {
    in_real_hub([] {
      two_hubs all;
      const auto a = all.make();
      const auto other = spawn<listener>(std::ref(all.heard));
      yield();
      auto& object = static_cast<listener&>(*other.target());
      object.watch(a.key());
      object.watch(a.key());
      CHECK(a.ask(ties{}).get() == 2);
      other.kill();
      CHECK(loses_ties(a));
    });
  }

  TEST_CASE("a link between hubs ends the other") {
    in_real_hub([] {
      two_hubs all{false};
      const auto a = all.make();
      all.object().link_to(a);
      a.send(fail{});
      CHECK(all.heard.get() == "stopped: std::runtime_error: no luck");
    });
  }

  TEST_CASE("a link between hubs works both ways, and only once") {
    in_real_hub([] {
      two_hubs all;
      const auto a = all.make();
      spawn_on(all.hubs[0], [a] {
        static_cast<worker&>(*a.target()).trap_exits();
      }).get();
      const auto other = spawn<listener>(std::ref(all.heard), false);
      yield();
      auto& object = static_cast<listener&>(*other.target());
      object.link_to(a);
      object.link_to(a);
      CHECK(a.ask(ties{}).get() == 1);
      CHECK(inspect(other)->links == std::vector<reference_key>{a.key()});
      other.exit({exit_kind::shutdown, "enough"});
      CHECK(all.heard.get() == "stopped: shutdown: enough");
      CHECK(all.heard.get() == "worker: shutdown: enough");
      CHECK(a.ask(ties{}).get() == 0);
    });
  }

  TEST_CASE("two that link to each other get one signal") {
    in_real_hub([] {
      two_hubs all;
      for (int i = 0; i < 50; ++i) {
        const auto a = all.make();
        const auto linked = spawn_on(all.hubs[0], [a, ear = all.ear] {
          static_cast<worker&>(*a.target()).link_to(ear);
        });
        all.object().link_to(a);
        linked.get();
        a.send(fail{});
        REQUIRE(all.heard.get() == "exit: std::runtime_error: no luck");
        CHECK(inspect(all.ear)->links.empty());
      }
      all.ear.send(note{"the end"});
      CHECK(all.heard.get() == "the end");
    });
  }

  TEST_CASE("after unlink no signal comes from another hub") {
    in_real_hub([] {
      two_hubs all;
      const auto a = all.make();
      all.object().link_to(a);
      all.object().unlink_from(a);
      CHECK(a.ask(ties{}).get() == 0);
      all.object().link_to(a);
      a.send(fail{}); // its signal may be on its way
      all.object().unlink_from(a);
      a.join();
      all.ear.send(note{"the end"});
      CHECK(all.heard.get() == "the end");
    });
  }

  TEST_CASE("a link to the dead of another hub sends noproc") {
    in_real_hub([] {
      two_hubs all;
      const auto a = all.make();
      a.kill();
      all.object().link_to(a);
      CHECK(all.heard.get() == "exit: noproc");
    });
  }

  TEST_CASE("normal ends no actor over a link between hubs") {
    in_real_hub([] {
      two_hubs all{false};
      const auto a = all.make();
      all.object().link_to(a);
      a.stop();
      a.join();
      yield();
      all.ear.send(note{"alive"});
      CHECK(all.heard.get() == "alive");
    });
  }

  TEST_CASE("exit, kill and join reach an actor of another hub") {
    in_real_hub([] {
      two_hubs all;
      const auto a = all.make();
      CHECK_FALSE(a.join(1ms));
      a.exit(exit_kind::shutdown);
      CHECK(a.join());
      CHECK(a.join());
      CHECK(a.kill());

      const auto b = all.make();
      spawn_on(all.hubs[0], [b] {
        static_cast<worker&>(*b.target()).trap_exits();
      }).get();
      b.exit(exit_kind::shutdown);
      CHECK(all.heard.get() == "worker: shutdown");
      b.exit(exit_kind::kill);
      CHECK(b.join());
      CHECK_THROWS_AS(b.alive(), wrong_hub);

      const auto c = all.make();
      CHECK(c.kill());
      CHECK(test::error_of([&] { c.ask(ties{}).get(); }).find("not alive") !=
            std::string::npos);
    });
  }

  TEST_CASE("the sender of an exit signal is known on another hub") {
    in_real_hub([] {
      two_hubs all;
      spawn_on(all.hubs[0], [ear = all.ear] {
        ear.exit(exit_kind::shutdown);
      }).get();
      CHECK(all.heard.get() == "exit: shutdown");
    });
  }

  TEST_CASE("one who is killed while it joins leaves no tie") {
    in_real_hub([] {
      two_hubs all;
      const auto a = all.make();
      auto waits = spawn([a] { a.join(); });
      while (a.ask(ties{}).get() == 0)
        yield();
      waits.kill();
      CHECK(loses_ties(a));
      CHECK_THROWS_AS(
          [&] {
            const timeout_scope limit{1ms};
            a.join();
          }(),
          timeout_expired);
      CHECK(loses_ties(a));
    });
  }

  TEST_CASE("a supervised actor is monitored and joined over its restarts") {
    in_real_hub([] {
      two_hubs all;
      const async_result<actor_ref<worker>> made;
      const auto tree = spawn_on(all.hubs[0], [made, ear = all.ear] {
        supervisor over{one_for_one, {.max_restarts = 5}};
        const auto child = over.add<worker>("worker", permanent, ear);
        over.start();
        async_result{made}.set(child);
        child.join();
      });
      const auto a = made.get();
      all.object().watch(a.key());
      a.send(fail{});
      CHECK(all.heard.get() == "down: std::runtime_error: no luck, restarts");
      a.send(fail{});
      CHECK(all.heard.get() == "down: std::runtime_error: no luck, restarts");
      CHECK(a.ask(ties{}).get() == 1);
      CHECK(a.kill()); // this one
      CHECK(all.heard.get() == "down: killed, restarts");
      CHECK_FALSE(a.join(1ms));
      auto waits = spawn([a] { return a.join(); });
      yield();
      all.hubs.stop();
      CHECK(waits.get());
      CHECK(all.heard.get().starts_with("down: "));
    });
  }
}
