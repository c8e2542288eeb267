#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/inspect.hpp>
#include <greenroom/actors/loop_actor.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

struct add {
  long amount = 1;
};
struct nap {
  std::chrono::nanoseconds length{};
};
struct total {
  using reply = long;
};
struct fail {};
struct tie {
  greenlet_base* other = nullptr;
};
struct watch_it {
  greenlet_base* other = nullptr;
};

class counter : public actor<add, nap, total, fail, tie, watch_it, down> {
public:
  explicit counter(std::vector<long>* seen = nullptr) : seen_(seen) {}

  long sum() const { return sum_; }
  void set_sum(long to) { sum_ = to; }

private:
  void receive(add message) override {
    sum_ += message.amount;
    if (seen_) seen_->push_back(message.amount);
  }
  void receive(nap message) override { sleep(message.length); }
  long receive(total) override { return sum_; }
  void receive(fail) override { throw std::runtime_error("as told"); }
  void receive(tie message) override { link_to(*message.other); }
  void receive(watch_it message) override { monitor(*message.other); }
  void receive(down) override {}

  long sum_ = 0;
  std::vector<long>* seen_;
};

long sum_of(const actor_ref<counter>& of) {
  return with_state(of, [](counter& self) { return self.sum(); });
}

} // namespace

TEST_SUITE("looking at a live actor") {
  // --- its state ------------------------------------------------------------

  TEST_CASE("Y01: its state is read without its help") {
    in_hub([] {
      const auto a = spawn<counter>();
      a.send(add{3});
      yield();
      CHECK(sum_of(a) == 3);
      a.kill();
    });
  }

  TEST_CASE("Y02: its state is replaced") {
    in_hub([] {
      const auto a = spawn<counter>();
      with_state(a, [](counter& self) { self.set_sum(40); });
      a.send(add{2});
      CHECK(a.ask(total{}).get() == 42);
      a.kill();
    });
  }

  TEST_CASE("its state is read ahead of the mail that waits") {
    in_hub([] {
      const auto a = spawn<counter>();
      yield();
      for (int i = 0; i < 10; ++i)
        a.send(add{});
      CHECK(sum_of(a) == 0);
      CHECK(a.ask(total{}).get() == 10);
      a.kill();
    });
  }

  TEST_CASE("its state is read when it has done with its message") {
    in_hub([] {
      const auto a = spawn<counter>();
      a.send(nap{3s});
      a.send(add{});
      yield();
      const auto begin = now();
      CHECK(sum_of(a) == 0);
      CHECK(now() - begin == 3s);
      a.kill();
    });
  }

  TEST_CASE("whoever waits too long for its state is told, and nothing is "
            "called later") {
    in_hub([] {
      const auto a = spawn<counter>();
      a.send(nap{3s});
      yield();
      bool called = false;
      const auto look = [&](counter&) { called = true; };
      CHECK(error_of([&] { with_state(a, look, 1s); }).find("timed out") !=
            std::string::npos);
      auto killed = spawn([&] { with_state(a, look); });
      yield();
      killed.kill();
      sleep(5s);
      CHECK_FALSE(called);
      CHECK(a.alive());
      a.kill();
    });
  }

  TEST_CASE("what the function throws leaves the call, not the actor") {
    in_hub([] {
      const auto a = spawn<counter>();
      const auto refuse = [](counter&) { throw std::runtime_error("no"); };
      CHECK(error_of([&] { with_state(a, refuse); }).find(": no") !=
            std::string::npos);
      CHECK(error_of([&] {
              with_state(a, [](counter&) { sleep(1s); });
            }).find("wait") != std::string::npos);
      CHECK(sum_of(a) == 0);
      a.kill();
    });
  }

  TEST_CASE("the state of a dead actor, and of one that dies, is an error") {
    in_hub([] {
      const auto a = spawn<counter>();
      a.send(nap{3s});
      yield();
      auto looks = spawn([&] { return error_of([&] { sum_of(a); }); });
      yield();
      a.kill();
      CHECK(looks.get().find("not alive") != std::string::npos);
      CHECK(error_of([&] { sum_of(a); }).find("with_state") !=
            std::string::npos);
    });
  }

  TEST_CASE("one that looks at its own state from within is told of the "
            "circle") {
    class narcissus : public actor<total> {
      long receive(total) override {
        return with_state(self(), [](auto&) { return 1L; });
      }
    };
    in_hub([] {
      const auto a = spawn<narcissus>();
      CHECK(error_of([&] {
              (void)a.ask(total{}).get();
            }).find("a circle of asks") != std::string::npos);
    });
  }

  // --- held back ------------------------------------------------------------

  TEST_CASE("Y03: a suspended actor's mail collects, and its state can still "
            "be read") {
    in_hub([] {
      const auto a = spawn<counter>();
      yield();
      suspend(a);
      for (int i = 0; i < 100; ++i)
        a.send(add{});
      idle();
      CHECK(inspect(a)->inbox == 100);
      CHECK(inspect(a)->suspended);
      CHECK(sum_of(a) == 0);
      a.kill();
    });
  }

  TEST_CASE("Y04: a resumed actor handles the mail that has collected, in "
            "order") {
    std::vector<long> seen;
    in_hub([&] {
      const auto a = spawn<counter>(&seen);
      suspend(a); // before its first turn
      for (long i = 0; i < 5; ++i)
        a.send(add{i});
      idle();
      CHECK(seen.empty());
      resume(a);
      idle();
      CHECK(seen == std::vector<long>{0, 1, 2, 3, 4});
      CHECK_FALSE(inspect(a)->suspended);
      a.kill();
    });
  }

  TEST_CASE("one suspended in the middle of a message handles no other") {
    in_hub([] {
      const auto a = spawn<counter>();
      a.send(nap{1s});
      a.send(add{});
      yield();
      suspend(a);
      sleep(2s);
      CHECK(inspect(a)->inbox == 1);
      CHECK(inspect(a)->waits_in.empty());
      resume(a);
      CHECK(a.ask(total{}).get() == 1);
      a.kill();
    });
  }

  TEST_CASE("a suspended actor can be killed, and one told to stop ends when "
            "it has handled its mail") {
    std::vector<long> seen;
    in_hub([&] {
      const auto a = spawn<counter>();
      suspend(a);
      a.send(add{});
      a.kill();
      CHECK(a.dead());

      const auto b = spawn<counter>(&seen);
      yield();
      suspend(b);
      b.send(add{7});
      b.stop();
      idle();
      CHECK(b.alive());
      resume(b);
      b.join();
      CHECK(seen == std::vector<long>{7});
    });
  }

  TEST_CASE("a suspended actor with a full inbox holds up those who send") {
    class bounded : public actor<add> {
    public:
      bounded() { bound_inbox(2); }

    private:
      void receive(add) override {}
    };
    in_hub([] {
      const auto a = spawn<bounded>();
      yield();
      suspend(a);
      a.send(add{});
      a.send(add{});
      CHECK(error_of([&] { a.send(add{}, 1s); }).find("timed out") !=
            std::string::npos);
      auto waits = spawn([&] { a.send(add{}); });
      yield();
      resume(a);
      waits.join();
      idle();
      CHECK(inspect(a)->inbox == 0);
      a.kill();
    });
  }

  TEST_CASE("an actor with its own loop is suspended where it takes mail") {
    in_hub([] {
      std::vector<long> seen;
      const auto a = spawn_actor<add>([&](inbox<add>& mail) {
        for (;;)
          seen.push_back(mail.get<add>().amount);
      });
      yield();
      suspend(a);
      a.send(add{1});
      a.send(add{2});
      idle();
      CHECK(seen.empty());
      a.stop(); // loses nothing
      idle();
      CHECK(a.alive());
      resume(a);
      a.join();
      CHECK(seen == std::vector<long>{1, 2});
    });
  }

  TEST_CASE("what a supervisor restarts is not suspended any more") {
    in_hub([] {
      supervisor tree{one_for_one};
      const auto a = tree.add<counter>("a", permanent);
      tree.start();
      suspend(a);
      a.send(add{5});
      a.exit(exit_kind::shutdown);
      idle();
      CHECK(a.ask(total{}).get() == 5);
      tree.stop();
    });
  }

  // --- what there is ----------------------------------------------------------

  TEST_CASE("Y05: what an actor has to do, and has done, is told") {
    in_hub([] {
      const auto a = spawn<counter>();
      a.target()->name("adder");
      for (int i = 0; i < 3; ++i)
        a.send(add{});
      a.send(nap{1s});
      a.send(add{});
      sleep(500ms);
      CHECK(sum_of(a) == 3); // ahead of the last
      CHECK(a.ask(total{}).get() == 4);
      const auto info = inspect(a);
      CHECK(info->name == "adder");
      CHECK(info->key == a.key());
      CHECK(info->handled == 6);
      CHECK(info->inbox == 0);
      a.send(nap{1s});
      a.send(add{});
      yield();
      CHECK(inspect(a)->waits_in == "sleep");
      CHECK(inspect(a)->inbox == 1);
      a.kill();
      CHECK_FALSE(inspect(a).has_value());
    });
  }

  TEST_CASE("its links and monitors are told") {
    in_hub([] {
      const auto a = spawn<counter>();
      const auto b = spawn<counter>();
      auto plain = spawn([] { sleep(1h); });
      a.send(tie{b.target()});
      a.send(tie{&*plain});
      a.send(watch_it{b.target()});
      idle();
      const auto of_a = inspect(a);
      CHECK(of_a->links ==
            std::vector<reference_key>{b.key(), reference_key{}});
      CHECK(of_a->monitors == 1);
      CHECK(of_a->monitored_by == 0);
      const auto of_b = inspect(b);
      CHECK(of_b->links == std::vector<reference_key>{a.key()});
      CHECK(of_b->monitored_by == 1);
      a.exit(exit_kind::kill);
      idle();
      CHECK(b.dead());
      CHECK(plain.dead());
    });
  }

  TEST_CASE("all actors of the hub are told") {
    in_hub([] {
      const std::size_t before = inspect_all().size();
      const auto a = spawn<counter>();
      const auto b = spawn<counter>();
      const auto all = inspect_all();
      CHECK(all.size() == before + 2);
      CHECK(std::count_if(all.begin(), all.end(), [&](const actor_info& each) {
              return each.key == a.key() || each.key == b.key();
            }) == 2);
      a.kill();
      b.kill();
      CHECK(inspect_all().size() == before);
    });
  }

  TEST_CASE("one that waits for its restart is told as such") {
    in_hub([] {
      supervisor tree{one_for_one};
      const auto a = tree.add<counter>("a", {.delay = {.first = 1s}});
      tree.start();
      a.send(fail{});
      idle();
      CHECK(inspect(a)->restarting);
      sleep(2s);
      CHECK_FALSE(inspect(a)->restarting);
      tree.stop();
    });
  }

  // --- followed ---------------------------------------------------------------

  TEST_CASE("Y06: the messages that an actor takes are followed, until that is "
            "ended") {
    in_hub([] {
      std::string seen;
      const auto a = spawn<counter>();
      trace(a, [&](const traced_message& taken) {
        seen += taken.message.substr(taken.message.rfind(':') + 1) + " ";
        CHECK(taken.to == a.key());
      });
      a.send(add{});
      (void)a.ask(total{}).get();
      CHECK(sum_of(a) == 1); // no message
      CHECK(seen == "add total ");
      trace(a, {});
      a.send(add{});
      idle();
      CHECK(seen == "add total ");
      a.kill();
    });
  }

  TEST_CASE("a trace that throws, or would wait, hurts nobody") {
    in_hub([] {
      const auto a = spawn<counter>();
      int calls = 0;
      trace(a, [&](const traced_message&) {
        ++calls;
        if (calls == 1) throw std::runtime_error("no");
        sleep(1s);
      });
      a.send(add{});
      a.send(add{});
      CHECK(a.ask(total{}).get() == 2);
      CHECK(calls == 3);
      a.kill();
    });
  }

  TEST_CASE("a trace may be changed by its own hook, and by the actor's loop") {
    in_hub([] {
      int calls = 0;
      actor_ref<loop_actor<add>> a = spawn_actor<add>([](inbox<add>& mail) {
        for (;;)
          (void)mail.get<add>();
      });
      trace(a, [&](const traced_message& taken) {
        ++calls;
        trace(taken.to, {});
      });
      a.send(add{});
      a.send(add{});
      idle();
      CHECK(calls == 1);
      a.kill();
    });
  }

  // --- whom -------------------------------------------------------------------

  TEST_CASE("a dead actor, and one of another hub, are refused") {
    in_hub([] {
      const auto a = spawn<counter>();
      a.kill();
      CHECK(error_of([&] { suspend(a); }).find("suspend") != std::string::npos);
      CHECK(error_of([&] { resume(a); }).find("resume") != std::string::npos);
      CHECK(error_of([&] { trace(a, {}); }).find("trace") != std::string::npos);
      CHECK_FALSE(inspect(a).has_value());

      const auto b = spawn<counter>();
      std::thread([&] {
        CHECK_THROWS_AS(suspend(b), wrong_hub);
        CHECK_THROWS_AS((void)inspect(b), wrong_hub);
        CHECK_THROWS_AS((void)sum_of(b), wrong_hub);
        CHECK(inspect_all().empty());
      }).join();
      b.kill();
    });
  }
}
