#include <greenroom/actors/actor_on.hpp>
#include <greenroom/hub/hub_group.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/spawn_on.hpp>

#include "hub/support.hpp"

#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::captured_log;
using test::in_hub_on;
using test::leftovers;

namespace {

struct add {
  long number;
};
struct total {
  using reply = long;
};
struct dwelling {
  using reply = std::thread::id;
};

class counter : public actor<add, total, dwelling> {
public:
  explicit counter(long begin = 0) : total_(begin) {
    if (begin < 0) throw std::invalid_argument("less than nothing");
  }

private:
  void receive(add one) override { total_ += one.number; }
  long receive(total) override { return total_; }
  std::thread::id receive(dwelling) override {
    return std::this_thread::get_id();
  }
  long total_;
};

/// Says when a message comes out of turn.
struct numbered {
  int sender;
  long number;
};
struct wrong {
  using reply = long;
};

class checker : public actor<numbered, wrong> {
  void receive(numbered one) override {
    long& last = last_[static_cast<std::size_t>(one.sender)];
    if (one.number != last + 1) ++wrong_;
    last = one.number;
  }
  long receive(wrong) override { return wrong_; }
  std::vector<long> last_ = std::vector<long>(8);
  long wrong_ = 0;
};

/// On the real clock: other threads do not wait for a virtual one.
void in_real_hub(const std::function<void()>& body) {
  in_hub_on(clock_kind::real, body);
}

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("a group has as many hubs as it is told, each a thread") {
    in_real_hub([] {
      hub_group hubs{3};
      CHECK(hubs.size() == 3);
      std::set<std::thread::id> threads{std::this_thread::get_id()};
      for (const hub_address& each : hubs)
        threads.insert(
            spawn_on(each, [] { return std::this_thread::get_id(); }).get());
      CHECK(threads.size() == 4);
      CHECK(hubs.stop());
      CHECK_FALSE(post_to(hubs[0], [] {}));
    });
  }

  TEST_CASE("a group without a number has one hub for each CPU") {
    in_real_hub([] {
      hub_group hubs{{.pinned = true, .name = "core"}};
      CHECK(hubs.size() >= 1);
      CHECK(hubs.size() <= std::thread::hardware_concurrency());
    });
  }

  TEST_CASE("too many hubs are refused") {
    in_real_hub([] {
      CHECK_THROWS_AS(hub_group{257}, std::invalid_argument);
      CHECK_THROWS_AS(hub_group{static_cast<std::size_t>(-1)},
                      std::invalid_argument);
    });
  }

  TEST_CASE("what at_start throws comes out of the constructor") {
    in_real_hub([] {
      std::atomic<int> begun = 0;
      const auto fail = [&](std::size_t number) {
        ++begun;
        sleep(1ms);
        if (number == 1) throw std::runtime_error("no room");
      };
      CHECK_THROWS_WITH(hub_group({.hubs = 3, .at_start = fail}), "no room");
      CHECK(begun == 2);
    });
  }

  TEST_CASE("spawn_on brings back what the function returns or throws") {
    in_real_hub([] {
      hub_group hubs{1};
      CHECK(spawn_on(hubs[0], [] { return 42; }).get() == 42);
      auto text = std::make_unique<std::string>("moved");
      auto moved =
          spawn_on(hubs[0], [text = std::move(text)] { return *text; });
      CHECK(moved.get() == "moved");
      spawn_on(hubs[0], [] {}).get();
      const auto failed =
          spawn_on(hubs[0], [] { throw std::runtime_error("no luck"); });
      CHECK_THROWS_WITH(failed.get(), "no luck");
      const auto may_wait = spawn_on(hubs[0], [] {
        sleep(1ms);
        return 1;
      });
      CHECK(may_wait.get() == 1);
      const hub_address here = hub::current().address();
      CHECK(spawn_on(here, [] { return 7; }).get() == 7);
    });
  }

  TEST_CASE("spawn_on to a hub that has ended, or ends, fails its result") {
    in_real_hub([] {
      hub_group hubs{1};
      const auto never = spawn_on(hubs[0], [] { sleep(1h); });
      CHECK(hubs.stop());
      CHECK_THROWS_WITH(never.get(),
                        make_error_code(errc::killed).message().c_str());
      const auto late = spawn_on(hubs[0], [] { return 1; });
      CHECK_THROWS_WITH(late.get(),
                        make_error_code(errc::dead).message().c_str());
    });
  }

  TEST_CASE("an actor is made on the hub it is to live on") {
    in_real_hub([] {
      hub_group hubs{2};
      const auto a = spawn<counter>(on(hubs[0]), 10L);
      const auto b = spawn<counter>(on(hubs[1]));
      const auto c = spawn<counter>(on(hub::current().address()), 1L);
      a.send(add{5});
      CHECK(a.ask(total{}).get() == 15);
      CHECK(a.ask(dwelling{}).get() != b.ask(dwelling{}).get());
      CHECK(c.ask(dwelling{}).get() == std::this_thread::get_id());
      CHECK_THROWS_WITH(spawn<counter>(on(hubs[1]), -1L), "less than nothing");
      c.stop();
      c.join();
      hubs.stop();
      CHECK_THROWS_WITH(spawn<counter>(on(hubs[1])),
                        make_error_code(errc::dead).message().c_str());
      CHECK_THROWS_AS(a.ask(total{}).get(), std::system_error);
    });
  }

