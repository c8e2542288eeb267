// P01 to P03 are OTP.md 1.6.

#include "hub/beside.hpp"
#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/process_group.hpp>
#include <greenroom/actors/supervisor.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

struct job {};
struct crash {};
using workers = process_group<job>;
using change = workers::change;

class worker : public actor<job, crash> {
  void receive(job) override {}
  void receive(crash) override { throw std::runtime_error("crash"); }
};

/// Notes what becomes of groups, by the members' names.
class watcher : public actor<change, job> {
public:
  explicit watcher(std::vector<std::string>& notes) : notes_(notes) {}

private:
  void receive(job) override {}
  void receive(change got) override {
    notes_.push_back(got.group + (got.what == membership::joined ? "+" : "-") +
                     (got.member.alive() ? got.member.name() : "dead"));
  }
  std::vector<std::string>& notes_;
};

class slow_watcher : public actor<change> {
public:
  slow_watcher() { bound_inbox(1); }

private:
  void receive(change) override { sleep(1h); }
};

actor_ref<worker> make_worker(const std::string& name) {
  const auto made = spawn<worker>();
  made.target()->name(name);
  return made;
}

using notes = std::vector<std::string>;

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("P01: an actor that joins twice counts twice, and leaves twice") {
    in_hub([] {
      const auto a = make_worker("a");
      const auto b = make_worker("b");
      const workers group{"g"};
      group.join(a);
      group.join(b);
      group.join(a);
      CHECK(group.size() == 3);
      CHECK(group.members() == std::vector<address<job>>{a, b, a});
      CHECK(group.leave(a));
      CHECK(group.members() == std::vector<address<job>>{b, a});
      CHECK(workers{"g"}.leave(a));
      CHECK_FALSE(group.leave(a));
      CHECK(group.members() == std::vector<address<job>>{b});
      a.kill();
      b.kill();
    });
  }

  TEST_CASE("P02: one that dies leaves, and those who watch are told") {
    in_hub([] {
      notes seen;
      const auto w = spawn<watcher>(seen);
      const auto a = make_worker("a");
      const auto b = make_worker("b");
      const workers group{"g"};
      group.join(a);
      CHECK(group.watch(w) == std::vector<address<job>>{a});
      group.join(b);
      group.join(a);
      CHECK(group.leave(b));
      a.kill();
      CHECK(group.members().empty());
      CHECK_FALSE(group.leave(a)); // it has left
      idle();
      CHECK(seen == notes{"g+b", "g+dead", "g-b", "g-dead", "g-dead"});
      CHECK(group.unwatch(w));
      CHECK_FALSE(group.unwatch(w));
      group.join(b);
      idle();
      CHECK(seen.size() == 5);
      b.kill();
      w.kill();
    });
  }

  TEST_CASE("P03: an unknown group has no members") {
    in_hub([] {
      CHECK(workers{"nobody"}.members().empty());
      CHECK(workers{"nobody"}.size() == 0);
      CHECK_FALSE(workers{"nobody"}.leave({}));
      CHECK_FALSE(workers{"nobody"}.unwatch({}));
      CHECK(process_group_names().empty());
    });
  }

  TEST_CASE("a group exists while it has members") {
    in_hub([] {
      const auto a = make_worker("a");
      workers{"two"}.join(a);
      workers{"one"}.join(a);
      CHECK(process_group_names() == notes{"one", "two"});
      CHECK(workers{"one"}.leave(a));
      CHECK(process_group_names() == notes{"two"});
      a.stop();
      a.join();
      CHECK(process_group_names().empty());
    });
  }

  TEST_CASE("a dead actor cannot join or watch") {
    in_hub([] {
      notes seen;
      const auto a = make_worker("a");
      const auto w = spawn<watcher>(seen);
      a.kill();
      w.kill();
      CHECK(error_of([&] { workers{"g"}.join(a); }).find("not alive") !=
            std::string::npos);
      CHECK_THROWS_AS(workers{"g"}.watch(w), std::system_error);
      CHECK_THROWS_AS(workers{"g"}.join({}), std::system_error);
      CHECK(process_group_names().empty());
    });
  }

  TEST_CASE("one that watches, and is a member, may die") {
    in_hub([] {
      notes seen;
      notes others;
      const auto w = spawn<watcher>(seen);
      const auto w2 = spawn<watcher>(others);
      const workers group{"g"};
      group.join(w);
      group.watch(w);
      group.watch(w2);
      const auto before = dead_letters();
      w.kill();
      idle();
      CHECK(others == notes{"g-dead"});
      CHECK(dead_letters() == before);
      const auto a = make_worker("a");
      group.join(a);
      idle();
      CHECK(others == notes{"g-dead", "g+a"});
      a.kill();
      w2.kill();
    });
  }

  TEST_CASE("changes never wait for a full inbox") {
    in_hub([] {
      const auto w = spawn<slow_watcher>();
      const workers group{"g"};
      group.watch(w);
      std::vector<actor_ref<worker>> all;
      CHECK(test::time_of([&] {
              for (int i = 0; i < 10; ++i) {
                all.push_back(make_worker("a"));
                group.join(all.back());
                yield();
              }
              for (const auto& each : all)
                each.kill();
            }) == 0s);
      CHECK(static_cast<actor_base&>(*w.target()).inbox_size() == 19);
      w.kill();
    });
  }

  TEST_CASE("a group's name is for members of one type") {
    in_hub([] {
      const auto a = make_worker("a");
      workers{"g"}.join(a);
      const process_group<job, crash> wider{"g"};
      CHECK(error_of([&] { wider.join(a); }).find("has members of type") !=
            std::string::npos);
      CHECK_THROWS_AS(wider.members(), std::system_error);
      a.kill();
      const auto b = make_worker("b");
      wider.join(b); // the name was free
      CHECK(wider.size() == 1);
      b.kill();
    });
  }

  TEST_CASE("an actor stays in its groups when its supervisor restarts it") {
    in_hub([] {
      const test::captured_log quiet;
      supervisor tree{one_for_one};
      const auto a = tree.add<worker>("a", permanent);
      tree.start();
      const workers group{"g"};
      group.join(a);
      a.send(crash{});
      sleep(1s);
      CHECK(group.members() == std::vector<address<job>>{a});
      CHECK(a.alive());
      tree.stop();
      CHECK(group.size() == 0);
    });
  }

  TEST_CASE("groups are of one hub") {
    in_hub([] {
      const auto a = make_worker("a");
      workers{"g"}.join(a);
      test::beside other([a] {
        CHECK(workers{"g"}.size() == 0);
        CHECK(error_of([a] { workers{"g"}.join(a); }).find("wrong_hub") !=
              std::string::npos);
      });
      other.join();
      a.kill();
    });
  }

  TEST_CASE("a hub may end while its groups have members") {
    in_hub(
        [] {
          static notes seen;
          workers{"g"}.join(make_worker("a"));
          workers{"g"}.watch(spawn<watcher>(seen));
          yield();
        },
        test::leftovers::allowed);
  }
}
