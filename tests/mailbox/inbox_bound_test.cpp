// The bound of an inbox and what is outside it.

#include "hub/support.hpp"
#include "mailbox/inbox_messages.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/inbox.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
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
}
