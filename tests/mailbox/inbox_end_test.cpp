// What ends a wait in an inbox, a message or the inbox itself.

#include "hub/support.hpp"
#include "mailbox/fragile.hpp"
#include "mailbox/inbox_messages.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/inbox.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

using trace = std::vector<std::string>;

TEST_SUITE("mailbox") {
  // --- deadlines, kills and timeouts ---------------------------------------

  TEST_CASE("getting gives up at its deadline") {
    in_hub([] {
      mail in;
      in.put(number{1});
      CHECK(time_of([&] {
              CHECK(error_of([&] { in.get<line>(2s); }) ==
                    "std::system_error: inbox::get: timed out");
              CHECK(error_of([&] { in.get_if<number>(is(2), 2s); }) ==
                    "std::system_error: inbox::get_if: timed out");
            }) == 4s);
      in.get(0s);
      CHECK(error_of([&] { in.get(1s); }) ==
            "std::system_error: inbox::get: timed out");
      std::error_code failed;
      CHECK_FALSE(in.get(1s, failed));
      CHECK(failed == errc::timed_out);
      CHECK_FALSE(in.get<number>(1s, failed));
      CHECK_FALSE(in.get_if<number>(is(1), 1s, failed));
      in.put(number{1});
      CHECK(in.get_if<number>(is(1), 1s, failed)->value == 1);
      CHECK_FALSE(failed);
    });
  }

  TEST_CASE("mail that comes at the very deadline is taken or still there") {
    in_hub([] {
      numbers in;
      std::error_code failed;
      // The hub notices both in one turn; the mail is handed on in the next.
      spawn_later(1s, [&] { in.put(number{5}); });
      CHECK_FALSE(in.get(1s, failed));
      yield();
      CHECK(contents(in) == "5");
    });
  }

  // GEVENT.md 3.2, 35
  TEST_CASE("of two waiters one dies, and the other gets the mail") {
    for (const bool first_dies : {true, false})
      for (const bool choosing : {true, false})
        for (const bool woken : {true, false}) {
          CAPTURE(first_dies);
          CAPTURE(choosing);
          CAPTURE(woken);
          in_hub([&] {
            mail in;
            std::string taken;
            const auto get = [&] {
              taken += choosing ? text_of(in.get<number>()) : text_of(in.get());
            };
            const any_greenlet first = spawn(get);
            const any_greenlet second = spawn(get);
            yield();
            if (woken) in.put(number{1});
            (first_dies ? first : second).kill();
            if (!woken) in.put(number{1});
            (first_dies ? second : first).join();
            CHECK(taken == "1");
            CHECK(in.empty());
          });
        }
  }

  TEST_CASE(
      "a getter killed just before its turn takes the mail or leaves it") {
    in_hub([] {
      mail in;
      std::string taken;
      const auto first = spawn([&] { taken = text_of(in.get<number>()); });
      yield();
      spawn([&] { first.kill_soon(); });
      in.put(number{1});
      first.join();
      CHECK(first.killed());
      CHECK(taken.empty());
      CHECK(contents(in) == "1");
    });
  }

  TEST_CASE(
      "a kill taken back lets a getter see the mail that came meanwhile") {
    in_hub([] {
      mail in;
      std::string taken;
      const auto getter = spawn([&] {
        timeout limit{1s};
        limit.start();
        spawn_later(1s, [&] {
          in.put(number{1});
          limit.cancel();
        });
        taken = text_of(in.get<number>());
      });
      getter.join(5s);
      CHECK(taken == "1");
    });
  }

  TEST_CASE("a timeout in a taking call loses no mail") {
    in_hub([] {
      mail in;
      in.put(number{1});
      CHECK_FALSE(timeout{1s}.run([&] { in.get<line>(); }));
      CHECK_FALSE(timeout{1s}.run([&] { in.get_if<number>(is(2)); }));
      in.put(number{2});
      CHECK(timeout{1s}.run([&] { in.get_if<number>(is(2)); }));
      CHECK(contents(in) == "1");
    });
  }

  // --- the end -------------------------------------------------------------

  // GEVENT.md 3.2, 38
  TEST_CASE("a closed inbox gives what it has, then fails") {
    in_hub([] {
      mail in;
      in.put(number{1});
      in.put(number{2});
      in.stash(in.get());
      in.shutdown();
      CHECK(in.closed());
      CHECK(error_of([&] { in.put(quit{}); }) ==
            "std::system_error: inbox::put: closed");
      CHECK(error_of([&] { in.put_system(quit{}); }) ==
            "std::system_error: inbox::put_system: closed");
      CHECK_FALSE(in.try_put(quit{}));
      CHECK(error_of([&] { in.get<line>(); }) ==
            "std::system_error: inbox::get: closed");
      CHECK(text_of(in.get()) == "2");
      in.unstash_all();
      std::error_code failed;
      CHECK(text_of(*in.get({}, failed)) == "1");
      CHECK_FALSE(in.get({}, failed));
      CHECK(failed == errc::closed);
    });
  }

  // GEVENT.md 3.2, 38
  TEST_CASE("closing an inbox ends every wait in it") {
    for (const bool now : {false, true}) {
      CAPTURE(now);
      in_hub([&] {
        inbox<std::unique_ptr<int>, quit> in{1};
        in.put(std::make_unique<int>(1));
        trace errors;
        auto mine = std::make_unique<int>(2);
        const auto note = [&](auto&& call) {
          errors.push_back(error_of(call));
        };
        spawn([&] { note([&] { in.put(std::move(mine)); }); });
        spawn([&] { note([&] { in.get<quit>(); }); });
        spawn([&] { note([&] { in.get_if([](quit) { return true; }); }); });
        yield();
        CHECK(errors.empty());
        now ? in.shutdown_now() : in.shutdown();
        in.shutdown();
        yield();
        CHECK(errors.size() == 3);
        for (const auto& each : errors)
          CHECK(each.find(": closed") != std::string::npos);
        CHECK(mine);
        CHECK(in.size() == (now ? 0 : 1));
        CHECK(in.try_get().has_value() != now);
      });
    }
  }

  TEST_CASE("closing at once destroys the mail, and stashed mail too") {
    in_hub([] {
      inbox<std::shared_ptr<int>, quit> in{3};
      const auto item = std::make_shared<int>(1);
      in.put(item);
      in.stash(in.get());
      in.put(item);
      in.put_system(item);
      CHECK(item.use_count() == 4);
      in.shutdown_now();
      CHECK(item.use_count() == 1);
      CHECK(in.empty());
      CHECK(in.stashed() == 0);
      in.unstash_all();
      CHECK_FALSE(in.try_get());
    });
  }

  TEST_CASE("mail still in an inbox ends with it") {
    in_hub([] {
      const auto item = std::make_shared<int>(1);
      {
        inbox<std::shared_ptr<int>> in;
        in.put(item);
        in.stash(in.get());
        in.put(item);
        in.put_system(item);
        CHECK(item.use_count() == 4);
      }
      CHECK(item.use_count() == 1);
    });
  }

  TEST_CASE("an inbox destroyed while waited on wakes everybody") {
    in_hub([] {
      auto in = std::make_unique<mail>(1);
      in->put(number{0});
      trace errors;
      const auto note = [&](auto&& call) { errors.push_back(error_of(call)); };
      spawn([&] { note([&] { in->put(number{1}); }); });
      spawn([&] { note([&] { in->get<quit>(); }); });
      spawn([&] { note([&] { in->get_if<number>(is(3)); }); });
      yield();
      in.reset();
      yield();
      REQUIRE(errors.size() == 3);
      for (const std::string& error : errors)
        CHECK(error.find("destroyed while waited on") != std::string::npos);
    });
  }
  // --- messages that throw, wait or put ------------------------------------

  TEST_CASE("a message that throws when moved is delivered once or is still "
            "there") {
    for (int strike = 1; strike < 4; ++strike)
      for (int way = 0; way < 6; ++way) {
        CAPTURE(strike);
        CAPTURE(way);
        in_hub([&] {
          inbox<test::fragile, quit> in;
          in.put(test::fragile{1});
          std::optional<int> taken;
          test::fragile::countdown = strike;
          const auto any = [](const test::fragile&) { return true; };
          std::error_code failed;
          try {
            switch (way) {
            case 0:
              taken = std::get<test::fragile>(in.get()).id;
              break;
            case 1:
              taken = std::get<test::fragile>(*in.try_get()).id;
              break;
            case 2:
              taken = in.get<test::fragile>().id;
              break;
            case 3:
              taken = in.get<test::fragile>({}, failed)->id;
              break;
            case 4:
              taken = in.get_if<test::fragile>(any).id;
              break;
            case 5:
              taken = std::get<test::fragile>(in.get_if(any)).id;
              break;
            }
          } catch (const std::runtime_error&) {
          }
          test::fragile::countdown = 0;
          CHECK(taken.value_or(1) == 1);
          CHECK(in.size() == (taken ? 0 : 1));
        });
      }
  }

  TEST_CASE("a getter whose message throws leaves it to the next getter") {
    in_hub([] {
      inbox<test::fragile> in;
      std::string order;
      spawn([&] { order += error_of([&] { in.get<test::fragile>(); }); });
      spawn([&] {
        order += " then " + std::to_string(in.get<test::fragile>().id);
      });
      yield();
      CHECK(in.try_put(test::fragile{5}));
      test::fragile::countdown = 1;
      yield();
      CHECK(order == "std::runtime_error: it broke then 5");
    });
  }

  TEST_CASE("a putter whose message throws makes way for the next") {
    in_hub([] {
      inbox<test::fragile> in{1};
      in.put(test::fragile{0});
      std::string error;
      spawn([&] { error = error_of([&] { in.put(test::fragile{1}); }); });
      spawn([&] { in.put(test::fragile{2}); });
      yield();
      CHECK(in.get<test::fragile>().id == 0);
      test::fragile::countdown = 1;
      yield();
      CHECK(error == "std::runtime_error: it broke");
      CHECK(in.get<test::fragile>().id == 2);
    });
  }

  TEST_CASE("the end of a message may put into its inbox, and wait") {
    in_hub([] {
      auto in =
          std::make_unique<inbox<last_word, number>>(1, when_full::drop_oldest);
      std::string said;
      const auto speak = [&] {
        said += in ? (in->try_put(number{1}) ? "put " : "closed ") : "late ";
        yield();
      };
      in->put(last_word{speak});
      in->put(number{2}); // drops it, and then it drops this
      CHECK(said == "put ");
      CHECK(in->dropped() == 2);
      CHECK(std::get<number>(in->get()).value == 1);

      in->put(last_word{speak});
      in->put_system(last_word{speak});
      in->shutdown_now();
      CHECK(said == "put closed closed ");
      CHECK(in->empty());

      in = std::make_unique<inbox<last_word, number>>(5);
      in->put(last_word{speak});
      in->put(last_word{speak});
      in->stash(in->get());
      const auto getter = spawn([&] {
        said += error_of([&] { in->get<number>(); }).substr(0, 17) + " ";
      });
      yield();
      said.clear();
      in.reset();
      CHECK(getter.dead());
      CHECK(said.find("late") != std::string::npos);
      CHECK(said.find("std::system_error") != std::string::npos);
    });
  }

  TEST_CASE("the drop hook may end the inbox, change itself, or throw") {
    in_hub([] {
      auto in = std::make_unique<mail>(1, when_full::drop_oldest);
      in->put(number{1});
      in->on_drop([&](const auto&) { throw std::runtime_error("dropped"); });
      CHECK(error_of([&] { in->put(number{2}); }) ==
            "std::runtime_error: dropped");
      CHECK(contents(*in) == "2");
      in->put(number{3});
      in->on_drop([&, kept = std::string(100, 'x')](const auto&) {
        in->on_drop({});
        CHECK(kept.size() == 100);
      });
      in->put(number{4});
      in->on_drop([&, kept = std::string(100, 'x')](const auto&) {
        in.reset();
        CHECK(kept.size() == 100);
      });
      in->put(number{5});
      CHECK_FALSE(in);
    });
  }

  // --- lifetimes -----------------------------------------------------------

  TEST_CASE("an inbox may be destroyed by a callback that runs just before "
            "whom it woke") {
    // Callbacks come between two items of ready work every 64 items: try
    // every offset.
    for (int before = 0; before < 70; ++before)
      for (int way = 0; way < 3; ++way)
        in_hub([&] {
          auto in = std::make_unique<numbers>(1);
          std::string error = "none";
          bool done = false;
          const auto any = [](const number&) { return true; };
          if (way == 2) in->put(number{0});
          spawn([&] {
            error = error_of([&] {
              if (way == 0) in->get();
              if (way == 1) in->get_if<number>(any);
              if (way == 2) in->put(number{1});
              done = true;
            });
          });
          yield();
          for (int i = 0; i < before; ++i)
            spawn([] {});
          spawn([&] { hub::current().post([&] { in.reset(); }); });
          way == 2 ? (void)in->get() : in->put(number{1});
          idle();
          if (done)
            CHECK(error == "");
          else
            CHECK(error.find("destroyed while waited on") != std::string::npos);
        });
  }

  TEST_CASE("the getter may destroy the inbox it was served by") {
    in_hub([] {
      auto in = std::make_unique<mail>();
      spawn([&] {
        in->get<line>();
        in.reset();
      });
      yield();
      in->put(number{1});
      in->put(line{"x"});
      in->put(number{2});
      yield();
      CHECK_FALSE(in);
    });
  }

  TEST_CASE("an inbox destroyed at the deadline of who waits in it") {
    in_hub([] {
      auto in = std::make_unique<numbers>(1);
      in->put(number{1});
      std::string errors;
      const auto never = [](const number&) { return false; };
      spawn_later(1s, [&] { in.reset(); });
      const auto note = [&](auto&& call) { errors += error_of(call) + "\n"; };
      spawn([&] { note([&] { in->get_if<number>(never, 1s); }); });
      spawn([&] { note([&] { in->put(number{2}, 1s); }); });
      sleep(2s);
      CHECK(errors == "std::system_error: inbox::get_if: timed out\n"
                      "std::system_error: inbox::put: timed out\n");
    });
  }
}
