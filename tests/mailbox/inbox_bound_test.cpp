// The bound of an inbox and what is outside it; and an inbox among others,
// outside greenlets, and beside a plain list.

#include "hub/support.hpp"
#include "mailbox/inbox_messages.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/inbox.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("mailbox") {
  // --- the bound -----------------------------------------------------------

  TEST_CASE("a full inbox suspends the putter until mail is taken") {
    in_hub([] {
      mail in{2};
      CHECK(in.capacity() == 2);
      CHECK(in.policy() == when_full::wait);
      int put = 0;
      const auto putter = spawn([&] {
        for (; put < 4; ++put)
          in.put(number{put});
      });
      yield();
      CHECK(put == 2);
      CHECK(in.full());
      CHECK_FALSE(in.try_put(line{"no room"}));
      CHECK(in.get<number>().value == 0);
      CHECK(put == 2);
      yield();
      CHECK(put == 3);
      CHECK(contents(in) == "1 2");
      putter.join();
      CHECK(contents(in) == "3");
    });
  }

  TEST_CASE("putters are served oldest first, and keep their place") {
    in_hub([] {
      numbers in{1};
      in.put(number{0});
      std::vector<any_greenlet> putters;
      for (int i = 1; i <= 4; ++i)
        putters.push_back(spawn([&, i] { in.put(number{i}); }));
      yield();
      for (int i = 0; i < 3; ++i) { // overtaken
        in.get();
        in.put(number{0});
        yield();
      }
      putters[1].kill();
      std::string order;
      for (int i = 0; i < 4; ++i)
        order += text_of(in.get());
      CHECK(order == "0134");
    });
  }

  TEST_CASE("a putter and a getter take turns when both can go on") {
    in_hub([] {
      numbers in{3};
      std::string order;
      for (int i = 0; i < 3; ++i)
        in.put(number{i});
      for (int i = 3; i < 6; ++i)
        spawn([&, i] {
          in.put(number{i});
          order += "p" + std::to_string(i);
        });
      yield();
      contents(in);
      for (int i = 0; i < 3; ++i)
        spawn(spawn_options{.order = start_order::next},
              [&] { order += "g" + text_of(in.get()); });
      yield();
      yield();
      CHECK(order == "p3g3p4g4p5g5");
    });
  }

  TEST_CASE("a message that could not be put stays with its owner") {
    for (const when_full policy : {when_full::wait, when_full::refuse})
      in_hub([&] {
        inbox<std::unique_ptr<int>> in{1, policy};
        in.put(std::make_unique<int>(1));
        auto mine = std::make_unique<int>(2);
        std::error_code failed;
        CHECK_FALSE(in.put(std::move(mine), 1s, failed));
        if (policy == when_full::wait) {
          CHECK(failed == errc::timed_out);
          CHECK(error_of([&] { in.put(std::move(mine), 1s); }) ==
                "std::system_error: inbox::put: timed out");
          const auto putter = spawn([&] { in.put(std::move(mine)); });
          yield();
          putter.kill();
          CHECK_FALSE(timeout{1s}.run([&] { in.put(std::move(mine)); }));
        } else {
          CHECK(failed == errc::full);
          CHECK(error_of([&] { in.put(std::move(mine)); }) ==
                "std::system_error: inbox::put: full");
        }
        CHECK_FALSE(in.try_put(std::move(mine)));
        in.shutdown();
        CHECK_FALSE(in.put(std::move(mine), {}, failed));
        CHECK(failed == errc::closed);
        REQUIRE(mine);
        CHECK(*mine == 2);
      });
  }

  TEST_CASE("a putter killed after room was made leaves it to the next") {
    in_hub([] {
      numbers in{1};
      in.put(number{0});
      const auto first = spawn([&] { in.put(number{1}); });
      const auto second = spawn([&] { in.put(number{2}); });
      yield();
      in.get();
      first.kill();
      second.join();
      CHECK(contents(in) == "2");
    });
  }

  TEST_CASE("drop_oldest makes room, drop_newest does not let it in") {
    for (const when_full policy :
         {when_full::drop_oldest, when_full::drop_newest})
      in_hub([&] {
        mail in{2, policy};
        std::string dropped;
        in.put(number{0});
        in.put(number{1});
        in.put(number{2});
        CHECK(in.dropped() == 1);
        in.on_drop([&](const auto& message) { dropped += text_of(message); });
        CHECK(in.try_put(line{"3"}));
        std::error_code failed;
        CHECK(in.put(number{4}, {}, failed));
        CHECK(in.dropped() == 3);
        in.on_drop({});
        CHECK(in.put(number{5}, {}, failed));
        CHECK(in.dropped() == 4);
        CHECK(in.size() == 2);
        const bool oldest = policy == when_full::drop_oldest;
        CHECK(dropped == (oldest ? "12" : "34"));
        CHECK(contents(in) == (oldest ? "4 5" : "0 1"));
      });
  }

  TEST_CASE("an inbox for less than one message is refused") {
    in_hub([] {
      CHECK_THROWS_WITH_AS(numbers{0}, "inbox: a capacity of 0 messages",
                           std::invalid_argument);
      CHECK_THROWS_WITH_AS(numbers{-1}, "inbox: a capacity of -1 messages",
                           std::invalid_argument);
      CHECK(numbers{std::size_t{3}}.capacity() == 3);
      CHECK(numbers{}.capacity() == numbers::unbounded);
    });
  }

  TEST_CASE("a put by the receiver that would wait is an error") {
    in_hub([] {
      numbers in{1};
      in.taken_by(current());
      in.put(number{1});
      CHECK(error_of([&] {
              in.put(number{2});
            }).find("inbox::put: Resource deadlock avoided") !=
            std::string::npos);
      std::error_code failed;
      CHECK_FALSE(in.put(number{2}, 1s, failed));
      CHECK(failed == std::errc::resource_deadlock_would_occur);
      const auto other = spawn([&] { in.put(number{3}); });
      yield();
      CHECK(contents(in) == "1");
      other.join();
      CHECK(contents(in) == "3");
    });
  }

  // --- system messages -----------------------------------------------------

  TEST_CASE("system messages go ahead of mail and are outside the bound") {
    in_hub([] {
      mail in{1};
      in.put(number{1});
      in.put_system(line{"a"});
      in.put_system(line{"end"}, system_order::in_turn);
      in.put_system(line{"b"});
      CHECK(in.size() == 4);
      CHECK_FALSE(in.try_put(number{2}));
      CHECK(in.get<number>().value == 1);
      CHECK(in.try_put(number{2}));
      in.stash(in.get());
      in.unstash_all();
      in.put_system(line{"c"});
      CHECK(contents(in) == "b c a end 2");
    });
  }

  TEST_CASE("a choosing getter sees system messages that come while it waits") {
    in_hub([] {
      mail in;
      in.put(number{1});
      int shown = 0;
      const auto getter = spawn([&] {
        return text_of(in.get_if([&](const auto& message) {
          ++shown;
          return text_of(message) == "now";
        }));
      });
      yield();
      in.put_system(line{"soon"});
      yield();
      in.put(number{2});
      in.put_system(line{"now"});
      in.put_system(line{"late"});
      CHECK(getter.get() == "now");
      CHECK(shown == 3);
      CHECK(contents(in) == "soon late 1 2");
    });
  }

  TEST_CASE("what is outside the bound is never dropped") {
    in_hub([] {
      mail in{2, when_full::drop_oldest};
      in.put(number{1});
      in.put(number{2});
      in.stash(in.get());
      in.stash(in.get());
      in.put_system(line{"a"}, system_order::in_turn);
      in.put(number{3});
      in.put_system(line{"b"}, system_order::in_turn);
      in.put_system(line{"c"});
      in.unstash_all();
      for (int i = 4; i < 10; ++i)
        in.put(number{i});
      CHECK(in.dropped() == 5);
      CHECK(text_of(in.get_if<line>([](const line& message) {
              return message.text == "a";
            })) == "a");
      in.put(number{10});
      CHECK(contents(in) == "c 1 2 b 9 10");
    });
  }

  TEST_CASE("a drop takes the same time however much stands before it") {
    in_hub([] {
      numbers in{1, when_full::drop_oldest};
      constexpr int many = 100'000; // seconds, if each drop walked past them
      for (int i = 0; i < many; ++i)
        in.put_system(number{i}, system_order::in_turn);
      for (int i = 0; i < many; ++i)
        in.put(number{i});
      CHECK(in.dropped() == many - 1);
    });
  }

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
