// Changes of behaviour, mail out of turn and mail put aside.

#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

struct note {
  std::string text;
};
struct turn_key {};
struct state_name {
  using reply = std::string;
};

class door : public actor<note, turn_key, state_name> {
public:
  explicit door(std::string& trace) : trace_(trace) {}

private:
  void receive(note message) override {
    trace_ += "shut:" + message.text + " ";
  }
  void receive(turn_key) override {
    become([this](note message) { trace_ += "open:" + message.text + " "; },
           [this](turn_key) { become(nullptr); });
  }
  std::string receive(state_name) override { return "door"; }

  std::string& trace_;
};

struct two_way : behaviour<note, turn_key, state_name> {
  explicit two_way(std::shared_ptr<int> kept) : kept_(std::move(kept)) {}
  void receive(note) override {}
  void receive(turn_key) override { throw std::runtime_error("stuck"); }
  std::string receive(state_name) override { return "two_way"; }
  std::shared_ptr<int> kept_;
};

class changing : public actor<note, turn_key, state_name> {
public:
  explicit changing(std::shared_ptr<int> kept) : kept_(std::move(kept)) {}

private:
  void receive(note) override { become(std::make_shared<two_way>(kept_)); }
  void receive(turn_key) override {}
  std::string receive(state_name) override { return "changing"; }
  std::shared_ptr<int> kept_;
};

/// Puts notes aside until a key has come.
class stasher : public actor<note, turn_key> {
public:
  explicit stasher(std::string& trace) : trace_(trace) {}

private:
  void receive(note message) override {
    if (!ready_) return inbox().stash(std::move(message));
    trace_ += message.text + " ";
  }
  void receive(turn_key) override {
    ready_ = true;
    inbox().unstash_all();
  }

