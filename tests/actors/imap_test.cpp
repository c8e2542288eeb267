#include "actors/imap_support.hpp"
#include "hub/support.hpp"

#include <greenroom/actors/group.hpp>
#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

static_assert(std::ranges::input_range<imap_results<int>>);
static_assert(std::ranges::input_range<imap_results<void>>);
static_assert(!std::copyable<imap_results<int>>);

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
}
