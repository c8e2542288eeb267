// What an inbox holds, and who takes what.

#include "hub/support.hpp"
#include "mailbox/inbox_messages.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/inbox.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

using trace = std::vector<std::string>;

TEST_SUITE("mailbox") {
  // --- in order ------------------------------------------------------------

  TEST_CASE("mail of several types is taken in the order of its arrival") {
    in_hub([] {
      mail in;
      in.put(number{1});
      in.put(line{"two"});
      in.put(quit{});
      CHECK(in.size() == 3);
      CHECK(std::get<number>(in.get()).value == 1);
      CHECK(std::get<line>(*in.try_get()).text == "two");
      std::error_code failed;
      CHECK(text_of(*in.get(1s, failed)) == "quit");
      CHECK_FALSE(failed);
      CHECK(in.empty());
      CHECK_FALSE(in.try_get());
    });
  }

  TEST_CASE("an empty inbox suspends the getter until mail comes") {
    in_hub([] {
      mail in;
      trace order;
      const auto getter = spawn([&] {
        order.push_back("get");
        order.push_back("got " + text_of(in.get()));
      });
      yield();
      order.push_back("put");
      in.put(number{7});
      order.push_back("put is back");
      getter.join();
      CHECK(order == trace{"get", "put", "put is back", "got 7"});
    });
  }

  TEST_CASE("an inbox holds what can only be moved, and a copy of an lvalue") {
    in_hub([] {
      inbox<std::unique_ptr<int>, std::string> in;
      in.put(std::make_unique<int>(1));
      std::string text = "text";
      in.put(text);
      CHECK(text == "text");
      CHECK(in.try_put(text));
      CHECK(*in.get<std::unique_ptr<int>>() == 1);
      CHECK(std::get<std::string>(in.get()) == "text");
    });
  }

  TEST_CASE("a message put by a waiting put is as it was at the call") {
    in_hub([] {
      inbox<std::string> in{1};
      in.put(std::string("first"));
      std::string text = "second";
      const auto putter = spawn([&] { in.put(text); });
      yield();
      text = "changed";
      CHECK(in.get<std::string>() == "first");
      CHECK(in.get<std::string>() == "second");
      putter.join();
    });
  }

  TEST_CASE("an inbox keeps the alignment of its messages") {
    struct alignas(64) wide {
      std::array<std::uint64_t, 8> words;
    };
    const auto aligned = [](const wide& message) {
      return reinterpret_cast<std::uintptr_t>(&message) % 64 == 0;
    };
    in_hub([&] {
      inbox<wide, quit> in;
      for (std::uint64_t i = 0; i < 20; ++i)
        in.put(wide{{0, 0, 0, 0, 0, 0, 0, i}});
      for (std::uint64_t i = 0; i < 20; ++i)
        CHECK(in.get_if<wide>(aligned).words[7] == i);
    });
  }

  TEST_CASE("an inbox is small until it needs more") {
    CHECK(sizeof(inbox_base) <= 40);
    CHECK(sizeof(mail) == sizeof(inbox_base));
  }

  // --- by choice -----------------------------------------------------------

  TEST_CASE("mail of one type is taken past the others, which stay in order") {
    in_hub([] { // OTP's C01
      mail in;
      in.put(number{1});
      in.put(line{"a"});
      in.put(number{2});
      in.put(line{"b"});
      in.put(quit{});
      CHECK(in.get<line>().text == "a");
      CHECK(in.get_if<number>(is(2)).value == 2);
      in.get<quit>();
      CHECK(in.size() == 2);
      in.put(number{3});
      CHECK(contents(in) == "1 b 3");
    });
  }

  TEST_CASE("a choice that does not wait looks at all the mail") {
    in_hub([] { // OTP's C02
      mail in;
      CHECK_FALSE(in.try_get<quit>());
      for (int i = 0; i < 100; ++i)
        in.put(number{i});
      in.put(quit{});
      CHECK_FALSE(in.try_get<line>());
      CHECK_FALSE(in.try_get_if<number>(is(100)));
      CHECK(in.try_get_if<number>(is(99))->value == 99);
      CHECK(in.try_get<quit>());
      CHECK(in.size() == 99);
      std::error_code failed;
      CHECK(time_of([&] { CHECK_FALSE(in.get<quit>(0s, failed)); }) == 0s);
      CHECK(failed == errc::timed_out);
    });
  }

  TEST_CASE("the oldest message that is wanted is taken, whatever its type") {
    in_hub([] { // OTP's C04: message order beats clause order
      mail in;
      in.put(quit{});
      in.put(line{"x"});
      in.put(number{1});
      struct {
        bool operator()(const number&) { return true; }
        bool operator()(const line& message) { return message.text == "x"; }
      } wanted;
      CHECK(text_of(in.get_if(wanted)) == "x");
      CHECK(text_of(*in.try_get_if(wanted)) == "1");
      CHECK_FALSE(in.try_get_if(wanted));
      std::error_code failed;
      CHECK_FALSE(in.get_if(wanted, 1s, failed));
      CHECK(failed == errc::timed_out);
      CHECK(contents(in) == "quit");
    });
  }

  TEST_CASE("a predicate is shown each message once, while mail arrives") {
    in_hub([] {
      numbers in;
      for (int i = 0; i < 100; ++i)
        in.put(number{i});
      std::vector<int> shown;
      const auto getter = spawn([&] {
        return in
            .get_if<number>([&](const number& message) {
              shown.push_back(message.value);
              return message.value == 1000;
            })
            .value;
      });
      for (int i = 100; i <= 1000; ++i) {
        in.put(number{i});
        if (i % 3 == 0) yield();
      }
      CHECK(getter.get() == 1000);
      REQUIRE(shown.size() == 1001);
      for (int i = 0; i <= 1000; ++i)
        CHECK(shown[static_cast<std::size_t>(i)] == i);
      CHECK(in.size() == 1000);
    });
  }

  TEST_CASE("what a choosing getter has seen last may be taken or dropped") {
    for (const bool drops : {false, true}) {
      CAPTURE(drops);
      in_hub([&] {
        numbers in{3, when_full::drop_oldest};
        int shown = 0;
        const auto getter = spawn([&] {
          return in
              .get_if<number>([&](const number& message) {
                ++shown;
                return message.value == 9;
              })
              .value;
        });
        for (int i = 0; i < 3; ++i)
          in.put(number{i});
        yield();
        CHECK(shown == 3);
        if (drops) {
          in.put(number{3});
          in.put(number{4});
          in.put(number{5});
        } else {
          CHECK(in.get_if<number>(is(2)).value == 2);
          CHECK(contents(in) == "0 1");
          in.put(number{5});
        }
        yield();
        CHECK(shown == (drops ? 6 : 4));
        in.put(number{9});
        CHECK(getter.get() == 9);
        CHECK(contents(in) == (drops ? "4 5" : "5"));
      });
    }
  }

  TEST_CASE("a predicate that throws leaves the mail where it is") {
    in_hub([] {
      numbers in;
      in.put(number{1});
      const auto broken = [](const number& message) -> bool {
        if (message.value == 2) throw std::runtime_error("no idea");
        return false;
      };
      std::string error;
      const auto getter =
          spawn([&] { error = error_of([&] { in.get_if<number>(broken); }); });
      yield();
      CHECK(error.empty());
      in.put(number{2});
      getter.join();
      CHECK(error == "std::runtime_error: no idea");
      CHECK(error_of([&] { in.try_get_if(broken); }) == error);
      CHECK(contents(in) == "1 2");
    });
  }

  TEST_CASE("a predicate may put, but neither wait nor take") {
    in_hub([] {
      mail in{2, when_full::drop_oldest};
      in.put(number{1});
      const auto with = [&](auto&& act) {
        return error_of([&] {
          in.try_get_if<number>([&](const number&) {
            act();
            return false;
          });
        });
      };
      CHECK(with([&] { yield(); }).find("no_wait") != std::string::npos);
      const std::string refused = " within the predicate of inbox::get_if";
      CHECK(with([&] { in.try_get(); }) ==
            "std::logic_error: inbox::get" + refused);
      CHECK(with([&] { in.shutdown_now(); }) ==
            "std::logic_error: inbox::shutdown_now" + refused);
      CHECK(with([&] { in.unstash_all(); }) ==
            "std::logic_error: inbox::unstash_all" + refused);
      CHECK(with([&] { in.put(line{"put"}); }) == "");
      CHECK(with([&] { in.put(quit{}); }) ==
            "std::logic_error: inbox::put into a full inbox" + refused);
      CHECK(contents(in) == "1 put");
    });
  }

  TEST_CASE("each choosing getter gets what it waits for") {
    in_hub([] {
      numbers in;
      constexpr int count = 100;
      std::vector<greenlet<int>> getters;
      for (int i = 0; i < count; ++i)
        getters.push_back(
            spawn([&, i] { return in.get_if<number>(is(i)).value; }));
      yield();
      for (int i = 0; i < count; ++i) {
        in.put(number{i * 37 % count});
        if (i % 7 == 0) yield();
      }
      for (int i = 0; i < count; ++i)
        CHECK(getters[static_cast<std::size_t>(i)].get() == i);
      CHECK(in.empty());
    });
  }

  // --- turns ---------------------------------------------------------------

  TEST_CASE("getters are served oldest first, choosing or not") {
    in_hub([] {
      mail in;
      std::string order;
      spawn([&] { order += "a" + text_of(in.get<quit>()) + " "; });
      spawn([&] { order += "b" + text_of(in.get<number>()) + " "; });
      spawn([&] { order += "c" + text_of(in.get()) + " "; });
      spawn([&] { order += "d" + text_of(in.get<number>()) + " "; });
      spawn([&] { order += "e" + text_of(in.get()) + " "; });
      yield();
      for (int i = 1; i <= 3; ++i)
        in.put(number{i});
      yield();
      CHECK(order == "b1 c2 d3 ");
      in.put(quit{});
      in.put(line{"x"});
      yield();
      CHECK(order == "b1 c2 d3 aquit ex ");
    });
  }

  TEST_CASE("a getter overtaken by another keeps its place") {
    in_hub([] {
      numbers in;
      std::string order;
      const auto any = [](const number&) { return true; };
      spawn([&] { order += "a" + text_of(in.get()); });
      spawn([&] { order += "b" + text_of(in.get_if<number>(any)); });
      spawn([&] { order += "c" + text_of(in.get()); });
      yield();
      for (int i = 0; i < 5; ++i) {
        in.put(number{0});
        in.get();
        yield();
      }
      CHECK(order.empty());
      for (int i = 1; i <= 3; ++i)
        in.put(number{i});
      yield();
      CHECK(order == "a1b2c3");
    });
  }

  TEST_CASE("a getter that finds what it wants goes ahead of those that wait") {
    in_hub([] {
      mail in;
      int late = 0;
      const auto waiting = spawn([&] { late = in.get<number>().value; });
      yield();
      in.put(number{1});
      CHECK(in.get<number>().value == 1);
      yield();
      CHECK(late == 0);
      in.put(number{2});
      waiting.join();
      CHECK(late == 2);
    });
  }

  TEST_CASE("mail that one getter declines goes to the next") {
    in_hub([] {
      mail in;
      std::string order;
      const auto first = spawn([&] { in.get<quit>(); });
      const auto second = spawn([&] { order += text_of(in.get()); });
      yield();
      in.put(line{"declined"});
      second.join();
      CHECK(order == "declined");
      CHECK(first.started());
      in.put(quit{});
      first.join();
    });
  }

  TEST_CASE("getters and putters that never end let others have a turn") {
    in_hub([] {
      mail in{1};
      std::vector<any_greenlet> all;
      all.push_back(spawn([&] {
        for (;;)
          in.put(number{1});
      }));
      all.push_back(spawn([&] {
        for (;;)
          in.get();
      }));
      all.push_back(spawn([&] {
        for (;;)
          in.get<line>();
      }));
      for (int i = 0; i < 10; ++i)
        yield();
      for (const auto& each : all)
        each.kill();
    });
  }

  // --- stash ---------------------------------------------------------------

  TEST_CASE("stashed mail comes back ahead of the rest, in order") {
    in_hub([] {
      mail in{2};
      in.put(number{1});
      in.put(line{"2"});
      in.stash(in.get());
      in.stash(in.get<line>());
      CHECK(in.stashed() == 2);
      CHECK(in.empty());
      in.unstash_all();
      CHECK(in.stashed() == 0);
      CHECK(in.size() == 2);
      CHECK_FALSE(in.full());
      in.put(number{3});
      in.put(number{4});
      in.stash(in.get());
      in.unstash_all();
      in.unstash_all();
      CHECK(contents(in) == "1 2 3 4");
    });
  }

  TEST_CASE("unstashed mail is shown to those who wait") {
    in_hub([] {
      mail in;
      in.put(number{1});
      in.put(number{2});
      in.stash(in.get());
      const auto choosing =
          spawn([&] { return in.get_if<number>(is(1)).value; });
      yield();
      in.unstash_all();
      CHECK(choosing.get() == 1);
      in.stash(in.get());
      const auto waiting = spawn([&] { return text_of(in.get()); });
      yield();
      in.unstash_all();
      CHECK(waiting.get() == "2");
    });
  }
}
