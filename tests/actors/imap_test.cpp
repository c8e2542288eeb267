#include "hub/support.hpp"

#include <greenroom/actors/group.hpp>
#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::failure;
using test::in_hub;
using test::mentions;
using test::time_of;

namespace {

using ints = std::vector<int>;

/// What `next` gives until it gives nothing: an input range of one pass.
template <class Next>
struct stream {
  using item = typename std::invoke_result_t<Next&>::value_type;
  struct iterator {
    using value_type = item;
    using difference_type = std::ptrdiff_t;
    item operator*() const { return std::move(*from->now); }
    iterator& operator++() {
      from->now = from->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& one, std::default_sentinel_t) {
      return !one.from->now;
    }
    stream* from;
  };
  iterator begin() {
    now = next();
    return {this};
  }
  std::default_sentinel_t end() const { return {}; }

  Next next;
  std::optional<item> now{};
};
template <class Next>
stream(Next) -> stream<Next>;

/// 0, 1, 2... without an end; keeps count of what was taken.
auto endless(int& taken) {
  return stream{[&taken]() -> std::optional<int> { return taken++; }};
}

/// Can only be moved.
struct token {
  explicit token(int number) : id(number) {}
  token(token&&) = default;
  token& operator=(token&&) = default;
  int id;
};

/// Counts the calls under way, the most of them at once, and all.
struct gauge {
  auto work(std::chrono::milliseconds time) {
    return [this, time](int number) {
      ++begun;
      most = std::max(most, ++running);
      struct leaver {
        int& count;
        ~leaver() { --count; }
      } at_end{running};
      sleep(time);
      ++ended;
      return number;
    };
  }
  int begun = 0;
  int running = 0;
  int most = 0;
  int ended = 0;
};

template <class Results>
auto all_of(Results&& results) {
  std::vector<typename std::decay_t<Results>::value_type> all;
  for (auto& each : results)
    all.push_back(std::move(each));
  return all;
}

ints sequence(int size) {
  ints all(static_cast<std::size_t>(size));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

int same(int number) {
  return number;
}

int fail_at_two(int number) {
  if (number == 2) throw failure("two");
  return number;
}

static_assert(std::ranges::input_range<imap_results<int>>);
static_assert(std::ranges::input_range<imap_results<void>>);
static_assert(!std::copyable<imap_results<int>>);

} // namespace

TEST_SUITE("actors") {
  // --- results ------------------------------------------------------------

  // GEVENT.md 2, 20
  TEST_CASE("the tutorial's imap is in order, the unordered one as they end") {
    in_hub([] {
      const auto intensive = [](int number) {
        sleep(std::chrono::seconds(3 - number));
        return number;
      };
      group ordered;
      group unordered;
      CHECK(all_of(ordered.imap(sequence(3), intensive)) == ints{0, 1, 2});
      CHECK(all_of(unordered.imap_unordered(sequence(3), intensive)) ==
            ints{2, 1, 0});
    });
  }

  TEST_CASE("imap gives all results, in pools of every size") {
    in_hub([] {
      for (const std::size_t size : {1UL, 2UL, 3UL, 10UL, pool::unbounded})
        for (const std::size_t ahead : {0UL, 1UL, 7UL, group::unbounded}) {
          CAPTURE(size);
          CAPTURE(ahead);
          pool workers{size};
          const ints all = sequence(300);
          CHECK(all_of(workers.imap(all, same, ahead)) == all);
          ints some = all_of(workers.imap_unordered(
              all,
              [](int number) {
                sleep(std::chrono::milliseconds(number * 7 % 11));
                return number;
              },
              ahead));
          std::sort(some.begin(), some.end());
          CHECK(some == all);
          CHECK(workers.join());
        }
    });
  }

  TEST_CASE("kills and deadlines at random lose no item, and give none twice") {
    in_hub([] {
      std::mt19937 random{11};
      const auto below = [&](unsigned bound) { return random() % bound; };
      for (int round = 0; round < 40; ++round) {
        pool workers{1 + below(4)};
        int taken = 0;
        auto results = workers.imap(
            endless(taken),
            [&](int number) {
              sleep(std::chrono::milliseconds(below(4)));
              if (number % 7 == 0) throw number;
              return number;
            },
            below(5));
        ints read;
        const auto read_some = [&] {
          for (std::error_code failed;;)
            try {
              if (const auto item = results.next(3ms, failed))
                read.push_back(*item);
            } catch (int number) {
              read.push_back(number);
            }
        };
        while (read.size() < 50) {
          const auto reader = spawn(read_some);
          sleep(std::chrono::milliseconds(below(9)));
          reader.kill();
        }
        CHECK(read == sequence(static_cast<int>(read.size())));
      }
    });
  }

  TEST_CASE("an empty range gives no results") {
    in_hub([] {
      group workers;
      CHECK(all_of(workers.imap(ints{}, same)).empty());
      auto results = workers.imap_unordered(ints{}, same);
      CHECK_FALSE(results.next());
      CHECK_FALSE(results.next());
    });
  }

  TEST_CASE("results come as they are ready, not when all are") {
    in_hub([] {
      group workers;
      auto results = workers.imap(ints{1, 2, 30}, [](int number) {
        sleep(std::chrono::seconds(number));
        return number;
      });
      CHECK(time_of([&] { CHECK(results.next() == 1); }) == 1s);
      CHECK(time_of([&] { CHECK(results.next() == 2); }) == 1s);
      CHECK(time_of([&] { CHECK(results.next() == 30); }) == 28s);
      CHECK_FALSE(results.next());
    });
  }

  TEST_CASE("a result may be one that can only be moved, or none") {
    in_hub([] {
      group workers;
      int left = 2;
      const auto tokens = [&]() -> std::optional<token> {
        if (left == 0) return {};
        return token{left--};
      };
      const auto boxed = [](token& own) {
        return std::make_unique<token>(std::move(own));
      };
      const auto boxes = all_of(workers.imap(stream{tokens}, boxed));
      CHECK(boxes.at(0)->id == 2);
      CHECK(boxes.at(1)->id == 1);
      left = 1;
      CHECK(workers.map(stream{tokens}, boxed).at(0)->id == 1);
      int ran = 0;
      int seen = 0;
      for (const std::monostate each :
           workers.imap(sequence(3), [&](int) { ++ran; }))
        seen += each == std::monostate{};
      CHECK(ran == 3);
      CHECK(seen == 3);
      CHECK(workers.imap(ints{1}, [](int) {}).next());
    });
  }

  TEST_CASE("the results may be moved, and go on") {
    in_hub([] {
      group workers;
      auto results = workers.imap(sequence(4), same);
      CHECK(results.next() == 0);
      auto moved = std::move(results);
      CHECK(moved.next() == 1);
      results = workers.imap(sequence(9), same);
      results = std::move(moved);
      CHECK(results.next() == 2);
      CHECK(all_of(results) == ints{3});
    });
  }

  TEST_CASE("next has a deadline, and loses nothing by it") {
    in_hub([] {
      group workers;
      auto results = workers.imap(ints{1, 2}, [](int number) {
        sleep(2s);
        return number;
      });
      std::error_code failed;
      CHECK_FALSE(results.next(1s, failed));
      CHECK(failed == errc::timed_out);
      CHECK(mentions(error_of([&] { results.next(500ms); }), "imap: "));
      CHECK(results.next(600ms, failed) == 1);
      CHECK_FALSE(failed);
      CHECK(results.next() == 2);
      CHECK_FALSE(results.next(1s, failed));
      CHECK_FALSE(failed);
    });
  }

  TEST_CASE("a reader that is killed loses no result") {
    in_hub([] {
      group workers;
      auto results = workers.imap(sequence(2), [](int number) {
        sleep(2s);
        return number;
      });
      const auto reader = spawn([&] { results.next(); });
      sleep(1s);
      reader.kill();
      const auto late = spawn([&] { results.next(); });
      yield();
      late->kill_soon();
      sleep(1s);
      CHECK(all_of(results) == ints{0, 1});
    });
  }

  TEST_CASE("two may read in turn") {
    in_hub([] {
      group workers;
      auto results = workers.imap(sequence(10), [](int number) {
        sleep(std::chrono::seconds(number % 3));
        return number;
      });
      ints all;
      const auto read = [&] {
        while (const auto item = results.next())
          all.push_back(*item);
      };
      joinall(std::vector<any_greenlet>{spawn(read), spawn(read)});
      CHECK(all == sequence(10));
    });
  }

  // --- errors -------------------------------------------------------------

  // GEVENT.md 3.2, 26
  TEST_CASE("a failed item throws at its place, and the reading goes on") {
    in_hub([] {
      pool workers{2};
      auto results = workers.imap(sequence(4), fail_at_two);
      CHECK(results.next() == 0);
      CHECK(results.next() == 1);
      CHECK(mentions(error_of([&] { results.next(); }), "two"));
      CHECK(results.next() == 3);
      CHECK_FALSE(results.next());
    });
  }

  // GEVENT.md 3.2, 26
  TEST_CASE("an iterator throws when it looks at a failed item") {
    in_hub([] {
      pool workers{2};
      auto results = workers.imap_unordered(sequence(4), fail_at_two);
      std::string trace;
      for (auto at = results.begin(); at != results.end(); ++at)
        try {
          trace += std::to_string(*at);
        } catch (const failure& failed) {
          trace += failed.what();
          CHECK_THROWS_AS(*at, failure);
        }
      CHECK(trace == "01two3");
    });
  }

  TEST_CASE("what the range throws comes after the results, once") {
    in_hub([] {
      group workers;
      int taken = 0;
      const auto broken = [&]() -> std::optional<int> {
        if (taken == 2) throw failure("the range broke");
        return taken++;
      };
      const auto late = [](int number) {
        sleep(1s);
        return number;
      };
      auto results = workers.imap(stream{broken}, late);
      CHECK(results.next() == 0);
      CHECK(results.next() == 1);
      CHECK(mentions(error_of([&] { results.next(); }), "the range broke"));
      CHECK_FALSE(results.next());
      taken = 2;
      auto none = workers.imap_unordered(stream{broken}, late);
      CHECK(mentions(error_of([&] { none.begin(); }), "the range broke"));
      CHECK(none.begin() == none.end());
    });
  }

  TEST_CASE("a task that was killed throws errc::killed at its place") {
    in_hub([] {
      group workers;
      auto results = workers.imap(sequence(3), [](int number) {
        sleep(1s);
        return number;
      });
      yield();
      yield();
      workers.begin()->kill_soon();
      CHECK(mentions(error_of([&] { results.next(); }), "killed"));
      CHECK(results.next() == 1);
    });
  }

  TEST_CASE("a reader is told when what reads the range was killed") {
    in_hub([] {
      group workers;
      int taken = 0;
      auto results = workers.imap(endless(taken), same, 3);
      SUBCASE("while it waited for the reader") {
        yield();
        yield();
      }
      SUBCASE("before it began") {
      }
      CHECK(shutdown());
      CHECK(mentions(error_of([&] {
                       while (results.next()) {
                       }
                     }),
                     "killed"));
      CHECK_FALSE(results.next());
    });
  }

  TEST_CASE("a reader is told when the group is gone") {
    in_hub([] {
      auto workers = std::make_unique<pool>(2);
      int taken = 0;
      const auto late = [](int number) {
        sleep(1s);
        return number;
      };
      SUBCASE("while the range waited for room") {
        auto results = workers->imap(endless(taken), late);
        yield();
        yield();
        workers.reset();
        CHECK(results.next() == 0);
        CHECK(results.next() == 1);
        CHECK(mentions(error_of([&] { results.next(); }), "destroyed"));
      }
      SUBCASE("while the range waited for the reader") {
        auto results = workers->imap(endless(taken), late, 1);
        yield();
        yield();
        workers.reset();
        CHECK(results.next() == 0);
        CHECK(mentions(error_of([&] { results.next(); }), "destroyed"));
      }
      SUBCASE("before the range was looked at") {
        auto results = workers->imap(endless(taken), late, 1);
        workers.reset();
        CHECK(mentions(error_of([&] { results.next(); }), "destroyed"));
      }
    });
  }

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
