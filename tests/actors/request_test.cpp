#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/request.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

struct question {
  using reply = int;
  int number = 0;
};
struct knock {
  using reply = void;
};
struct answer_all {};

/// Keeps what it is asked until it is told to answer.
class slow : public actor<request<question>, request<knock>, answer_all> {
  void receive(request<question> asked) override {
    kept_.push_back(std::move(asked));
  }
  void receive(request<knock> asked) override { asked.reply(); }
  void receive(answer_all) override {
    for (auto& each : kept_)
      each.reply(each->number + 1);
    kept_.clear();
  }
  std::vector<request<question>> kept_;
};

/// Does with a request what it was made for.
class handler : public actor<request<question>> {
public:
  using function = std::function<void(request<question>)>;
  explicit handler(function how) : how_(std::move(how)) {}

private:
  void receive(request<question> asked) override { how_(std::move(asked)); }
  function how_;
};

class asker;
struct ask_others {
  using reply = int;
  std::vector<actor_ref<asker>> others;
};
/// Asks another when it is told to, and answers later what it is asked.
class busy;
struct ask_it {
  using reply = int;
  actor_ref<busy> whom;
};
class busy : public actor<request<question>, ask_it> {
  void receive(request<question> asked) override {
    spawn([asked = std::move(asked)]() mutable {
      sleep(1s);
      asked.reply(asked->number + 1);
    });
  }
  int receive(ask_it message) override {
    return message.whom.ask(question{1}).get(10s);
  }
};

/// Asks the last of those named, with the rest, and so on.
class asker : public actor<ask_others> {
  int receive(ask_others message) override {
    if (message.others.empty()) return 1;
    const actor_ref<asker> next = message.others.back();
    message.others.pop_back();
    return next.ask(message).get(10s) + 1;
  }
};

const std::string dropped = "std::system_error: dropped without a reply";
const std::string dead = "std::system_error: the actor is not alive";

} // namespace

