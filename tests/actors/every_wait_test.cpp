// What every waiting call of this room owes: see every_wait.hpp.

#include "every_wait.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/gather.hpp>
#include <greenroom/actors/group.hpp>
#include <greenroom/actors/pool.hpp>
#include <greenroom/actors/topic.hpp>

#include <chrono>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;

namespace {

/// Does not mind being killed, until it is let go.
struct stubborn {
  void operator()() {
    while (!free)
      try {
        sleep(std::chrono::hours(1));
      } catch (const greenlet_exit&) {
      }
  }
  const bool& free;
};

struct group_wait {
  group_wait() {
    member = target.spawn(stubborn{free});
    yield(); // a kill finds it begun
  }
  ~group_wait() {
    free = true;
    member.kill();
  }
  bool left_clean() { return target.size() == 1; }
  group target;
  any_greenlet member;
  bool free = false;
};

struct group_join : group_wait {
  bool call(deadline until) { return target.join(until); }
};

struct group_join_or_throw : group_wait {
  bool call(deadline until) { return target.join_or_throw(until); }
};

struct group_kill : group_wait {
  bool call(deadline until) { return target.kill(until); }
};

struct group_kill_one : group_wait {
  bool call(deadline until) { return target.kill_one(*member, until); }
};

struct pool_wait {
  pool_wait() { member = target.spawn(stubborn{free}); }
  ~pool_wait() {
    free = true;
    member.kill();
    other.kill();
  }
  bool left_clean() { return target.watchers().empty() && target.size() == 1; }
  pool target{1};
  any_greenlet member;
  any_greenlet other = spawn([] {});
  bool free = false;
};

struct pool_add : pool_wait {
  bool call(deadline until) {
    std::error_code failed;
    const bool added = target.add(other, until, failed);
    CHECK(failed == errc::full);
    return added;
  }
};

struct pool_start : pool_wait {
  bool call(deadline until) {
    std::error_code failed;
    return target.start(*other, until, failed);
  }
};

struct pool_wait_available : pool_wait {
  bool call(deadline until) { return target.wait_available(until) > 0; }
};

struct pool_map : pool_wait {
  bool call(deadline until) {
    target.map(
        std::vector<int>{1}, [](int) {}, until);
    return true;
  }
};

struct imap_next {
  bool call(deadline until) { return results.next(until).has_value(); }
  bool left_clean() { return target.size() <= 1; }
  group target;
  imap_results<void> results = target.imap(
      std::vector<int>{1}, [](int) { sleep(std::chrono::hours(1)); });
};

struct imap_next_code : imap_next {
  bool call(deadline until) {
    std::error_code failed;
    const bool got = results.next(until, failed).has_value();
    CHECK(failed == errc::timed_out);
    return got;
  }
};

struct question {
  using reply = int;
};

/// Puts off its answers for ever.
class procrastinator : public actor<request<question>> {
public:
  std::vector<request<question>> asked;

private:
  void receive(request<question> one) override {
    asked.push_back(std::move(one));
  }
};

struct asking_many {
  ~asking_many() {
    for (const auto& each : all)
      each.kill();
  }
  // Replies that come now are nobody's.
  bool left_clean() {
    for (const auto& each : all)
      for (auto& one : static_cast<procrastinator&>(*each.target()).asked)
        one.reply(1);
    return true;
  }
  std::vector<actor_ref<procrastinator>> all{spawn<procrastinator>(),
                                             spawn<procrastinator>()};
};

struct gather_wait : asking_many {
  bool call(deadline until) { return !gather(all, question{}, until).empty(); }
};

struct ask_all_wait : asking_many {
  bool call(deadline until) {
    return ask_all(all, question{}, until)[1].successful();
  }
};

struct first_reply_wait : asking_many {
  bool call(deadline until) { return first_reply(all, question{}, until) > 0; }
};

struct subscription_get {
  bool call(deadline until) { return mine.get(until) > 0; }
  bool left_clean() { return mine.watchers().empty(); }
  topic<int> news;
  subscription<int> mine{news, 1};
};

} // namespace

TEST_CASE_TEMPLATE("every wait in actors", Wait, group_join,
                   group_join_or_throw, group_kill, group_kill_one, pool_add,
                   pool_start, pool_wait_available, pool_map, imap_next,
                   imap_next_code, gather_wait, ask_all_wait, first_reply_wait,
                   subscription_get) {
  test::every_wait<Wait>();
}
