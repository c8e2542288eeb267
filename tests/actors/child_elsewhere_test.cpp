#include <greenroom/actors/actor_on.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/hub_group.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/spawn_on.hpp>

#include "hub/support.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

struct add {
  int number;
};
struct fail {};
struct leave {};
struct total {
  using reply = int;
};
struct dwelling {
  using reply = std::thread::id;
};

/// What several hubs write.
class diary {
public:
  void write(std::string text) {
    const std::lock_guard held{lock_};
    lines_.push_back(std::move(text));
  }
  std::vector<std::string> lines() const {
    const std::lock_guard held{lock_};
    return lines_;
  }
  std::size_t count(const std::string& text) const {
    const auto all = lines();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), text));
  }

private:
  mutable std::mutex lock_;
  std::vector<std::string> lines_; // guarded by lock_
};

class worker : public actor<add, fail, leave, total, dwelling> {
public:
  worker(std::string id, diary& all, bool stubborn = false)
      : id_(std::move(id)), all_(all), stubborn_(stubborn) {
    all_.write(id_ + " made");
    if (id_ == "broken") throw std::runtime_error("no parts");
  }
  ~worker() override { all_.write(id_ + " gone"); }

private:
  void on_start() override {
    if (id_ == "slow") sleep(1h);
    if (id_ == "idle") stop();
  }
  void on_stop(const exit_reason& why) override {
    if (stubborn_) sleep(1h);
    all_.write(id_ + ": " + to_string(why));
  }
  void receive(add one) override { total_ += one.number; }
  void receive(fail) override { throw std::runtime_error("no luck"); }
  void receive(leave) override { stop(); }
  int receive(total) override { return total_; }
  std::thread::id receive(dwelling) override {
    return std::this_thread::get_id();
  }

  const std::string id_;
  diary& all_;
  const bool stubborn_;
  int total_ = 0;
};

/// On the real clock: other threads do not wait for a virtual one.
void in_real_hub(const std::function<void()>& body) {
  test::in_hub_on(clock_kind::real, body);
}

