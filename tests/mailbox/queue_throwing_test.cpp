#include "hub/support.hpp"
#include "mailbox/fragile.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

using namespace greenroom;
using test::error_of;
using test::fragile;
using test::in_hub;

TEST_SUITE("mailbox") {
  TEST_CASE("an item that throws when moved is delivered once or is still "
            "there") {
    const auto take_by_get = [](queue<fragile>& from) {
      return std::optional<fragile>{std::in_place, from.get()};
    };
    const auto take_by_error_form = [](queue<fragile>& from) {
      std::error_code failed;
      return from.get({}, failed);
    };
    const auto take_by_try = [](queue<fragile>& from) {
      return from.try_get();
    };
    const auto check = [](auto take) {
      for (int strike = 1; strike < 6; ++strike) {
        CAPTURE(strike);
        queue<fragile> items{1};
        items.try_put(fragile{1});
        fragile::countdown = strike;
        std::optional<int> taken;
        try {
          taken = take(items)->id;
        } catch (const std::runtime_error&) {
        }
        fragile::countdown = 0;
        CHECK(items.size() == (taken ? 0 : 1));
        if (taken) CHECK(taken == 1);
      }
    };
    in_hub([&] {
      check(take_by_error_form);
      check(take_by_try);
      queue<fragile> items{1};
      items.try_put(fragile{1});
      fragile::countdown = 1;
      CHECK_THROWS_AS(take_by_get(items), std::runtime_error);
      CHECK(items.size() == 1);
      fragile::countdown = 0;
    });
  }

  TEST_CASE("a getter whose item throws leaves it to the next getter") {
    in_hub([] {
      queue<fragile> items;
      std::string order;
      const auto first =
          spawn([&] { order += error_of([&] { items.get(); }); });
      const auto second =
          spawn([&] { order += " then " + std::to_string(items.get().id); });
      yield();
      items.try_put(fragile{5});
      fragile::countdown = 1;
      yield();
      CHECK(order == "std::runtime_error: it broke then 5");
      first.join();
      second.join();
    });
  }

  TEST_CASE("a putter whose item throws makes way for the next putter") {
    in_hub([] {
      queue<fragile> items{1};
      items.try_put(fragile{0});
      std::string error;
      spawn([&] { error = error_of([&] { items.put(fragile{1}); }); });
      spawn([&] { items.put(fragile{2}); });
      yield();
      CHECK(items.get().id == 0);
      fragile::countdown = 1;
      yield();
      CHECK(error == "std::runtime_error: it broke");
      CHECK(items.size() == 1);
      CHECK(items.get().id == 2);
      CHECK(items.empty());
    });
  }
}