  std::string& trace_;
  bool ready_ = false;
};

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("an actor may change what it does with messages, and back") {
    in_hub([] {
      std::string trace;
      const auto d = spawn<door>(trace);
      d.send(note{"1"});
      d.send(turn_key{});
      d.send(note{"2"});
      CHECK(d.ask(state_name{}).get() == "door"); // as before
      d.send(turn_key{});
      d.send(note{"3"});
      d.stop();
      d.join();
      CHECK(trace == "shut:1 open:2 shut:3 ");
    });
  }

  TEST_CASE("a behaviour may be a class, which goes with its actor") {
    in_hub([] {
      const auto kept = std::make_shared<int>(1);
      const auto c = spawn<changing>(kept);
      CHECK(c.ask(state_name{}).get() == "changing");
      c.send(note{});
      CHECK(c.ask(state_name{}).get() == "two_way");
      CHECK(kept.use_count() == 3);
      CHECK(error_of([&] { c.ask(turn_key{}).get(); }) ==
            "std::runtime_error: stuck");
      CHECK(c.dead());
      idle();
      CHECK(kept.use_count() == 1);
    });
  }

  TEST_CASE("mail put aside comes back first, in its order") {
    in_hub([] {
      std::string trace;
      const auto s = spawn<stasher>(trace);
      for (const char* each : {"1", "2", "3"})
        s.send(note{each});
      s.send(turn_key{});
      s.send(note{"4"});
      s.stop();
      s.join();
      CHECK(trace == "1 2 3 4 ");
    });
  }

  TEST_CASE("mail put aside is dead when its actor ends") {
    in_hub([] {
      std::string trace;
      const auto s = spawn<stasher>(trace);
      s.send(note{"1"});
      s.send(note{"2"});
      const std::size_t before = dead_letters();
      s.stop();
      s.join();
      CHECK(dead_letters() == before + 2);
    });
  }

  TEST_CASE("a handler may take later mail out of turn, or wait for it") {
    class impatient : public actor<note, turn_key> {
    public:
      explicit impatient(std::string& trace) : trace_(trace) {}

    private:
      void receive(note message) override { trace_ += message.text + " "; }
      void receive(turn_key) override {
        const note urgent = inbox().get_if<note>(
            [](const note& each) { return each.text == "urgent"; });
        trace_ += "took:" + urgent.text + " ";
        std::error_code failed;
        (void)inbox().get<turn_key>(1s, failed);
        trace_ += failed ? "none " : "? ";
      }
      std::string& trace_;
    };
    in_hub([] {
      std::string trace;
      const auto i = spawn<impatient>(trace);
      i.send(turn_key{});
      i.send(note{"1"});
      idle();
      i.send(note{"urgent"});
      i.send(note{"2"});
      sleep(2s);
      CHECK(trace == "took:urgent none 1 2 ");
      i.stop();
      i.join();
    });
  }

  TEST_CASE("a bounded inbox holds up who sends, and nobody else") {
    class limited : public actor<note> {
    public:
      limited(std::string& trace, when_full policy) : trace_(trace) {
        bound_inbox(2, policy);
      }

    private:
      void receive(note message) override {
        sleep(1s);
        trace_ += message.text + " ";
      }
      std::string& trace_;
    };
    in_hub([] {
      std::string trace;
      SUBCASE("by waiting") {
        const auto a = spawn<limited>(trace, when_full::wait);
        a.send(note{"1"});
        yield(); // which it handles now
        a.send(note{"2"});
        a.send(note{"3"});
        CHECK_FALSE(a.try_send(note{"4"}));
        CHECK(test::time_of([&] { a.send(note{"5"}); }) == 1s);
        CHECK(error_of([&] { a.send(note{"6"}, 100ms); }).find("timed out") !=
              std::string::npos);
        a.stop();
        a.join();
        CHECK(trace == "1 2 3 5 ");
      }
      SUBCASE("by refusing") {
        const auto a = spawn<limited>(trace, when_full::refuse);
        a.send(note{"1"});
        a.send(note{"2"});
        CHECK_THROWS_AS(a.send(note{"3"}), std::system_error);
        a.stop();
        a.join();
        CHECK(trace == "1 2 ");
      }
      SUBCASE("by dropping the oldest") {
        const auto a = spawn<limited>(trace, when_full::drop_oldest);
        for (const char* each : {"1", "2", "3", "4"})
          a.send(note{each});
        a.stop();
        a.join();
        CHECK(trace == "3 4 ");
      }
      SUBCASE("by dropping the newest") {
        const auto a = spawn<limited>(trace, when_full::drop_newest);
        for (const char* each : {"1", "2", "3", "4"})
          a.send(note{each});
        a.stop();
        a.join();
        CHECK(trace == "1 2 ");
      }
      SUBCASE("until the actor ends, when what they send is dead") {
        const auto a = spawn<limited>(trace, when_full::wait);
        a.send(note{"1"});
        a.send(note{"2"});
        const std::size_t before = dead_letters();
        const auto sender = spawn([&] { a.send(note{"3"}); });
        yield();
        a.kill();
        sender.join();
        CHECK_FALSE(sender.exception());
        CHECK(dead_letters() == before + 3 - (trace.empty() ? 0 : 1) - 1);
      }
    });
  }

  TEST_CASE("an inbox for no mail, or for less, is refused") {
    class shut : public actor<note> {
    public:
      explicit shut(int capacity) { bound_inbox(capacity); }

    private:
      void receive(note) override {}
    };
    in_hub([] {
      for (const int capacity : {0, -1})
        CHECK(error_of([&] { spawn<shut>(capacity); }) ==
              "std::invalid_argument: inbox: a capacity of " +
                  std::to_string(capacity) + " messages");
    });
  }

  TEST_CASE("a full inbox is an error to its own actor, not a deadlock") {
    class talker : public actor<note> {
    public:
      explicit talker(std::string& error) : error_(error) { bound_inbox(1); }

    private:
      void receive(note) override {
        self().send(note{});
        error_ = error_of([&] { self().send(note{}); });
        exit(exit_kind::shutdown);
      }
      std::string& error_;
    };
    in_hub([] {
      std::string error;
      const auto t = spawn<talker>(error);
      t.send(note{});
      t.join();
      CHECK(error.find("Resource deadlock avoided") != std::string::npos);
    });
  }

  TEST_CASE("a killed sender leaves a full inbox as it was") {
    class stuck : public actor<note> {
    public:
      stuck() { bound_inbox(1); }

    private:
      void receive(note) override { sleep(1s); }
    };
    in_hub([] {
      const auto s = spawn<stuck>();
      s.send(note{"1"});
      yield();
      s.send(note{"2"});
      const auto sender = spawn([&] { s.send(note{"3"}); });
      yield();
      sender.kill();
      const auto other = spawn([&] { s.send(note{"4"}); });
      yield();
      CHECK_FALSE(other.dead());
      sleep(1500ms);
      CHECK(other.dead());
      s.kill();
    });
  }
}
