#include "hub/beside.hpp"
#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/loop_actor.hpp>
#include <greenroom/actors/notices.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::in_hub;

namespace {

struct note {};
struct balance {
  using reply = long;
};
struct stay {
  std::chrono::nanoseconds time;
};

class clerk : public actor<note, balance, stay> {
public:
  clerk() = default;
  explicit clerk(when_full policy) { bound_inbox(1, policy); }

private:
  void receive(note) override {}
  void receive(stay asked) override { sleep(asked.time); }
  long receive(balance) override { return 0; }
};

class undertaker : public actor<dead_letter, inbox_overload> {
public:
  explicit undertaker(std::vector<std::string>& notes) : notes_(notes) {}

private:
  void receive(dead_letter lost) override {
    notes_.push_back(lost.message + ": " + lost.why);
  }
  void receive(inbox_overload full) override {
    notes_.push_back(full.name + " " + std::to_string(full.size) + "/" +
                     std::to_string(full.capacity));
  }
  std::vector<std::string>& notes_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("a dead letter is told to those who have subscribed") {
    in_hub([] {
      std::vector<std::string> lost;
      const auto a = spawn<clerk>();
      const auto u = spawn<undertaker>(lost);
      a.kill();
      a.send(note{}); // before anybody wants to know
      notices().dead_letters.subscribe(u);
      a.send(note{});
      a.ask(balance{});
      CHECK(a.try_send(note{}));
      idle();
      REQUIRE(lost.size() == 3);
      CHECK_MESSAGE(has(lost[0], "note: the actor is dead"), lost[0]);
      CHECK_MESSAGE(has(lost[1], "balance: the actor is dead"), lost[1]);
      CHECK(dead_letters() == 4);
      u.kill();
      a.send(note{});
      CHECK(dead_letters() == 5);
    });
  }

  TEST_CASE("mail that is left at an actor's end is told message by message") {
    in_hub([] {
      std::vector<std::string> lost;
      on_dead_letter([&](const dead_letter& one) {
        lost.push_back(one.message + ": " + one.why);
      });
      const auto a = spawn<clerk>();
      a.send(stay{1h});
      a.send(note{});
      a.send(balance{});
      const auto answer = a.ask(balance{});
      yield();
      a.stop();
      a.send(stay{});
      a.kill();
      REQUIRE(lost.size() == 4);
      CHECK_MESSAGE(has(lost[0], "stay: its inbox is closed"), lost[0]);
      CHECK_MESSAGE(has(lost[1], "note: unread at its end"), lost[1]);
      CHECK_MESSAGE(has(lost[2], "balance: unread at its end"), lost[2]);
      CHECK(dead_letters() == 4);
      CHECK(answer.ready());
      on_dead_letter({});
      a.send(note{});
      CHECK(lost.size() == 4);
      CHECK(dead_letters() == 5);
    });
  }

  TEST_CASE("what is stashed is among the mail that is left") {
    in_hub([] {
      int lost = 0;
      on_dead_letter([&](const dead_letter&) { ++lost; });
      const auto a = spawn_actor<note>([](inbox<note>& in) {
        in.stash(in.get<note>());
        in.stash(in.get<note>());
        sleep(1h);
      });
      for (int i = 0; i < 5; ++i)
        a.send(note{});
      sleep(1s);
      a.kill();
      CHECK(lost == 5);
      CHECK(dead_letters() == 5);
    });
  }

  TEST_CASE("a hook may not wait, and what it throws is logged") {
    const test::captured_log log;
    in_hub([] {
      const actor_ref<clerk> nobody;
      on_dead_letter([](const dead_letter&) { sleep(1s); });
      nobody.send(note{});
      on_dead_letter(
          [](const dead_letter&) { throw std::runtime_error("no luck"); });
      nobody.send(note{});
      CHECK(dead_letters() == 2);
    });
    CHECK(log.has("wait_refused"));
    CHECK(log.has("no luck"));
  }

  TEST_CASE("what a hook loses itself is only counted") {
    in_hub([] {
      const actor_ref<clerk> nobody;
      int told = 0;
      on_dead_letter([&](const dead_letter&) {
        ++told;
        nobody.send(note{});
      });
      nobody.send(note{});
      nobody.send(note{});
      CHECK(told == 2);
      CHECK(dead_letters() == 4);
    });
  }

  TEST_CASE("an inbox that is full when a message comes is told") {
    in_hub([] {
      for (const auto policy : {when_full::wait, when_full::drop_oldest,
                                when_full::drop_newest, when_full::refuse}) {
        std::vector<std::string> seen;
        const auto u = spawn<undertaker>(seen);
        notices().overloads.subscribe(u);
        const auto a = spawn<clerk>(policy);
        a.target()->name("the clerk");
        a.send(stay{1s});
        yield();
        a.send(note{}, 5s);
        idle();
        CHECK(seen.empty());
        try {
          a.send(note{}, 5s);
        } catch (const std::system_error& error) {
          CHECK(error.code() == errc::full);
        }
        idle();
        CHECK(seen == std::vector<std::string>{"the clerk 1/1"});
        a.kill();
        u.kill();
      }
    });
  }

  TEST_CASE("whoever listens with a full inbox does not listen to itself") {
    in_hub([] {
      class slow : public actor<inbox_overload> {
      public:
        slow() { bound_inbox(1, when_full::drop_newest); }

      private:
        void receive(inbox_overload) override { sleep(1h); }
      };
      const auto u = spawn<slow>();
      notices().overloads.subscribe(u);
      const auto a = spawn<clerk>(when_full::drop_newest);
      a.send(stay{1h});
      for (int i = 0; i < 10; ++i) {
        yield();
        a.send(note{});
      }
      CHECK(static_cast<actor_base&>(*u.target()).inbox_size() == 1);
      a.kill();
      u.kill();
    });
  }

  TEST_CASE(
      "a letter from another hub is lost, and told, where its actor was") {
    in_hub([] {
      std::vector<std::string> lost;
      on_dead_letter([&](const dead_letter& one) { lost.push_back(one.why); });
      const auto a = spawn<clerk>();
      a.kill();
      test::beside other([a] {
        a.send(note{});
        CHECK(dead_letters() == 0);
        CHECK(notices_if_any() == nullptr);
      });
      other.join();
      idle();
      CHECK(lost == std::vector<std::string>{"the actor is dead"});
    });
  }

  TEST_CASE("supervisors' notices reach subscribers") {
    in_hub([] {
      subscription<actor_restarted> seen{notices().restarts, 10};
      notices().tell(notices().restarts, [] {
        return actor_restarted{{}, "a child", exit_kind::killed, 3};
      });
      const auto got = seen.get();
      CHECK(got.name == "a child");
      CHECK(got.why == exit_kind::killed);
      CHECK(got.restarts == 3);
    });
  }
}