using lines = std::vector<std::string>;

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("a supervisor's child lives on another hub, and is restarted") {
    in_real_hub([] {
      test::captured_log log;
      diary all;
      hub_group hubs{2};
      supervisor tree{one_for_one, {.max_restarts = 100}};
      const auto a =
          tree.add<worker>("a", on(hubs[1]), permanent, "a", std::ref(all));
      a.send(add{1}); // a dead letter: nobody is there yet
      CHECK(all.lines().empty());
      tree.start();
      CHECK(tree.find<worker>("a") == a);
      CHECK(tree.children().front().key == a.key());
      CHECK(a.ask(dwelling{}).get() ==
            spawn_on(hubs[1], [] { return std::this_thread::get_id(); }).get());
      for (int i = 0; i < 20; ++i) {
        a.send(add{5});
        a.send(fail{});
        a.send(add{7}); // for the next
        REQUIRE(a.ask(total{}).get() == 7);
      }
      CHECK(tree.children().front().restarts == 20);
      CHECK(to_string(tree.children().front().last_end) ==
            "std::runtime_error: no luck");
      tree.stop();
      CHECK(all.lines().back() == "a: shutdown");
      CHECK(all.count("a: shutdown") == 1);
      CHECK_THROWS_AS(a.ask(total{}).get(), std::system_error);
    });
  }

  TEST_CASE("a child of another hub that ends as it may is left alone") {
    in_real_hub([] {
      diary all;
      hub_group hubs{1};
      supervisor tree{one_for_one};
      const auto a =
          tree.add<worker>("a", on(hubs[0]), transient, "a", std::ref(all));
      const auto b =
          tree.add<worker>("b", on(hubs[0]), temporary, "b", std::ref(all));
      const auto idle = tree.add<worker>("idle", on(hubs[0]), transient, "idle",
                                         std::ref(all));
      tree.start();
      CHECK(idle.join());
      a.send(leave{});
      CHECK(a.join());
      b.kill();
      while (tree.size() > 2 ||
             tree.children().front().state == child_state::running)
        yield();
      CHECK(tree.children().front().id == "a");
      CHECK(tree.children().front().restarts == 0);
      tree.restart("a"); // the same reference
      CHECK(a.ask(total{}).get() == 0);
      tree.terminate("a");
      CHECK(a.join());
      tree.remove("a");
      CHECK(all.count("a: shutdown") == 1);
    });
  }

  TEST_CASE("children of several hubs stop in reverse, and start in order") {
    in_real_hub([] {
      test::captured_log log;
      diary all;
      hub_group hubs{2};
      supervisor tree{one_for_all, {.max_restarts = 5}};
      const auto a =
          tree.add<worker>("a", on(hubs[0]), permanent, "a", std::ref(all));
      const auto b = tree.add<worker>("b", permanent, "b", std::ref(all));
      const auto c =
          tree.add<worker>("c", on(hubs[1]), permanent, "c", std::ref(all));
      tree.start();
      CHECK(all.lines() == lines{"a made", "b made", "c made"});
      b.send(fail{});
      while (all.count("c made") < 2)
        yield();
      CHECK(c.ask(total{}).get() == 0);
      CHECK(a.ask(total{}).get() == 0);
      const lines middle = all.lines();
      CHECK(std::find(middle.begin(), middle.end(), "c: shutdown") <
            std::find(middle.begin(), middle.end(), "a: shutdown"));
      tree.stop();
      const lines end = all.lines();
      std::vector<std::string> stops;
      std::copy_if(end.end() - 6, end.end(), std::back_inserter(stops),
                   [](const std::string& each) {
                     return each.find(": shutdown") != std::string::npos;
                   });
      CHECK(stops == lines{"c: shutdown", "b: shutdown", "a: shutdown"});
    });
  }

  TEST_CASE("a child of another hub that cannot start says why") {
    in_real_hub([] {
      test::captured_log log;
      diary all;
      hub_group hubs{1};
      {
        supervisor tree{one_for_one};
        tree.add<worker>("broken", on(hubs[0]), permanent, "broken",
                         std::ref(all));
        CHECK(test::error_of([&] { tree.start(); }).find("no parts") !=
              std::string::npos);
      }
      supervisor tree{one_for_one};
      const auto slow = tree.add<worker>(
          "slow", on(hubs[0]), {.start_within = 1ms}, "slow", std::ref(all));
      CHECK(test::error_of([&] { tree.start(); }).find("timeout") !=
            std::string::npos);
      CHECK(slow.join());
    });
  }

  TEST_CASE("a supervisor that is stopped while a child starts elsewhere") {
    in_real_hub([] {
      test::captured_log log;
      diary all;
      hub_group hubs{1};
      supervisor tree{one_for_one};
      const auto slow = tree.add<worker>("slow", on(hubs[0]), permanent, "slow",
                                         std::ref(all));
      auto starts = spawn([&] { tree.start(); });
      while (all.lines().empty())
        yield();
      tree.stop();
      CHECK_THROWS_AS(starts.get(), start_failure);
      CHECK(slow.join());
      CHECK(all.count("slow: shutdown") == 1);
    });
  }

  TEST_CASE("the end of a hub is the end of the children there") {
    in_real_hub([] {
      test::captured_log log;
      diary all;
      hub_group hubs{1};
      supervisor tree{one_for_one, {.max_restarts = 2}};
      const auto a =
          tree.add<worker>("a", on(hubs[0]), permanent, "a", std::ref(all));
      tree.start();
      CHECK(a.ask(total{}).get() == 0);
      hubs.stop();
      CHECK(tree.join());
      CHECK(to_string(tree.reason()).find("noconnection") != std::string::npos);
      CHECK(a.join());
      CHECK_THROWS_AS(
          tree.add<worker>("b", on(hubs[0]), permanent, "b", std::ref(all)),
          std::system_error);
    });
  }

  TEST_CASE("those who join a child elsewhere learn that it is given up") {
    in_real_hub([] {
      test::captured_log log;
      diary all;
      hub_group hubs{2};
      supervisor tree{one_for_one, {.max_restarts = 1}};
      const auto a =
          tree.add<worker>("a", on(hubs[0]), permanent, "a", std::ref(all));
      tree.start();
      auto here = spawn([a] { return a.join(); });
      const auto there = spawn_on(hubs[1], [a] { return a.join(); });
      a.send(fail{});
      a.send(fail{});
      CHECK(here.get());
      CHECK(there.get());
      CHECK(tree.join());
    });
  }

  TEST_CASE("a dynamic supervisor starts children on any hub") {
    in_real_hub([] {
      diary all;
      hub_group hubs{2};
      supervisor tree{dynamic};
      tree.start();
      std::vector<actor_ref<worker>> made;
      for (int i = 0; i < 20; ++i)
        made.push_back(tree.start_child<worker>(on(hubs.round_robin()), "a",
                                                std::ref(all)));
      CHECK(tree.size() == 20);
      for (const auto& each : made)
        CHECK(each.ask(total{}).get() == 0);
      tree.terminate(made[3]);
      CHECK(made[3].join());
      CHECK(tree.size() == 19);
      tree.stop();
      CHECK(all.count("a: shutdown") == 20);
    });
  }

  TEST_CASE("a child elsewhere that does not end in time is killed brutally") {
    in_real_hub([] {
      test::captured_log log;
      diary all;
      hub_group hubs{1};
      supervisor tree{one_for_one};
      const auto a = tree.add<worker>("a", on(hubs[0]), {.shutdown = 1ms}, "a",
                                      std::ref(all), true);
      tree.start();
      tree.stop();
      CHECK(a.join());
      CHECK(log.has("has not ended in time"));
      const auto b = tree.add<worker>(
          "b", on(hubs[0]), {.shutdown = brutal_kill}, "b", std::ref(all));
      tree.start();
      tree.stop();
      CHECK(b.join());
    });
  }

  TEST_CASE("an id that is taken leaves nothing on the other hub") {
    in_real_hub([] {
      diary all;
      hub_group hubs{1};
      supervisor tree{one_for_one};
      const auto a =
          tree.add<worker>("a", on(hubs[0]), permanent, "a", std::ref(all));
      CHECK_THROWS_AS(
          tree.add<worker>("a", on(hubs[0]), permanent, "a", std::ref(all)),
          std::invalid_argument);
      tree.start();
      CHECK(a.ask(total{}).get() == 0);
      CHECK(all.lines() == lines{"a made"});
    });
  }

  TEST_CASE("a child on the supervisor's own hub is as any other") {
    in_real_hub([] {
      diary all;
      supervisor tree{one_for_one};
      const auto a = tree.add<worker>("a", on(hub::current().address()),
                                      permanent, "a", std::ref(all));
      tree.start();
      CHECK(a.alive());
      CHECK(a.ask(total{}).get() == 0);
    });
  }
}
