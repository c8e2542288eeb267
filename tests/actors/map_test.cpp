#include "hub/support.hpp"

#include <greenroom/actors/group.hpp>
#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <list>
#include <memory>
#include <stdexcept>
#include <string>
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

/// 0, 1, 2 and so on; throws before `broken`.
struct counting {
  struct iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    int operator*() const { return at; }
    iterator& operator++() {
      if (++at == broken) throw failure("the range broke");
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator&, const iterator&) = default;
    int at = 0;
    int broken = -1;
  };
  iterator begin() const { return {0, broken}; }
  iterator end() const { return {last, broken}; }
  int last = -1;
  int broken = -1;
};

/// 0, 1, 2: sleeps before each but the first.
struct slow {
  struct iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    int operator*() const { return at; }
    iterator& operator++() {
      sleep(1s);
      ++at;
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator&, const iterator&) = default;
    int at = 0;
  };
  iterator begin() const { return {}; }
  iterator end() const { return {3}; }
};

int doubled(int number) {
  sleep(std::chrono::seconds(10 - number));
  return 2 * number;
}

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("map returns the results in the order of the range") {
    in_hub([] {
      group workers;
      CHECK(time_of([&] {
              CHECK(workers.map(ints{1, 2, 3}, doubled) == ints{2, 4, 6});
            }) == 9s);
      const std::list<std::string> words{"a", "bc"};
      CHECK(workers.map(words, [](const std::string& word) {
        return word.size();
      }) == std::vector<std::size_t>{1, 2});
      CHECK(workers.map(words, &std::string::size).size() == 2);
      int plain[] = {1, 2};
      CHECK(workers.map(plain, [](int& own) { return own++; }) == ints{1, 2});
      CHECK(plain[0] == 1);
      CHECK(workers.map(ints{}, doubled).empty());
    });
  }

  // GEVENT.md 2, 20
  TEST_CASE("the tutorial's group has three members while it maps") {
    in_hub([] {
      group workers;
      std::string printed;
      workers.map(counting{3}, [&](int) {
        printed += "Size of group " + std::to_string(workers.size()) + "\n";
      });
      CHECK(printed == "Size of group 3\nSize of group 3\nSize of group 3\n");
    });
  }

  TEST_CASE("map knows what can only be moved") {
    in_hub([] {
      group workers;
      std::vector<std::unique_ptr<int>> boxes;
      struct moving {
        std::unique_ptr<int> more;
        std::unique_ptr<int> operator()(int& item) {
          return std::make_unique<int>(item + *more);
        }
      };
      boxes = workers.map(ints{1, 2}, moving{std::make_unique<int>(10)});
      CHECK(*boxes[0] == 11);
      CHECK(*boxes[1] == 12);
    });
  }

  // GEVENT.md 3.2, 26
  TEST_CASE("map throws the first error by place, and the others go on") {
    in_hub([] {
      group workers;
      int ended = 0;
      const auto work = [&](int number) {
        sleep(std::chrono::seconds(5 - number)); // the last fails first
        if (number > 0) throw failure("item " + std::to_string(number));
        ++ended;
        sleep(5s);
        ++ended;
        return number;
      };
      CHECK(mentions(error_of([&] {
                       workers.map(ints{1, 2, 0}, work);
                     }),
                     "item 1"));
      CHECK(workers.size() == 1);
      CHECK(workers.join());
      CHECK(ended == 2);
    });
  }

  TEST_CASE("map throws errc::killed for a task that was killed") {
    in_hub([] {
      group workers;
      const auto killer = spawn([&] {
        sleep(1s);
        (*workers.begin())->kill_soon();
      });
      CHECK(mentions(error_of([&] {
                       workers.map(ints{1, 2}, doubled);
                     }),
                     "killed"));
      CHECK(workers.join());
      killer.join();
    });
  }

  TEST_CASE("map throws what the range throws; what has begun goes on") {
    in_hub([] {
      group workers;
      int ran = 0;
      CHECK(mentions(error_of([&] {
                       workers.map(counting{9, 3}, [&](int) { ++ran; });
                     }),
                     "the range broke"));
      CHECK(workers.join());
      CHECK(ran == 3);
    });
  }

  TEST_CASE("map has a deadline, wherever it waits") {
    in_hub([] {
      pool workers{1};
      int ran = 0;
      const auto work = [&](int) {
        sleep(2s);
        ++ran;
      };
      std::string error;
      CHECK(time_of([&] {
              error = error_of([&] { workers.map(ints{1, 2, 3}, work, 3s); });
            }) == 3s);
      CHECK(mentions(error, "group::map: "));
      CHECK(workers.join());
      CHECK(ran == 2);
      CHECK(time_of([&] {
              error = error_of([&] { workers.map(ints{1}, work, 1s); });
            }) == 1s);
      CHECK(mentions(error, "greenlet '"));
      CHECK(workers.join());
      CHECK(ran == 3);
    });
  }

  TEST_CASE("a killed map starts nothing more; what has begun goes on") {
    in_hub([] {
      pool workers{2};
      int ran = 0;
      const auto caller = spawn([&] {
        workers.map(ints{1, 2, 3, 4}, [&](int) {
          sleep(1s);
          ++ran;
        });
      });
      yield();
      yield();
      caller.kill();
      CHECK(workers.size() == 2);
      CHECK(workers.join());
      CHECK(ran == 2);
    });
  }

  TEST_CASE("map stops when its group is destroyed") {
    in_hub([] {
      auto workers = std::make_unique<pool>(1);
      std::string error;
      const auto caller = spawn([&] {
        error = error_of([&] {
          workers->map(ints{1, 2}, [](int) { sleep(1s); });
        });
      });
      yield();
      yield();
      workers.reset();
      caller.join();
      CHECK(mentions(error, "destroyed"));
      sleep(2s);
    });
  }

  TEST_CASE("map stops when its group goes while the range waits") {
    in_hub([] {
      auto workers = std::make_unique<group>();
      int ran = 0;
      std::string error;
      const auto caller = spawn([&] {
        error = error_of([&] { workers->map(slow{}, [&](int) { ++ran; }); });
      });
      sleep(1500ms);
      workers.reset();
      caller.join();
      CHECK(mentions(error, "group::map: "));
      CHECK(ran == 2);
    });
  }

  TEST_CASE("map_async maps in a greenlet of its own") {
    in_hub([] {
      group workers;
      const auto all = workers.map_async(ints{1, 2, 3}, doubled);
      CHECK_FALSE(workers.contains(*all));
      CHECK(workers.empty());
      CHECK(all.get() == ints{2, 4, 6});
      const ints kept{4};
      CHECK(workers.map_async(kept, doubled).get() == ints{8});
      workers.map_async(kept, [](int) {}).get();
      CHECK(mentions(error_of([&] {
                       workers.map_async(counting{9, 1}, doubled).get();
                     }),
                     "the range broke"));
      workers.join();
    });
  }

  TEST_CASE("map_async fails when its group is gone before it begins") {
    in_hub([] {
      auto workers = std::make_unique<group>();
      const auto all = workers->map_async(ints{1, 2, 3}, doubled);
      workers.reset();
      CHECK(mentions(error_of([&] { all.get(); }), "group::map_async: "));
    });
  }

  TEST_CASE("killing a pool ends a map_async over it") {
    // gevent's test_terminate
    in_hub([] {
      pool workers{2};
      const auto all = workers.map_async(ints(6, 0), [](int) { sleep(1h); });
      sleep(1s);
      CHECK(time_of([&] { CHECK(workers.kill()); }) == 0s);
      while (!all.dead()) {
        workers.kill();
        yield();
      }
      CHECK(mentions(error_of([&] { all.get(); }), "killed"));
    });
  }
}
