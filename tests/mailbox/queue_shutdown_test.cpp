#include "hub/support.hpp"
#include "mailbox/queue_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/priority_queue.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/select.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <ranges>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::contents;
using test::error_of;
using test::in_hub;
using test::ints;
using test::trace;

namespace {

const std::string get_closed = "std::system_error: queue::get: closed";
const std::string put_closed = "std::system_error: queue::put: closed";

} // namespace

TEST_SUITE("mailbox") {
  // --- what is shut -------------------------------------------------------

  // GEVENT.md 3.2, 38
  TEST_CASE("a shut queue takes nothing, and gives what is left") {
    in_hub([] {
      queue<std::string> texts;
      texts.put("L");
      texts.put("O");
      CHECK_FALSE(texts.closed());
      texts.shutdown();
      CHECK(texts.closed());
      CHECK(texts.ready());
      std::error_code failed;
      std::string mine = "E";
      CHECK(error_of([&] { texts.put(std::move(mine)); }) == put_closed);
      CHECK_FALSE(texts.put(std::move(mine), {}, failed));
      CHECK(failed == errc::closed);
      CHECK_FALSE(texts.try_put(std::move(mine)));
      CHECK(mine == "E");
      CHECK_FALSE(texts.full());
      CHECK(texts.get() == "L");
      texts.task_done();
      CHECK(texts.peek() == "O");
      CHECK(texts.get(1s, failed) == "O");
      CHECK_FALSE(failed);
      texts.task_done();
      CHECK(texts.join());
      CHECK(error_of([&] { texts.get(); }) == get_closed);
      CHECK(error_of([&] { texts.get(1s); }) == get_closed);
      CHECK(error_of([&] { texts.peek(); }) ==
            "std::system_error: queue::peek: closed");
      CHECK_FALSE(texts.get({}, failed));
      CHECK(failed == errc::closed);
      CHECK_FALSE(texts.peek({}, failed));
      CHECK(failed == errc::closed);
      CHECK_FALSE(texts.try_get());
      texts.shutdown();
    });
  }

  // GEVENT.md 3.2, 38
  TEST_CASE("shutdown_now drops what is left, and it counts as done") {
    in_hub([] {
      const auto item = std::make_shared<int>(1);
      queue<std::shared_ptr<int>> shared;
      shared.put(item);
      shared.put(item);
      const auto joiner = spawn([&] { CHECK(shared.join()); });
      yield();
      shared.shutdown_now();
      CHECK(item.use_count() == 1);
      CHECK(shared.empty());
      CHECK(error_of([&] { shared.put(item); }) == put_closed);
      CHECK(error_of([&] { shared.get(); }) == get_closed);
      CHECK_FALSE(shared.try_get());
      CHECK_THROWS_AS(shared.task_done(), std::logic_error);
      CHECK(shared.join());
      CHECK(joiner.join(1s));
      shared.shutdown_now();
    });
  }

  TEST_CASE("a task taken before shutdown_now is still to be finished") {
    in_hub([] {
      queue<int> tasks;
      for (int i = 0; i < 3; ++i)
        tasks.put(i);
      tasks.get();
      tasks.shutdown_now();
      CHECK(tasks.unfinished() == 1);
      CHECK_FALSE(tasks.join(1s));
      tasks.task_done();
      CHECK(tasks.join());
    });
  }

  TEST_CASE("shutdown_now forgives a task called done before it was taken") {
    in_hub([] {
      queue<int> tasks;
      tasks.put(1);
      tasks.put(2);
      tasks.task_done();
      tasks.shutdown_now();
      CHECK(tasks.unfinished() == 0);
      CHECK(tasks.join());
    });
  }

  TEST_CASE("a queue can be shut at once after it was shut in good order") {
    in_hub([] {
      priority_queue<int> numbers;
      numbers.put(2);
      numbers.put(1);
      numbers.shutdown();
      numbers.shutdown_now();
      CHECK(numbers.empty());
      CHECK(numbers.unfinished() == 0);
      CHECK(error_of([&] { numbers.get(); }) ==
            "std::system_error: priority_queue::get: closed");
    });
  }

  // --- those who wait -----------------------------------------------------

  TEST_CASE("everybody who waits is told of a shutdown") {
    for (const bool now : {false, true}) {
      CAPTURE(now);
      in_hub([&] {
        queue<std::unique_ptr<int>> boxes{1};
        trace errors;
        const auto shut = [&] {
          now ? boxes.shutdown_now() : boxes.shutdown();
        };
        SUBCASE("when getters wait") {
          for (int i = 0; i < 2; ++i)
            spawn([&] { errors.push_back(error_of([&] { boxes.get(); })); });
          yield();
          shut();
          yield();
          CHECK(errors == trace{get_closed, get_closed});
        }
        SUBCASE("when putters wait, whose items stay with them") {
          boxes.put(std::make_unique<int>(0));
          std::vector<std::unique_ptr<int>> mine;
          mine.push_back(std::make_unique<int>(1));
          mine.push_back(std::make_unique<int>(2));
          for (auto& box : mine)
            spawn([&] {
              errors.push_back(error_of([&] { boxes.put(std::move(box)); }));
            });
          yield();
          SUBCASE("and there is no room") {
          }
          SUBCASE("and room was just made") {
            boxes.get();
          }
          shut();
          yield();
          CHECK(errors == trace{put_closed, put_closed});
          for (const auto& box : mine)
            CHECK(box);
          CHECK(boxes.size() <= 1);
        }
      });
    }
  }

  TEST_CASE("a blocked getter still has what was put before the shutdown") {
    in_hub([] {
      queue<int> numbers;
      trace order;
      for (const char* name : {"a", "b", "c"})
        spawn([&, name] {
          const std::string error = error_of([&] {
            const int got = numbers.get();
            order.push_back(name + std::to_string(got));
          });
          if (!error.empty()) order.push_back(error);
        });
      yield();
      numbers.put(1);
      numbers.put(2);
      SUBCASE("when it was shut in good order") {
        numbers.shutdown();
        yield();
        CHECK(order == trace{"a1", "b2", get_closed});
      }
      SUBCASE("but not when it was shut at once") {
        numbers.shutdown_now();
        yield();
        CHECK(order == trace{get_closed, get_closed, get_closed});
      }
    });
  }

  TEST_CASE("a getter whose deadline passes as the queue is shut leaves what "
            "is in it") {
    in_hub([] {
      queue<int> numbers;
      std::error_code failed;
      const auto getter = spawn([&] {
        CHECK_FALSE(numbers.get(1s, failed));
        CHECK(failed == errc::timed_out);
        CHECK(numbers.get(1s, failed) == 1);
        CHECK_FALSE(numbers.get(1s, failed));
        CHECK(failed == errc::closed);
      });
      yield();
      sleep(1s);
      numbers.put(1);
      numbers.shutdown();
      CHECK(getter.join(1s));
    });
  }

  TEST_CASE("a shutdown and a kill after the put find the getter served") {
    in_hub([] {
      queue<int> numbers;
      ints taken;
      const auto first = spawn([&] { taken.push_back(numbers.get()); });
      const auto second = spawn([&] { taken.push_back(10 * numbers.get()); });
      yield();
      numbers.put(1);
      first.kill_soon();
      numbers.shutdown();
      second.join();
      CHECK(taken == ints{1});
      CHECK(error_of([&] { second.get(); }).find("closed") !=
            std::string::npos);
    });
  }

  TEST_CASE("a getter killed before a shutdown leaves its item to the others") {
    in_hub([] {
      queue<int> numbers;
      ints taken;
      const auto first = spawn([&] { taken.push_back(numbers.get()); });
      const auto second = spawn([&] { taken.push_back(10 * numbers.get()); });
      yield();
      first.kill_soon();
      numbers.put(1);
      numbers.shutdown();
      second.join();
      CHECK(first.killed());
      CHECK(taken == ints{10});
    });
  }

  TEST_CASE("a queue may be destroyed right after its shutdown") {
    in_hub([] {
      auto numbers = std::make_unique<queue<int>>();
      std::string error;
      spawn([&] { error = error_of([&] { numbers->get(); }); });
      yield();
      numbers->shutdown();
      numbers.reset();
      yield();
      CHECK(error.find("destroyed while waited on") != std::string::npos);
    });
  }

  TEST_CASE("one who waits on several objects is told of a shutdown") {
    in_hub([] {
      queue<int> numbers;
      queue<int> others;
      ints taken;
      bool ended = false;
      const auto chooser = spawn([&] {
        while (!ended)
          select(from(others, [&](int item) { taken.push_back(-item); }),
                 from(
                     numbers, [&](int item) { taken.push_back(item); },
                     [&] { ended = true; }));
      });
      yield();
      others.put(1);
      numbers.put(2);
      numbers.shutdown();
      CHECK(chooser.join(1s));
      CHECK(taken == ints{-1, 2});
    });
  }

  TEST_CASE("a watch swallows no item that a getter waits for") {
    in_hub([] {
      queue<int> numbers;
      const auto watcher = spawn([&] { wait({numbers}); });
      yield();
      const auto getter = spawn([&] { return numbers.get(); });
      yield();
      numbers.put(1);
      SUBCASE("when it looks and goes") {
        CHECK(watcher.join(1s));
      }
      SUBCASE("when it is killed") {
        watcher.kill();
      }
      CHECK(getter.get(1s) == 1);
    });
  }

  // --- iteration ----------------------------------------------------------

  TEST_CASE("a loop over a queue takes every item until it is shut") {
    in_hub([] {
      queue<std::unique_ptr<int>> boxes{2};
      ints taken;
      const auto reader = spawn([&] {
        for (auto& box : boxes) {
          taken.push_back(*box);
          const std::unique_ptr<int> mine = std::move(box);
        }
        taken.push_back(-1);
      });
      for (int i = 0; i < 5; ++i)
        boxes.put(std::make_unique<int>(i));
      boxes.shutdown();
      reader.join();
      CHECK(taken == ints{0, 1, 2, 3, 4, -1});
      for ([[maybe_unused]] const auto& box : boxes)
        FAIL("a shut queue gave an item");
    });
  }

  TEST_CASE("a queue is an input range") {
    static_assert(std::ranges::input_range<queue<int>>);
    static_assert(std::ranges::input_range<queue<std::unique_ptr<int>>>);
    in_hub([] {
      queue<int> numbers;
      for (int i = 0; i < 6; ++i)
        numbers.put(i);
      numbers.shutdown();
      const auto third = std::ranges::find(numbers.begin(), numbers.end(), 2);
      CHECK(*third == 2);
      CHECK(numbers.size() == 3); // what was looked at is taken
    });
  }

  TEST_CASE("readers that loop over one queue share its items") {
    in_hub([] {
      queue<int> numbers;
      std::string order;
      std::vector<any_greenlet> readers;
      for (const char name : {'a', 'b'})
        readers.push_back(spawn([&, name] {
          for (const int number : numbers) {
            order += name + std::to_string(number);
            yield();
          }
        }));
      yield();
      for (int i = 0; i < 4; ++i)
        numbers.put(i);
      numbers.shutdown();
      CHECK(joinall(readers, 1s).size() == 2);
      CHECK(order == "a0b1a2b3");
    });
  }

  TEST_CASE("a loop over a queue is left by a break or a kill") {
    in_hub([] {
      queue<int> numbers;
      for (int i = 0; i < 3; ++i)
        numbers.put(i);
      for (const int number : numbers)
        if (number == 1) break;
      CHECK(contents(numbers) == ints{2});
      const auto reader = spawn([&] {
        for ([[maybe_unused]] const int number : numbers) {
        }
      });
      yield();
      reader.kill();
      CHECK(reader.killed());
      numbers.put(7);
      yield();
      CHECK(contents(numbers) == ints{7});
    });
  }
}
