#include "hub/beside.hpp"
#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/address.hpp>
#include <greenroom/actors/gather.hpp>
#include <greenroom/hub/timeout.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

struct question {
  using reply = int;
  int about = 0;
};
struct order {};

/// Answers after a while, or fails; counts what it was asked.
class oracle : public actor<question, order> {
public:
  oracle(int answer, std::chrono::nanoseconds takes)
      : answer_(answer), takes_(takes) {}
  int asked = 0;

protected:
  int receive(question what) override {
    ++asked;
    if (takes_ > 0s) sleep(takes_);
    if (answer_ < 0)
      throw std::runtime_error("oracle " + std::to_string(-answer_));
    return answer_ + what.about;
  }
  void receive(order) override { ++asked; }

private:
  int answer_;
  std::chrono::nanoseconds takes_;
};

class full_oracle : public oracle {
public:
  full_oracle() : oracle(0, 1h) { bound_inbox(1, when_full::refuse); }
};

using oracles = std::vector<actor_ref<oracle>>;

oracles make_oracles(int count,
                     std::function<std::chrono::seconds(int)> takes) {
  oracles all;
  for (int i = 1; i <= count; ++i)
    all.push_back(spawn<oracle>(i, takes(i)));
  return all;
}

void kill_all(const oracles& all) {
  for (const auto& each : all)
    each.kill();
}

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("gather returns the replies in the order of those asked") {
    in_hub([] {
      const auto all = make_oracles(100, [](int i) {
        return std::chrono::seconds(101 - i); // the last is the first to answer
      });
      std::vector<int> replies;
      CHECK(time_of([&] { replies = gather(all, question{1000}); }) == 100s);
      REQUIRE(replies.size() == 100);
      for (int i = 0; i < 100; ++i)
        CHECK(replies[static_cast<std::size_t>(i)] == i + 1001);
      kill_all(all);
    });
  }

  TEST_CASE("gather of nobody is nothing") {
    in_hub([] {
      CHECK(gather(oracles{}, question{}).empty());
      CHECK(ask_all(oracles{}, question{}, 1s).empty());
      gather(oracles{}, order{});
    });
  }

  TEST_CASE("gather throws the first error as soon as it is known") {
    in_hub([] {
      const test::captured_log quiet;
      oracles all = make_oracles(3, [](int) { return 10s; });
      all.push_back(spawn<oracle>(-2, 5s));
      all.push_back(spawn<oracle>(-1, 3s));
      CHECK(time_of([&] {
              CHECK(error_of([&] { gather(all, question{}); }) ==
                    "std::runtime_error: oracle 1");
            }) == 3s);
      kill_all(all);
    });
  }

  TEST_CASE("gather fails at once when one of those asked is dead, or dies") {
    in_hub([] {
      oracles all = make_oracles(3, [](int) { return 10s; });
      spawn_later(2s, [&] { all[1].kill(); });
      CHECK(time_of([&] {
              CHECK(error_of([&] {
                      gather(all, question{});
                    }).find("not alive") != std::string::npos);
            }) == 2s);
      CHECK(time_of([&] {
              CHECK(error_of([&] {
                      gather(all, question{});
                    }).find("not alive") != std::string::npos);
            }) == 0s);
      kill_all(all);
    });
  }

  TEST_CASE("gather waits until its deadline") {
    in_hub([] {
      const auto all = make_oracles(3, [](int i) { return i * 1s; });
      CHECK(time_of([&] {
              CHECK(error_of([&] {
                      gather(all, question{}, 2500ms);
                    }).find("timed out") != std::string::npos);
            }) == 2500ms);
      sleep(1s);
      CHECK(gather(all, question{}, 4s) == std::vector<int>{1, 2, 3});
      kill_all(all);
    });
  }

  TEST_CASE("gather of a message without a reply waits until all are done") {
    in_hub([] {
      const auto all = make_oracles(3, [](int) { return 0s; });
      gather(all, order{});
      for (const auto& each : all)
        CHECK(static_cast<oracle&>(*each.target()).asked == 1);
      kill_all(all);
    });
  }

  TEST_CASE("ask_all tells for each whether there is a value, and why not") {
    in_hub([] {
      const test::captured_log quiet;
      oracles all = make_oracles(2, [](int i) { return i * 2s; });
      all.push_back(spawn<oracle>(-7, 0s));
      all.push_back(spawn<oracle>(9, 0s));
      all.back().kill();
      all.push_back(spawn<full_oracle>());
      all.back().send(order{});
      std::vector<async_result<int>> answers;
      CHECK(time_of([&] { answers = ask_all(all, question{}, 3s); }) == 3s);
      REQUIRE(answers.size() == 5);
      for (const auto& each : answers)
        CHECK(each.ready());
      CHECK(answers[0].get() == 1);
      CHECK(error_of([&] { answers[1].get(); }).find("timed out") !=
            std::string::npos);
      CHECK(error_of([&] { answers[2].get(); }) ==
            "std::runtime_error: oracle 7");
      CHECK(error_of([&] { answers[3].get(); }).find("not alive") !=
            std::string::npos);
      CHECK(error_of([&] { answers[4].get(); }).find("full") !=
            std::string::npos);
      sleep(5s); // a late reply changes nothing
      CHECK_FALSE(answers[1].successful());
      kill_all(all);
    });
  }

  TEST_CASE("first_reply returns the value that comes first") {
    in_hub([] {
      const test::captured_log quiet;
      oracles all = make_oracles(3, [](int i) { return (4 - i) * 2s; });
      all.push_back(spawn<oracle>(-1, 0s)); // an error is no reply
      int reply = 0;
      CHECK(time_of([&] { reply = first_reply(all, question{}, 5s); }) == 2s);
      CHECK(reply == 3);
      sleep(10s);
      kill_all(all);
    });
  }

  TEST_CASE("first_reply fails with the first error when all fail") {
    in_hub([] {
      const test::captured_log quiet;
      const oracles all{spawn<oracle>(-1, 3s), spawn<oracle>(-2, 1s),
                        spawn<oracle>(-3, 2s)};
      CHECK(time_of([&] {
              CHECK(error_of([&] { first_reply(all, question{}); }) ==
                    "std::runtime_error: oracle 2");
            }) == 3s);
      CHECK_THROWS_AS(first_reply(oracles{}, question{}),
                      std::invalid_argument);
    });
  }

  TEST_CASE("first_reply waits until its deadline") {
    in_hub([] {
      const auto all = make_oracles(2, [](int) { return 5s; });
      CHECK(time_of([&] {
              CHECK(error_of([&] {
                      first_reply(all, question{}, 1s);
                    }).find("timed out") != std::string::npos);
            }) == 1s);
      kill_all(all);
    });
  }

  TEST_CASE("a kill or timeout while gathering leaves nothing behind") {
    in_hub([] {
      const auto all = make_oracles(10, [](int i) { return i * 1s; });
      auto victim = spawn([&] { gather(all, question{}); });
      auto other = spawn([&] { ask_all(all, question{}); });
      auto limited = spawn([&] {
        const timeout_scope limit{4500ms};
        first_reply(std::vector{all[8], all[9]}, question{});
      });
      sleep(4500ms);
      CHECK(victim.kill());
      CHECK(other.kill());
      limited.join();
      CHECK(victim.killed());
      CHECK(limited->exception());
      sleep(40s); // they go on answering, to nobody
      CHECK(gather(all, question{5}).size() == 10);
      kill_all(all);
    });
  }

  TEST_CASE("addresses and actors of other hubs can be gathered from") {
    in_hub([] {
      const auto all = make_oracles(2, [](int i) { return i * 0s; });
      using any_oracle = address<question>;
      test::beside other([to = std::vector<any_oracle>{all[0], all[1]}] {
        CHECK(gather(to, question{}) == std::vector<int>{1, 2});
        CHECK(ask_all(to, question{})[1].get() == 2);
        CHECK(first_reply(to, question{}) > 0);
      });
      other.join();
      kill_all(all);
    });
  }

  TEST_CASE("one that asks in a circle has the error among its answers") {
    class curious : public actor<question> {
    public:
      explicit curious(const oracles& others) : others_(others) {}
      std::vector<std::string> heard;

    private:
      int receive(question what) override {
        std::vector<address<question>> all(others_.begin(), others_.end());
        all.push_back(self());
        for (const auto& each : ask_all(all, what, 10s))
          heard.push_back(error_of([&] { each.get(); }));
        return static_cast<int>(heard.size());
      }
      const oracles& others_;
    };
    in_hub([] {
      const auto others = make_oracles(1, [](int) { return 0s; });
      const auto c = spawn<curious>(others);
      const any_greenlet kept{*c.target()};
      CHECK(time_of([&] { CHECK(c.ask(question{}).get() == 2); }) == 0s);
      const auto& heard = static_cast<const curious&>(*kept).heard;
      CHECK(heard[0].empty());
      CHECK(heard[1].find("a circle of asks") != std::string::npos);
      c.kill();
      for (const auto& each : others)
        each.kill();
    });
  }

  TEST_CASE("a circle through gather is found, whoever closes it") {
    struct survey {
      using reply = int;
      std::vector<address<survey>> whom;
      std::vector<address<survey>> they; // and whom they are to ask
    };
    class surveyor : public actor<survey> {
      int receive(survey message) override {
        if (message.whom.empty()) return 1;
        int sum = 0;
        for (const int each : gather(message.whom, survey{message.they, {}}))
          sum += each;
        return sum;
      }
    };
    in_hub([] {
      test::captured_log log;
      const auto a = spawn<surveyor>();
      const auto b = spawn<surveyor>();
      const auto c = spawn<surveyor>();
      a.target()->name("a");
      c.target()->name("c");
      CHECK(a.ask(survey{{b, c}, {}}).get() == 2);
      SUBCASE("an ask of one who waits for several") {
        CHECK(error_of([&] {
                a.ask(survey{{c, b}, {a}}).get();
              }).find("a circle of asks: 'c' asks 'a' asks 'c'") !=
              std::string::npos);
      }
      SUBCASE("a gather with oneself among those asked") {
        CHECK(error_of([&] {
                a.ask(survey{{b, a}, {}}).get();
              }).find("a circle of asks: 'a' asks 'a'") != std::string::npos);
      }
      SUBCASE("but not when two gather from the same") {
        CHECK(a.ask(survey{{b}, {c}}).get() == 1);
        const auto first = a.ask(survey{{c, b}, {}});
        const auto second = b.ask(survey{{c}, {}});
        CHECK(first.get() == 2);
        CHECK(second.get() == 1);
      }
      for (const auto& each : {a, b, c})
        each.kill();
    });
  }
}
