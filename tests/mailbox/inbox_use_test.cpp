// An inbox among others, outside greenlets, and beside a plain list.

#include "hub/support.hpp"
#include "mailbox/inbox_messages.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/inbox.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <chrono>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <variant>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("mailbox") {
  // --- waiting on several --------------------------------------------------

  TEST_CASE("an inbox can be waited on with others") {
    in_hub([] {
      mail in;
      queue<int> other;
      CHECK(wait({in, other}, 1s, 1).empty());
      spawn_later(1s, [&] { in.put(quit{}); });
      CHECK(time_of([&] {
              CHECK(wait({in, other}, 5s, 1).size() == 1);
            }) == 1s);
      std::string got;
      const auto select_one = [&] {
        select(from(in, [&](const auto& message) { got = text_of(message); }),
               from(other, [&](int value) { got = std::to_string(value); }));
      };
      select_one();
      CHECK(got == "quit");
      spawn([&] { other.put(3); });
      select_one();
      CHECK(got == "3");
      spawn([&] { in.put(line{"x"}); });
      select_one();
      CHECK(got == "x");
      in.shutdown();
      CHECK(in.ready());
      CHECK(error_of(select_one).find("closed") != std::string::npos);
    });
  }

  TEST_CASE("those who watch an inbox keep no mail from those who take") {
    in_hub([] {
      mail in;
      const auto watching = spawn([&] { return wait({in}, 1s).size(); });
      const auto taking = spawn([&] { return text_of(in.get()); });
      yield();
      in.put(number{1});
      CHECK(taking.get() == "1");
      watching.join();
    });
  }

  // --- outside greenlets ---------------------------------------------------

  TEST_CASE("a hub callback may put and take, but not wait") {
    in_hub([] {
      numbers in{1};
      bool checked = false;
      hub::current().post([&] {
        CHECK_THROWS_AS(in.get(), wait_refused);
        CHECK_THROWS_AS(in.get<number>(), wait_refused);
        CHECK(in.try_put(number{1}));
        in.put_system(number{2});
        CHECK_THROWS_AS(in.put(number{3}), wait_refused);
        CHECK(contents(in) == "2 1");
        checked = true;
      });
      idle();
      CHECK(checked);
      const no_wait guard;
      CHECK_THROWS_AS(in.get(), wait_refused);
    });
  }

  TEST_CASE("an inbox refuses the thread of another hub") {
    in_hub([] {
      numbers in{1};
      std::thread([&] {
        CHECK_THROWS_AS(in.get(), wrong_hub);
        CHECK_THROWS_AS(in.get<number>(), wrong_hub);
      }).join();
      in.put(number{1});
      std::thread([&] {
        CHECK_THROWS_AS(in.put(number{2}), wrong_hub);
#ifndef NDEBUG
        CHECK_THROWS_AS(in.get(), wrong_hub);
        CHECK_THROWS_AS(in.put_system(number{2}), wrong_hub);
#endif
      }).join();
      CHECK(contents(in) == "1");
    });
  }

  TEST_CASE("a deadlock report names the inbox's call") {
    in_hub([] {
      numbers in{1};
      const auto has = [](const std::string& all, const char* part) {
        return all.find(part) != std::string::npos;
      };
      CHECK(has(error_of([&] { in.get<number>(); }), "inbox::get"));
      in.put(number{1});
      CHECK(has(error_of([&] { in.put(number{2}); }), "inbox::put"));
      const auto never = [](const number&) { return false; };
      CHECK(has(error_of([&] { in.get_if(never); }), "inbox::get_if"));
      CHECK(contents(in) == "1");
    });
  }

  // --- against a model -----------------------------------------------------

  TEST_CASE("an inbox does what a plain list would") {
    struct entry {
      int value;
      bool counted;
    };
    for (unsigned seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      in_hub([&] {
        std::mt19937 random{seed};
        const auto below = [&](int end) {
          return static_cast<int>(random() % static_cast<unsigned>(end));
        };
        constexpr int capacity = 4;
        numbers in{capacity, when_full::drop_oldest};
        std::deque<entry> system, rest, stash;
        std::size_t dropped = 0;
        const auto counted = [&] {
          return std::count_if(rest.begin(), rest.end(),
                               [](const entry& each) { return each.counted; });
        };
        const auto choose = [&](int divisor) -> std::optional<int> {
          for (auto* list : {&system, &rest})
            for (auto each = list->begin(); each != list->end(); ++each)
              if (each->value % divisor == 0) {
                const int value = each->value;
                list->erase(each);
                return value;
              }
          return std::nullopt;
        };
        for (int i = 0; i < 2000; ++i) {
          std::optional<number> taken;
          std::optional<int> expected;
          switch (below(8)) {
          case 0:
          case 1:
          case 2:
            if (counted() == capacity) {
              rest.erase(
                  std::find_if(rest.begin(), rest.end(),
                               [](const entry& each) { return each.counted; }));
              ++dropped;
            }
            rest.push_back({i, true});
            in.put(number{i});
            break;
          case 3:
            system.push_back({i, false});
            in.put_system(number{i});
            break;
          case 4:
            rest.push_back({i, false});
            in.put_system(number{i}, system_order::in_turn);
            break;
          case 5:
            expected = choose(1);
            taken = in.try_get<number>();
            break;
          case 6: {
            const int divisor = 1 + below(5);
            expected = choose(divisor);
            taken = in.try_get_if<number>([&](const number& message) {
              return message.value % divisor == 0;
            });
            if (taken && below(2) == 0) {
              stash.push_back({taken->value, false});
              in.stash(*taken);
            }
            break;
          }
          case 7:
            rest.insert(rest.begin(), stash.begin(), stash.end());
            stash.clear();
            in.unstash_all();
            break;
          }
          REQUIRE(taken.has_value() == expected.has_value());
          if (taken) REQUIRE(taken->value == *expected);
          REQUIRE(in.size() == system.size() + rest.size());
          REQUIRE(in.dropped() == dropped);
          REQUIRE(in.stashed() == stash.size());
          REQUIRE(in.full() == (counted() >= capacity));
        }
      });
    }
  }

  TEST_CASE("with kills at every wait each message is taken exactly once") {
    for (unsigned seed = 1; seed <= 10; ++seed) {
      CAPTURE(seed);
      in_hub([&] {
        std::mt19937 random{seed};
        numbers in{3};
        constexpr int count = 1000;
        std::vector<int> put(count), taken(count);
        int next = 0;
        const auto note = [&](const number& message) {
          ++taken[static_cast<std::size_t>(message.value)];
        };
        const auto put_some = [&] {
          while (next < count) {
            const auto value = static_cast<std::size_t>(next++);
            in.put(number{static_cast<int>(value)});
            ++put[value]; // nothing waits between the two
          }
        };
        const auto take_any = [&] {
          for (;;)
            note(std::get<number>(in.get()));
        };
        const auto take_odd = [&] {
          for (;;)
            note(in.get_if<number>(
                [](const number& message) { return message.value % 2 == 1; },
                1s));
        };
        std::vector<any_greenlet> all;
        const auto spawn_one = [&](std::size_t which) -> any_greenlet {
          if (which % 3 == 0) return spawn(put_some);
          if (which % 3 == 1) return spawn(take_any);
          return spawn([&] { error_of(take_odd); });
        };
        for (std::size_t i = 0; i < 9; ++i)
          all.push_back(spawn_one(i));
        for (int kills = 0; kills < 100'000; ++kills) {
          if (next >= count) break;
          for (unsigned turns = random() % 3; turns > 0; --turns)
            yield();
          const std::size_t victim = random() % all.size();
          random() % 2 ? (void)all[victim].kill() : all[victim].kill_soon();
          all[victim] = spawn_one(victim);
        }
        idle();
        for (const auto& each : all)
          each.kill();
        CHECK(in.empty());
        CHECK(next == count);
        CHECK(put == taken);
      });
    }
  }
}
