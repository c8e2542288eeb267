#include "hub/beside.hpp"
#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/loop_actor.hpp>
#include <greenroom/actors/router.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <chrono>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

struct job {
  int number = 0;
};
struct work {
  std::chrono::nanoseconds time;
};
struct who {
  using reply = int;
};
struct crash {};

class worker : public actor<job, work, who, crash> {
public:
  explicit worker(int number, std::chrono::nanoseconds answers_after = 0s)
      : number_(number), answers_after_(answers_after) {}
  std::vector<int> jobs;

private:
  void receive(job got) override { jobs.push_back(got.number); }
  void receive(work got) override { sleep(got.time); }
  int receive(who) override {
    if (answers_after_ > 0s) sleep(answers_after_);
    return number_;
  }
  void receive(crash) override { throw std::runtime_error("crash"); }

  int number_;
  std::chrono::nanoseconds answers_after_;
};

using workers = std::vector<actor_ref<worker>>;

workers make_workers(int count) {
  workers all;
  for (int i = 0; i < count; ++i)
    all.push_back(spawn<worker>(i));
  return all;
}

void kill_all(const workers& all) {
  for (const auto& each : all)
    each.kill();
}

const std::vector<int>& jobs_of(const actor_ref<worker>& of) {
  return static_cast<worker&>(*of.target()).jobs;
}

