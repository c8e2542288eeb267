// What happens to a channel's items, also to those that throw.

#include "hub/support.hpp"
#include "mailbox/fragile.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/channel.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using test::error_of;
using test::fragile;
using test::in_hub;

namespace {

using ints = std::vector<int>;

} // namespace

TEST_SUITE("mailbox") {
  // --- items --------------------------------------------------------------

  TEST_CASE("an item of a channel is moved once, from hand to hand") {
    struct counted {
      explicit counted(int& count) : moves(count) {}
      counted(counted&& other) noexcept : moves(other.moves) { ++moves; }
      int& moves;
    };
    in_hub([] {
      channel<counted> meeting;
      int moves = 0;
      std::error_code failed;
      const auto get = [&] { meeting.get(); };
      const auto get_code = [&] {
        const auto got = meeting.get({}, failed);
        CHECK(got.has_value());
      };
      const auto try_get = [&] {
        if (!meeting.try_get()) get_code();
      };
      const auto meet = [&](auto take, bool first) {
        moves = 0;
        const auto getter = spawn(take);
        if (first) yield();
        meeting.put(counted{moves});
        getter.join();
        CHECK(moves == 1);
      };
      for (const bool first : {true, false}) {
        meet(get, first);
        meet(get_code, first);
        meet(try_get, first);
      }
    });
  }

  TEST_CASE("a channel passes on what can only be moved, well aligned") {
    struct alignas(64) line {
      std::unique_ptr<int> number;
      std::array<std::uint64_t, 7> rest{};
    };
    in_hub([] {
      channel<line> meeting;
      const auto putter = spawn([&] {
        for (int i = 0; i < 10; ++i)
          meeting.put(line{std::make_unique<int>(i)});
      });
      for (int i = 0; i < 10; ++i) {
        const line taken = meeting.get();
        CHECK(reinterpret_cast<std::uintptr_t>(&taken) % 64 == 0);
        CHECK(*taken.number == i);
      }
      putter.join();
    });
  }

  TEST_CASE("an item offered is as it was when put was called") {
    in_hub([] {
      channel<std::string> meeting;
      std::string text = "first";
      const auto putter = spawn([&] { meeting.put(text); });
      yield();
      text = "changed";
      CHECK(meeting.get() == "first");
      putter.join();
    });
  }

  TEST_CASE("an item that throws when taken stays on offer for the next") {
    in_hub([] {
      channel<fragile> meeting;
      std::string order;
      SUBCASE("when the getters wait already") {
        const auto first =
            spawn([&] { order += error_of([&] { meeting.get(); }); });
        const auto second = spawn([&] {
          std::error_code failed;
          order += " then " + std::to_string(meeting.get({}, failed)->id);
        });
        yield();
        fragile::countdown = 1;
        meeting.put(fragile{5});
        first.join();
        second.join();
        CHECK(order == "std::runtime_error: it broke then 5");
      }
      SUBCASE("when a quick one finds it") {
        fragile item{5};
        const auto putter = spawn([&] { meeting.put(std::move(item)); });
        yield();
        fragile::countdown = 1;
        CHECK_THROWS_AS(meeting.try_get(), std::runtime_error);
        CHECK(item.id == 5);
        CHECK(meeting.balance() == 1);
        CHECK(meeting.get().id == 5);
        putter.join();
      }
      SUBCASE("when a callback hands it over") {
        const auto getter =
            spawn([&] { order = std::to_string(meeting.get().id); });
        yield();
        fragile item{5};
        fragile::countdown = 1;
        CHECK_THROWS_AS(meeting.try_put(std::move(item)), std::runtime_error);
        CHECK(item.id == 5);
        CHECK(meeting.balance() == -1);
        CHECK(meeting.try_put(std::move(item)));
        getter.join();
        CHECK(order == "5");
      }
      CHECK(meeting.balance() == 0);
    });
  }

  TEST_CASE("an item handed over by try_put that throws when taken is taken by "
            "the next") {
    in_hub([] {
      channel<fragile> meeting;
      const auto get = [&] {
        int id = 5;
        const std::string error = error_of([&] { id = meeting.get().id; });
        CHECK(id == 5);
        return error;
      };
      const auto broken = spawn(get);
      yield();
      const auto hand_over = [&] {
        CHECK(meeting.try_put(fragile{5}));
        fragile::countdown = 1;
        CHECK(broken.get() == "std::runtime_error: it broke");
      };
      SUBCASE("when that waits already") {
        const auto next = spawn(get);
        yield();
        hand_over();
        CHECK(next.get().empty());
      }
      SUBCASE("when that comes later") {
        hand_over();
        CHECK(meeting.ready());
        CHECK(meeting.balance() == 1);
        CHECK(get().empty());
      }
      SUBCASE("when the channel is shut in between") {
        hand_over();
        meeting.shutdown();
        CHECK_FALSE(meeting.drained());
        CHECK(get().empty());
        CHECK(meeting.drained());
        CHECK(get() == "std::system_error: channel::get: closed");
      }
      CHECK(meeting.balance() == 0);
    });
  }

  TEST_CASE("what try_put hands over takes its turn among the offers") {
    in_hub([] {
      channel<int> meeting;
      ints taken;
      const auto reader = [&] { taken.push_back(meeting.get()); };
      std::vector<any_greenlet> all;
      for (int i = 0; i < 3; ++i)
        all.push_back(spawn(reader));
      yield();
      all.push_back(spawn([&] { meeting.put(1); }));
      all.push_back(spawn([&] {
        CHECK(meeting.try_put(2));
        meeting.put(3);
      }));
      joinall(all);
      CHECK(taken == ints{1, 2, 3});
      CHECK(meeting.balance() == 0);
    });
  }

  TEST_CASE("a quicker get may take what was handed over") {
    in_hub([] {
      channel<int> meeting;
      const auto waiting = spawn([&] { return meeting.get(); });
      yield();
      CHECK(meeting.try_put(1));
      CHECK(meeting.try_get() == 1);
      yield();
      CHECK_FALSE(waiting.dead());
      meeting.put(2);
      CHECK(waiting.get() == 2);
    });
  }
}
