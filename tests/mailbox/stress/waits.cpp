#include "mailbox/stress/programs.hpp"
#include "stress/program.hpp"

#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/semaphore.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <list>
#include <optional>
#include <vector>

namespace stress {
namespace {

/// Waits for some of several objects of all kinds.
class wait_program final : public program {
public:
  explicit wait_program(dice& random) : program(random) {}

private:
  enum kind { flag, count, items, result, clock, greenlet, kinds };

  /// A call under way.
  struct call {
    std::vector<int> objects; // not returned yet
    std::size_t still;        // how many it waits for
  };

  void begin() override {
    ending_ = spawn([this] {
      sleep(random_.pause());
      ++became_ready_[greenlet];
    });
    all_.push_back(ending_);
    add_some(5, [this] { wait_often(); });
    add_some(3, [this] {
      for (int i = 0; i < 8; ++i) {
        change_something();
        pause();
      }
    });
  }

  any_waitable object(int which) {
    switch (which) {
    case flag:
      return flag_;
    case count:
      return count_;
    case items:
      return items_;
    case result:
      return result_;
    case clock:
      return clock_;
    default:
      return ending_;
    }
  }

  void change_something() {
    switch (random_.below(10)) {
    case 0:
      ++became_ready_[flag];
      return flag_.set();
    case 1:
      return flag_.clear();
    case 2:
      ++became_ready_[count];
      return count_.release();
    case 3:
    case 4:
      return void(count_.try_acquire());
    case 5:
      ++became_ready_[items];
      return items_.put(1);
    case 6:
    case 7:
      return void(items_.try_get());
    case 8:
      ++became_ready_[clock]; // at some time
      return clock_.set(random_.pause());
    default:
      if (!random_.one_in(5)) return clock_.cancel();
      ++became_ready_[result];
      return result_.set(1);
    }
  }

  // --- waiting -------------------------------------------------------------

  void wait_often() {
    for (int i = 0; i < 6; ++i) {
      attempt([&](deadline until) { return wait_for_some(until); });
      pause();
    }
  }

  bool wait_for_some(deadline until) {
    std::vector<int> chosen;
    std::vector<any_waitable> objects;
    for (int i = 1 + random_.below(4); i > 0; --i) {
      chosen.push_back(random_.below(kinds));
      objects.push_back(object(chosen.back()));
    }
    const auto before = became_ready_;
    std::array<bool, kinds> was_ready{};
    for (const int each : chosen)
      was_ready[static_cast<std::size_t>(each)] = object(each).ready();
    const std::size_t enough =
        random_.one_in(2) ? 1 : 1 + static_cast<std::size_t>(random_.below(4));
    const std::size_t most = std::min(enough, objects.size());
    const auto here = calls_.insert(calls_.end(), call{chosen, most});
    const struct at_end {
      ~at_end() { calls.erase(which); }
      std::list<call>& calls;
      std::list<call>::iterator which;
    } leave{calls_, here};

    const auto look = [&](const any_waitable& ready) {
      const auto place =
          std::find_if(here->objects.begin(), here->objects.end(),
                       [&](int each) { return object(each) == ready; });
      check(place != here->objects.end(), "returned more often than given");
      const auto which = static_cast<std::size_t>(*place);
      check(was_ready[which] || became_ready_[which] > before[which] ||
                which == clock || object(*place).ready(),
            "returned what was never ready");
      here->objects.erase(place);
      --here->still;
    };
    std::size_t returned = 0;
    if (random_.one_in(2)) {
      for (const any_waitable& each : greenroom::wait(objects, until, enough)) {
        look(each);
        ++returned;
      }
    } else {
      for (const any_waitable& each : iwait(objects, until, enough)) {
        look(each);
        ++returned;
        if (random_.one_in(6)) return true;
      }
    }
    check(returned == most || until <= deadline(now()), "returned too few");
    return returned == most;
  }

  void disturb() override {
    anywhere([this] { change_something(); });
  }

  void check_at_rest() override {
    for (const call& each : calls_) {
      std::size_t ready = 0;
      for (const int which : each.objects)
        ready += object(which).ready() ? 1 : 0;
      check(ready < each.still, "a call has what it waits for");
    }
  }

  void check_at_end() override {
    check(calls_.empty(), "a call was left open");
    check(flag_.watchers().empty() && count_.watchers().empty() &&
              items_.watchers().empty() && result_.watchers().empty() &&
              clock_.watchers().empty(),
          "somebody was left in an object");
  }

  event flag_;
  semaphore count_{0};
  queue<int> items_;
  async_result<int> result_;
  alarm_clock clock_;
  any_greenlet ending_;
  std::array<int, kinds> became_ready_{}; // how often
  std::list<call> calls_;
};

} // namespace

void waits(dice& random) {
  run<wait_program>(random);
}

} // namespace stress