TEST_SUITE("actors") {
  // OTP.md 1.4, G17
  TEST_CASE("a request may be answered later, while other mail is handled") {
    in_hub([] {
      const auto s = spawn<slow>();
      const auto first = s.ask(question{1});
      const auto second = s.ask(question{2});
      idle();
      CHECK_FALSE(first.ready());
      s.ask(knock{}).get();
      s.send(answer_all{});
      CHECK(second.get() == 3);
      CHECK(first.get() == 2);
      s.stop();
      s.join();
    });
  }

  TEST_CASE("a request may be answered by another greenlet") {
    in_hub([] {
      const auto h = spawn<handler>([](request<question> asked) {
        spawn([asked = std::move(asked)]() mutable {
          sleep(1s);
          asked.reply(asked->number * 2);
        });
      });
      CHECK(h.ask(question{21}).get() == 42);
      h.stop();
      h.join();
    });
  }

  TEST_CASE("a request dropped unanswered fails who asked") {
    in_hub([] {
      const auto h = spawn<handler>([](request<question>) {});
      CHECK(error_of([&] { h.ask(question{}).get(); }) == dropped);
      h.stop();
      h.join();
    });
  }

  TEST_CASE("a request may be failed with an exception of choice") {
    in_hub([] {
      const auto h = spawn<handler>([](request<question> asked) {
        asked.fail(std::runtime_error("not today"));
      });
      CHECK(error_of([&] { h.ask(question{}).get(); }) ==
            "std::runtime_error: not today");
      CHECK(h.alive());
      h.stop();
      h.join();
    });
  }

  TEST_CASE("only the first answer to a request counts") {
    in_hub([] {
      const auto h = spawn<handler>([](request<question> asked) {
        asked.reply(1);
        CHECK_FALSE(asked.answer);
        asked.reply(2);
        asked.fail(std::runtime_error("late"));
      });
      CHECK(h.ask(question{}).get() == 1);
      h.stop();
      h.join();
    });
  }

  TEST_CASE("a message that nobody asked comes as a request without an asker") {
    in_hub([] {
      int seen = 0;
      const auto h = spawn<handler>([&](request<question> asked) {
        seen = asked->number;
        CHECK_FALSE(asked.answer);
        asked.reply(1);
      });
      h.send(question{7});
      h.stop();
      h.join();
      CHECK(seen == 7);
    });
  }

  TEST_CASE("a request forwarded is answered by the other") {
    in_hub([] {
      const auto s = spawn<slow>();
      const auto h = spawn<handler>(
          [s](request<question> asked) { s.forward(std::move(asked)); });
      const auto answer = h.ask(question{1});
      idle();
      h.stop();
      h.join();
      s.send(answer_all{});
      CHECK(answer.get() == 2);
      SUBCASE("or fails when that is dead") {
        s.stop();
        s.join();
        const auto other = spawn<handler>(
            [s](request<question> asked) { s.forward(std::move(asked)); });
        CHECK(error_of([&] { other.ask(question{}).get(); }) == dead);
        other.stop();
        other.join();
      }
      s.stop();
      s.join();
    });
  }

  TEST_CASE("a handler that throws with a request in hand fails who asked") {
    in_hub([] {
      const auto h = spawn<handler>([](const request<question>&) {
        throw std::runtime_error("no luck");
      });
      CHECK(error_of([&] { h.ask(question{}).get(); }) == dropped);
      CHECK(h.dead());
    });
  }

  TEST_CASE("a request asked from another thread is answered there") {
    test::in_hub_on(clock_kind::real, [] {
      const auto s = spawn<slow>();
      bool dead_told = false;
      std::thread other([&] {
        hub::current().use_clock(clock_kind::real);
        const auto answer = s.ask(question{1});
        s.send(answer_all{});
        CHECK(answer.get() == 2);
        const auto lost = s.ask(question{2});
        s.stop();
        dead_told = error_of([&] { lost.get(); }) == dropped;
      });
      const work_guard outside;
      s.join();
      other.join();
      CHECK(dead_told);
    });
  }

  // --- circles --------------------------------------------------------------

  TEST_CASE("a circle of asks fails the ask that closes it, naming the chain") {
    in_hub([] {
      test::captured_log log;
      std::vector<actor_ref<asker>> all;
      for (const char* name : {"a", "b", "c"}) {
        all.push_back(spawn<asker>());
        all.back().target()->name(name);
      }
      const auto a = all[0];
      const auto b = all[1];
      const auto c = all[2];
      SUBCASE("of three") {
        CHECK(error_of([&] {
                a.ask(ask_others{{a, c, b}}).get();
              }).find("a circle of asks: 'c' asks 'a' asks 'b' asks 'c'") !=
              std::string::npos);
      }
      SUBCASE("of one") { // OTP.md 1.4, G20
        CHECK(error_of([&] {
                a.ask(ask_others{{a}}).get();
              }).find("a circle of asks: 'a' asks 'a'") != std::string::npos);
      }
      SUBCASE("but not a line") {
        CHECK(a.ask(ask_others{{c, b}}).get() == 3);
      }
      SUBCASE("nor when both ask the same") {
        const auto first = a.ask(ask_others{{c}});
        const auto second = b.ask(ask_others{{c}});
        CHECK(first.get() == 2);
        CHECK(second.get() == 2);
      }
      for (const auto& each : all)
        each.kill();
    });
  }

  TEST_CASE("two that ask each other what others will answer are no circle") {
    in_hub([] {
      const auto a = spawn<busy>();
      const auto b = spawn<busy>();
      auto first = b.ask(ask_it{a}); // its question is with a greenlet when
      yield();
      auto second = a.ask(ask_it{b}); // this one's waits for b
      CHECK(second.get() == 2);
      CHECK(first.get() == 2);
      a.kill();
      b.kill();
    });
  }

  TEST_CASE("two that ask each other, and both handle that, are one") {
    in_hub([] {
      test::captured_log log;
      const auto a = spawn<busy>();
      const auto b = spawn<busy>();
      auto first = a.ask(ask_it{b});
      auto second = b.ask(ask_it{a}); // b will not look at a's question
      CHECK(error_of([&] { second.get(); }).find("a circle of asks") !=
            std::string::npos);
      CHECK(error_of([&] { first.get(); }).find("not alive") !=
            std::string::npos);
      a.kill();
      b.kill();
    });
  }
}
