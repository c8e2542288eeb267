// What every waiting call of this room owes: see every_wait.hpp.

#include "every_wait.hpp"

#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/barrier.hpp>
#include <greenroom/mailbox/channel.hpp>
#include <greenroom/mailbox/condition.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/inbox.hpp>
#include <greenroom/mailbox/latch.hpp>
#include <greenroom/mailbox/lock.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/semaphore.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <chrono>
#include <mutex>
#include <vector>

using namespace greenroom;

namespace {

struct event_wait {
  bool call(deadline until) { return target.wait(until); }
  bool left_clean() { return target.watchers().empty(); }
  event target;
};

struct alarm_clock_wait {
  bool call(deadline until) { return target.wait(until); }
  bool left_clean() { return target.watchers().empty(); }
  alarm_clock target;
};

struct semaphore_acquire {
  bool call(deadline until) { return target.acquire(until); }
  bool left_clean() { return target.watchers().empty() && target.count() == 0; }
  semaphore target{0};
};

struct semaphore_wait : semaphore_acquire {
  bool call(deadline until) { return target.wait(until) > 0; }
};

struct semaphore_guard_wait : semaphore_acquire {
  bool call(deadline until) {
    const semaphore_guard held{target, until};
    return true;
  }
};

struct latch_wait {
  bool call(deadline until) { return target.wait(until); }
  bool left_clean() { return target.watchers().empty() && target.count() == 1; }
  latch target{1};
};

struct barrier_wait {
  bool call(deadline until) { return target.arrive_and_wait(until); }
  bool left_clean() { return target.arrived() == 0; }
  barrier target{2};
};

/// Held by another greenlet.
struct lock_acquire {
  lock_acquire() { yield(); }
  ~lock_acquire() { holder.kill(); }
  bool call(deadline until) { return target.acquire(until); }
  bool left_clean() { return target.watchers().empty() && target.locked(); }
  greenroom::lock target;
  greenlet<void> holder = spawn([this] {
    const std::lock_guard held{target};
    sleep(std::chrono::hours(10'000));
  });
};

struct condition_wait {
  bool call(deadline until) {
    std::unique_lock held{guarded};
    const auto still_held = [&] { CHECK(held.owns_lock()); };
    try {
      const bool noticed = target.wait(held, until);
      still_held();
      return noticed;
    } catch (...) {
      still_held();
      throw;
    }
  }
  bool left_clean() { return !guarded.locked(); }
  greenroom::lock guarded;
  condition target;
};

struct result_wait {
  bool call(deadline until) { return target.wait(until); }
  bool left_clean() { return target.watchers().empty(); }
  async_result<int> target;
};

struct result_get : result_wait {
  bool call(deadline until) { return target.get(until) > 0; }
};

struct result_take : result_wait {
  bool call(deadline until) { return target.take(until) > 0; }
};

struct queue_get {
  bool call(deadline until) { return target.get(until) > 0; }
  bool left_clean() { return target.watchers().empty() && target.empty(); }
  queue<int> target;
};

struct queue_get_code : queue_get {
  bool call(deadline until) {
    std::error_code failed;
    const bool got = target.get(until, failed).has_value();
    CHECK(failed == errc::timed_out);
    return got;
  }
};

struct queue_put {
  queue_put() { target.put(1); }
  bool call(deadline until) {
    target.put(2, until);
    return true;
  }
  bool left_clean() { return target.size() == 1; }
  queue<int> target{1};
};

struct queue_peek : queue_get {
  bool call(deadline until) { return target.peek(until) > 0; }
};

struct queue_join {
  queue_join() { target.put(1); }
  bool call(deadline until) { return target.join(until); }
  bool left_clean() { return target.unfinished() == 1; }
  queue<int> target;
};

struct channel_get {
  bool call(deadline until) { return target.get(until) > 0; }
  bool left_clean() { return target.watchers().empty() && !target.balance(); }
  channel<int> target;
};

struct channel_put : channel_get {
  bool call(deadline until) {
    target.put(1, until);
    return true;
  }
};

struct inbox_get {
  bool call(deadline until) { return target.get(until).index() == 0; }
  bool left_clean() { return target.empty(); }
  inbox<int, char> target;
};

struct inbox_get_if : inbox_get {
  inbox_get_if() { target.put(1); }
  bool call(deadline until) {
    return target.get_if<int>([](int item) { return item == 2; }, until) == 2;
  }
  bool left_clean() { // and its mail is still there, and goes to who comes
    const bool whole = target.size() == 1 && target.get<int>() == 1;
    target.put(1);
    return whole;
  }
};

struct inbox_put {
  inbox_put() { target.put('a'); }
  bool call(deadline until) {
    target.put(1, until);
    return true;
  }
  bool left_clean() { return target.size() == 1; }
  inbox<int, char> target{1};
};

struct wait_for_several {
  bool call(deadline until) {
    return !wait({one, two, three, four}, until).empty();
  }
  bool left_clean() {
    return one.watchers().empty() && two.watchers().empty() &&
           three.watchers().empty() && four.watchers().empty();
  }
  event one;
  queue<int> two;
  async_result<void> three;
  semaphore four{0};
};

struct iwait_for_several : wait_for_several {
  bool call(deadline until) {
    return iwait({one, two, three, four}, until).next().has_value();
  }
};

struct select_several : wait_for_several {
  bool call(deadline until) {
    const auto nothing = [] {};
    return select(until, when(one, nothing), from(two, [](int) {}),
                  when(three, nothing), when(four, nothing))
        .has_value();
  }
};

struct take_any_queue : queue_get {
  bool call(deadline until) {
    const std::vector<queue<int>*> both{&target, &other};
    return take_any(both, until).has_value();
  }
  bool left_clean() {
    return queue_get::left_clean() && other.watchers().empty();
  }
  queue<int> other;
};

} // namespace

TEST_CASE_TEMPLATE("every wait in mailbox", Wait, event_wait, alarm_clock_wait,
                   semaphore_acquire, semaphore_wait, semaphore_guard_wait,
                   latch_wait, barrier_wait, lock_acquire, condition_wait,
                   result_wait, result_get, result_take, queue_get,
                   queue_get_code, queue_put, queue_peek, queue_join,
                   channel_get, channel_put, inbox_get, inbox_get_if, inbox_put,
                   wait_for_several, iwait_for_several, select_several,
                   take_any_queue) {
  test::every_wait<Wait>();
}