using numbers = std::vector<int>;

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("round_robin sends to one after the other") {
    in_hub([] {
      const auto all = make_workers(3);
      router<worker> pool{routing::round_robin, all};
      for (int i = 0; i < 7; ++i)
        pool.send(job{i});
      idle();
      CHECK(jobs_of(all[0]) == numbers{0, 3, 6});
      CHECK(jobs_of(all[1]) == numbers{1, 4});
      CHECK(jobs_of(all[2]) == numbers{2, 5});
      CHECK(pool.ask(who{}).get() == 1);
      CHECK(pool.try_send(job{}));
      pool.send(job{}, 1s);
      kill_all(all);
    });
  }

  TEST_CASE("dead actors are left out at once") {
    in_hub([] {
      for (const auto how :
           {routing::round_robin, routing::random, routing::least_loaded}) {
        const auto all = make_workers(3);
        router<worker> pool{how, all};
        all[1].kill();
        CHECK(pool.size() == 2);
        CHECK(pool.actors() == workers{all[0], all[2]});
        const auto before = dead_letters();
        for (int i = 0; i < 20; ++i)
          CHECK(pool.ask(who{}).get() != 1);
        pool.broadcast(job{});
        idle();
        CHECK(dead_letters() == before);
        all[0].kill();
        all[2].kill();
        CHECK(pool.empty());
        pool.send(job{}); // to nobody
        CHECK(dead_letters() == before + 1);
        CHECK(error_of([&] { pool.ask(who{}).get(); }).find("not alive") !=
              std::string::npos);
      }
    });
  }

  TEST_CASE("a router grows and shrinks while it is used") {
    in_hub([] {
      const auto all = make_workers(4);
      router<worker> pool;
      for (const auto& each : all)
        pool.add(each);
      pool.add(all[0]); // once is enough
      CHECK(pool.size() == 4);
      CHECK(pool.ask(who{}).get() == 0);
      CHECK(pool.ask(who{}).get() == 1);
      CHECK(pool.remove(all[0]));
      CHECK_FALSE(pool.remove(all[0]));
      CHECK(pool.ask(who{}).get() == 2); // nobody is passed over
      pool.add(all[0]);
      CHECK(pool.ask(who{}).get() == 3);
      CHECK(pool.ask(who{}).get() == 0);
      CHECK(pool.ask(who{}).get() == 1);
      pool.add(actor_ref<worker>{});
      CHECK(pool.size() == 4);
      kill_all(all);
    });
  }

  TEST_CASE("random choices are fair, and the same for the same seed") {
    in_hub([] {
      const auto all = make_workers(4);
      numbers first;
      for (int round = 0; round < 2; ++round) {
        router<worker> pool{routing::random, all};
        pool.seed(7);
        numbers chosen;
        std::map<int, int> times;
        for (int i = 0; i < 4000; ++i) {
          chosen.push_back(pool.ask(who{}).get());
          ++times[chosen.back()];
        }
        for (int i = 0; i < 4; ++i) {
          CHECK(times[i] > 850);
          CHECK(times[i] < 1150);
        }
        if (round == 0) first = chosen;
        CHECK(chosen == first);
      }
      kill_all(all);
    });
  }

  TEST_CASE("least_loaded sends to who has the fewest messages") {
    in_hub([] {
      const auto all = make_workers(3);
      router<worker> pool{routing::least_loaded, all};
      idle();
      for (int i = 0; i < 4; ++i)
        all[0].send(work{1s});
      all[1].send(work{1s});
      yield();
      yield(); // one is being handled
      CHECK(pool.next() == all[2]);
      all[2].send(work{1s});
      all[2].send(work{1s});
      CHECK(pool.next() == all[1]);
      sleep(20s);
      std::set<actor_ref<worker>> chosen; // idle, they take turns
      for (int i = 0; i < 3; ++i)
        chosen.insert(pool.next());
      CHECK(chosen.size() == 3);
      kill_all(all);
    });
  }

  TEST_CASE("broadcast sends everybody a copy") {
    in_hub([] {
      const auto all = make_workers(3);
      const router<worker> pool{routing::round_robin, all};
      pool.broadcast(job{5});
      idle();
      for (const auto& each : all)
        CHECK(jobs_of(each) == numbers{5});
      kill_all(all);
    });
  }

  TEST_CASE("first_reply asks all and returns the first value") {
    in_hub([] {
      const workers all{spawn<worker>(0, 5s), spawn<worker>(1, 1s),
                        spawn<worker>(2, 3s)};
      const router<worker> pool{routing::round_robin, all};
      CHECK(time_of([&] { CHECK(pool.first_reply(who{}) == 1); }) == 1s);
      sleep(10s);
      CHECK(error_of([&] {
              pool.first_reply(who{}, 500ms);
            }).find("timed out") != std::string::npos);
      kill_all(all);
    });
  }

  TEST_CASE("messages of one key go to one actor") {
    in_hub([] {
      auto all = make_workers(10);
      auto shards =
          hash_by<worker>([](const job& each) { return each.number; }, all);
      std::map<int, actor_ref<worker>> before;
      std::map<actor_ref<worker>, int> share;
      for (int key = 0; key < 10000; ++key) {
        before[key] = shards.actor_for(job{key});
        ++share[before[key]];
        CHECK(shards.actor_for(job{key}) == before[key]);
      }
      CHECK(share.size() == 10);
      for (const auto& [who, keys] : share) {
        CHECK(keys > 800);
        CHECK(keys < 1200);
      }
      // A new one takes its share from all; nothing else moves.
      all.push_back(spawn<worker>(10));
      shards.add(all.back());
      int moved = 0;
      for (int key = 0; key < 10000; ++key)
        if (shards.actor_for(job{key}) != before[key]) {
          CHECK(shards.actor_for(job{key}) == all.back());
          ++moved;
        }
      CHECK(moved > 700);
      CHECK(moved < 1150);
      // It goes, and so does another one.
      all.back().kill();
      CHECK(shards.remove(all[0]));
      for (int key = 0; key < 10000; ++key)
        if (before[key] != all[0])
          CHECK(shards.actor_for(job{key}) == before[key]);
        else
          CHECK(shards.actor_for(job{key}).alive());
      shards.send(job{3});
      idle();
      CHECK(jobs_of(shards.actor_for(job{3})) == numbers{3});
      kill_all(all);
    });
  }

  TEST_CASE("a key function may serve several kinds of messages") {
    in_hub([] {
      const auto all = make_workers(5);
      struct name_of {
        std::string operator()(const job&) const { return "a"; }
        std::string operator()(const who&) const { return "a"; }
      };
      const auto shards = hash_by<worker>(name_of{}, all);
      const int number = shards.ask(who{}).get();
      shards.send(job{1}, 1s);
      CHECK(shards.try_send(job{2}));
      idle();
      CHECK(jobs_of(all[static_cast<std::size_t>(number)]) == numbers{1, 2});
      kill_all(all);
    });
  }

  TEST_CASE("a supervised pool keeps its mail over a restart") {
    in_hub([] {
      const test::captured_log quiet;
      supervisor tree{one_for_one};
      router<worker> pool;
      for (int i = 0; i < 3; ++i)
        pool.add(tree.add<worker>(std::to_string(i), permanent, i));
      CHECK(pool.empty()); // not started yet
      tree.start();
      CHECK(pool.size() == 3);
      pool.send(crash{}); // to the first
      for (int i = 0; i < 6; ++i)
        pool.send(job{i}); // from the second on
      sleep(1s);
      CHECK(pool.size() == 3);
      CHECK(jobs_of(pool.actors()[0]) == numbers{2, 5});
      CHECK(jobs_of(pool.actors()[1]) == numbers{0, 3});
      tree.terminate("1");
      CHECK(pool.size() == 2);
      tree.restart("1");
      CHECK(pool.size() == 3);
      tree.stop();
      CHECK(pool.empty());
    });
  }

  TEST_CASE("workers that share a queue take work when they are free") {
    in_hub([] {
      queue<work> shared{2};
      std::vector<int> done(3);
      std::vector<actor_ref<loop_actor<crash>>> all;
      for (std::size_t i = 0; i < 3; ++i)
        all.push_back(spawn_actor<crash>([&, i](inbox<crash>&) {
          for (const work& each : shared) {
            sleep(each.time);
            ++done[i];
          }
        }));
      CHECK(time_of([&] {
              shared.put(work{100s});
              for (int i = 0; i < 20; ++i)
                shared.put(work{1s}); // waits: it is bounded
            }) > 5s);
      shared.shutdown();
      for (const auto& each : all)
        each.join();
      CHECK(done == numbers{1, 10, 10});
    });
  }

  TEST_CASE("routed actors are of this hub") {
    in_hub([] {
      const auto all = make_workers(1);
      test::beside there([to = all[0]] {
        router<worker> pool;
        CHECK(error_of([&] { pool.add(to); }).find("wrong_hub") !=
              std::string::npos);
      });
      there.join();
      kill_all(all);
    });
  }
}
