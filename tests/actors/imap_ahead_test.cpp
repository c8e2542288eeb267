// How far imap works ahead of its reader, and how it is stopped.

#include "actors/imap_support.hpp"
#include "hub/support.hpp"

#include <greenroom/actors/group.hpp>
#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("actors") {
  // --- how far ahead ------------------------------------------------------

  // GEVENT.md 3.2, 25
  TEST_CASE("imap works so far ahead of its reader, and no further") {
    in_hub([] {
      for (const std::size_t size : {1UL, 2UL, pool::unbounded})
        for (const bool ordered : {true, false}) {
          pool workers{size};
          gauge tasks;
          int taken = 0;
          auto results =
              ordered
                  ? workers.imap(endless(taken), tasks.work(0ms), 1)
                  : workers.imap_unordered(endless(taken), tasks.work(0ms), 1);
          sleep(1s);
          CHECK(tasks.begun == 1);
          CHECK(taken == 1);
          for (int i = 0; i < 10; ++i) {
            CHECK(results.next() == i);
            sleep(1s);
            CHECK(tasks.begun == i + 2);
            CHECK(taken == tasks.begun); // none is taken in vain
          }
        }
    });
  }

  TEST_CASE("with nothing ahead, an item is begun when it is asked for") {
    in_hub([] {
      group workers;
      gauge tasks;
      int taken = 0;
      auto results = workers.imap(endless(taken), tasks.work(1s), 0);
      sleep(1s);
      CHECK(taken == 0);
      for (int i = 0; i < 3; ++i) {
        CHECK(time_of([&] { CHECK(results.next() == i); }) == 1s);
        sleep(1s);
        CHECK(taken == i + 1);
      }
    });
  }

  TEST_CASE("a reader that gives up waiting asks for nothing more") {
    in_hub([] {
      group workers;
      gauge tasks;
      int taken = 0;
      auto results = workers.imap(endless(taken), tasks.work(1h), 2);
      std::error_code failed;
      for (int i = 0; i < 5; ++i)
        CHECK_FALSE(results.next(1s, failed));
      CHECK(taken == 3);
    });
  }

  TEST_CASE("imap never has more tasks than its pool has places") {
    in_hub([] {
      pool workers{3};
      gauge tasks;
      CHECK(all_of(workers.imap(sequence(20), tasks.work(5ms))) ==
            sequence(20));
      CHECK(tasks.most == 3);
    });
  }

  TEST_CASE("an endless range is read as far as it is wanted") {
    in_hub([] {
      group workers;
      int taken = 0;
      ints some;
      for (const int each : workers.imap(endless(taken), same)) {
        some.push_back(each);
        if (some.size() == 2000) break;
      }
      CHECK(some == sequence(2000));
      CHECK(taken <= 3001);
      CHECK(workers.empty());
    });
  }

  // GEVENT.md 3.2, 27
  TEST_CASE("a range fed by a queue ends properly") {
    in_hub([] {
      for (const bool ordered : {true, false}) {
        pool workers{1};
        queue<std::optional<int>> from;
        const auto items = [&] { return from.get(); };
        from.put(123);
        const auto feeder = spawn_later(100ms, [&] { from.put(std::nullopt); });
        auto results = ordered ? workers.imap(stream{items}, same)
                               : workers.imap_unordered(stream{items}, same);
        CHECK(time_of([&] { CHECK(results.next() == 123); }) == 0s);
        CHECK_FALSE(results.next());
        feeder.join();
      }
    });
  }

  TEST_CASE("a range that sleeps before its end ends properly") {
    // gevent's test_imap_final_sleep
    in_hub([] {
      pool workers{2};
      int next = 0;
      const auto items = [&]() -> std::optional<int> {
        if (next < 3) return next++;
        sleep(200ms);
        return {};
      };
      CHECK(all_of(workers.imap(stream{items}, same)) == ints{0, 1, 2});
      next = 0;
      CHECK(all_of(workers.imap_unordered(stream{items}, same)) ==
            ints{0, 1, 2});
    });
  }

  TEST_CASE("an lvalue range is used in place, another is kept") {
    in_hub([] {
      group workers;
      ints items{1, 2};
      auto late = workers.imap(items, same, 0);
      items[1] = 5;
      CHECK(all_of(late) == ints{1, 5});
      auto kept = workers.imap(std::move(items), same, 0);
      CHECK(items.empty());
      CHECK(all_of(kept) == ints{1, 5});
    });
  }

  // --- the end ------------------------------------------------------------

  TEST_CASE("dropping the results stops all that was going on for them") {
    in_hub([] {
      pool workers{4};
      gauge tasks;
      int taken = 0;
      const auto held = std::make_shared<int>(1);
      const auto work = [call = tasks.work(1s), held](int number) {
        return call(number);
      };
      SUBCASE("before anything was read") {
        auto results = workers.imap(endless(taken), work);
      }
      SUBCASE("when the tasks have just been started") {
        auto results = workers.imap(endless(taken), work);
        yield();
      }
      SUBCASE("in the middle") {
        for (const int each : workers.imap(endless(taken), work))
          if (each == 10) break;
        CHECK(tasks.ended >= 10);
      }
      SUBCASE("in the middle, unordered") {
        for (const int each : workers.imap_unordered(endless(taken), work, 9))
          if (each == 10) break;
      }
      SUBCASE("with results that nobody read") {
        auto results = workers.imap(endless(taken), work, 2);
        sleep(10s);
        CHECK(tasks.ended == 2);
      }
      SUBCASE("after some of the unordered ones have ended") {
        auto results = workers.imap_unordered(endless(taken), work, 6);
        sleep(1500ms);
        CHECK(tasks.ended == 4);
      }
      SUBCASE("when there has just been room for another task") {
        auto results = workers.imap(endless(taken), work);
        sleep(500ms);
        while (!workers.empty())
          workers.discard(*workers.begin());
        results.close();
        CHECK(taken == 5);
      }
      SUBCASE("when an error is on its way out") {
        CHECK(mentions(error_of([&] {
                         for (const int each :
                              workers.imap(endless(taken), work))
                           if (each == 3) throw failure("enough");
                       }),
                       "enough"));
      }
      SUBCASE("when the reader is killed") {
        const auto reader = spawn([&] {
          for ([[maybe_unused]] const int each :
               workers.imap(endless(taken), work))
            sleep(1ms);
        });
        sleep(10s);
        CHECK(reader.kill());
      }
      CHECK(tasks.running == 0);
      CHECK(workers.empty());
      CHECK(hub::current().greenlets() == 1);
      CHECK(held.use_count() == 2);
    });
  }

  TEST_CASE("dropping the results leaves the range before it goes") {
    in_hub([] {
      group workers;
      queue<std::optional<int>> from;
      std::string trace;
      const auto items = [&] {
        test::at_exit mark{trace, "left "};
        return from.get();
      };
      {
        auto range = stream{items};
        from.put(1);
        auto results = workers.imap(range, same);
        CHECK(results.next() == 1);
      }
      trace += "gone";
      CHECK(trace == "left left gone");
    });
  }

  TEST_CASE("dropping the results waits for a task that takes its time") {
    in_hub([] {
      group workers;
      bool ended = false;
      CHECK(time_of([&] {
              auto results = workers.imap(ints{1}, [&](int) {
                const shield guard;
                sleep(5s);
                ended = true;
              });
              sleep(1s);
            }) == 5s);
      CHECK(ended);
    });
  }

  TEST_CASE("a kill of the reader waits until the tasks have ended") {
    in_hub([] {
      group workers;
      std::string trace;
      const auto reader = spawn([&] {
        auto results = workers.imap(ints{1}, [&](int) {
          const shield guard;
          sleep(5s);
          trace += "task ";
        });
        sleep(1s);
        results.close();
        trace += "closed ";
        sleep(1s);
        trace += "never ";
      });
      sleep(2s);
      CHECK(reader.kill());
      CHECK(trace == "task closed ");
    });
  }

  TEST_CASE("a task that refuses to end and waits for ever is made to") {
    in_hub([] {
      group workers;
      int refused = 0;
      {
        wait_list never;
        auto results = workers.imap(ints{1}, [&](int) {
          try {
            never.wait({}, "test", nullptr);
          } catch (const greenlet_exit&) {
            ++refused;
          }
          never.wait({}, "test", nullptr);
        });
        sleep(1s);
        results.close();
      }
      CHECK(refused == 1);
      CHECK(workers.empty());
    });
  }

  TEST_CASE("close tells a reader that waits, and the next ones") {
    in_hub([] {
      group workers;
      std::optional results{workers.imap(ints{1}, [](int) { sleep(1h); })};
      std::string error;
      const auto reader =
          spawn([&] { error = error_of([&] { results->next(); }); });
      sleep(1s);
      SUBCASE("when it is closed") {
        results->close();
        CHECK(mentions(error_of([&] { results->next(); }), "imap"));
        CHECK(hub::current().greenlets() == 1);
        results->close();
      }
      SUBCASE("when it is dropped") {
        results.reset();
      }
      reader.join();
      CHECK(mentions(error, "closed"));
      CHECK(workers.empty());
    });
  }

  TEST_CASE("results read to the end hold nothing") {
    in_hub([] {
      group workers;
      const auto held = std::make_shared<int>(1);
      auto results = workers.imap(sequence(5), [held](int) {});
      CHECK(all_of(results).size() == 5);
      CHECK(held.use_count() == 2);
      results.close();
    });
  }

  TEST_CASE("where nobody may wait, dropping the results only kills") {
    in_hub([] {
      group workers;
      gauge tasks;
      int taken = 0;
      auto results = std::make_unique<imap_results<int>>(
          workers.imap(endless(taken), tasks.work(1s), 4));
      SUBCASE("in a hub callback") {
        yield();
        yield();
        hub::current().post([&] { results.reset(); });
        idle();
      }
      SUBCASE("in a hub callback, when there has just been room") {
        pool narrow{2};
        results = std::make_unique<imap_results<int>>(
            narrow.imap(endless(taken), tasks.work(1s)));
        sleep(500ms);
        hub::current().post([&] {
          narrow.discard(*narrow.begin());
          results.reset();
        });
        idle();
        CHECK(narrow.join());
      }
      SUBCASE("before anything has begun") {
        const no_wait guard;
        results.reset();
      }
      SUBCASE("in a task of its own") {
        workers.spawn([&] { results.reset(); });
        sleep(1ms);
      }
      SUBCASE("in one of the tasks") {
        results.reset();
        results = std::make_unique<imap_results<int>>(
            workers.imap(sequence(3), [&](int number) {
              if (number == 1) results.reset();
              return number;
            }));
        sleep(1ms);
      }
      CHECK(workers.join());
      yield();
      CHECK_FALSE(results);
      CHECK(tasks.running == 0);
      CHECK(hub::current().greenlets() == 1);
    });
  }
}