  TEST_CASE("the placements choose in turn, by load and by key") {
    in_real_hub([] {
      hub_group hubs{3};
      const hub_address first = hubs.round_robin();
      CHECK(hubs.round_robin() != first);
      CHECK(hubs.round_robin() != first);
      CHECK(hubs.round_robin() == first);

      std::set<hub_address> chosen;
      for (int i = 0; i < 3; ++i) {
        const hub_address least = hubs.least_loaded();
        spawn<counter>(on(least));
        chosen.insert(least);
      }
      CHECK(chosen.size() == 3);

      CHECK(hubs.by_key("ann") == hubs.by_key("ann"));
      std::set<hub_address> keyed;
      for (int key = 0; key < 60; key += 2)
        keyed.insert(hubs.by_key(key));
      CHECK(keyed.size() == 3);
    });
  }

  TEST_CASE("messages from several hubs keep each sender's order") {
    in_real_hub([] {
      hub_group hubs{4};
      const auto to = spawn<checker>(on(hubs[0]));
      std::vector<async_result<void>> senders;
      for (int i = 0; i < 4; ++i)
        senders.push_back(spawn_on(hubs[static_cast<std::size_t>(i)], [to, i] {
          for (long n = 1; n <= 3000; ++n) {
            to.send(numbered{i, n});
            if (n % 7 == i) yield();
            if (n % 500 == 0) sleep(50us);
          }
        }));
      for (long n = 1; n <= 3000; ++n)
        to.send(numbered{7, n});
      for (const auto& each : senders)
        each.get();
      CHECK(to.ask(wrong{}).get() == 0);
    });
  }

  TEST_CASE("mail leaves though its sender goes on without waiting") {
    in_real_hub([] {
      hub_group hubs{1};
      struct flag {
        std::shared_ptr<std::atomic<int>> count;
      };
      class raiser : public actor<flag> {
        void receive(flag raised) override { ++*raised.count; }
      };
      const auto to = spawn<raiser>(on(hubs[0]));
      for (int round = 0; round < 50; ++round) {
        const auto count = std::make_shared<std::atomic<int>>();
        for (int i = 0; i < 7; ++i)
          to.send(flag{count});
        while (*count < 7) // blocks this thread
          std::this_thread::yield();
      }
    });
  }

  TEST_CASE("stop comes after the mail that was sent before it") {
    in_real_hub([] {
      hub_group hubs{1};
      for (int round = 0; round < 50; ++round) {
        const auto a = spawn<counter>(on(hubs[0]));
        for (int i = 0; i < 10; ++i)
          a.send(add{1});
        auto sum = a.ask(total{});
        a.stop();
        CHECK(sum.get() == 10);
      }
    });
  }

  TEST_CASE("a greenlet that does not give way holds up stop to its deadline") {
    const captured_log log;
    std::atomic<bool> go_on = true;
    std::atomic<bool> over = false;
    in_real_hub([&] {
      hub_group hubs{{.hubs = 2, .name = "mill"}};
      spawn_on(hubs[1], [&] {
        while (go_on)
          std::this_thread::yield();
        over = true;
      });
      while (!hubs[1].visit([](hub& there) { CHECK(there.greenlets() > 0); }))
        yield();
      CHECK_FALSE(hubs.stop(deadline{30ms}));
      CHECK(log.has("mill-1 has not stopped in time"));
      go_on = false;
      while (!over)
        std::this_thread::yield();
    });
  }

  TEST_CASE("a stop whose greenlet is killed is finished by the destructor") {
    in_real_hub([] {
      for (int round = 0; round < 20; ++round) {
        std::atomic<bool> go_on = false;
        hub_group hubs{1};
        spawn_on(hubs[0], [&] {
          const shield guard;
          while (!go_on)
            sleep(100us);
        });
        while (!hubs[0].visit([](hub&) {}))
          yield();
        auto stopper = spawn([&] { hubs.stop(); });
        sleep(200us);
        CHECK(stopper.kill());
        go_on = true;
        if (round % 2) sleep(1ms); // its thread may have ended by then
      }
    });
  }

  TEST_CASE("a group that is destroyed stops first, also during unwinding") {
    in_real_hub([] {
      hub_address kept;
      CHECK_THROWS_WITH(
          [&] {
            hub_group hubs{2};
            kept = hubs[0];
            spawn<counter>(on(kept));
            throw std::runtime_error("left");
          }(),
          "left");
      CHECK_FALSE(post_to(kept, [] {}));
    });
  }

  TEST_CASE(
      "a killed greenlet's wait for another hub ends, its work does not") {
    in_real_hub([] {
      hub_group hubs{1};
      auto g = spawn([&] { spawn_on(hubs[0], [] { sleep(5ms); }).get(); });
      sleep(1ms);
      CHECK(g.kill());
      CHECK(hubs.stop(deadline{5s}));
    });
  }
}
