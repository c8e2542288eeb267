// Random programs over groups and pools: tasks that are spawned, applied,
// mapped over ranges, fail and are killed, by users who are killed too. Every
// task ends in one way, results come in their order, no place of a pool is
// lost, and nobody waits for a place that is free.
//
//   actors_pool_stress [SEEDS [FIRST [PROGRAM]]]

#include "stress/program.hpp"
#include "stress/seeds.hpp"

#include <greenroom/actors/pool.hpp>

#include <cstddef>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

namespace stress {
namespace {

/// How a task ended, or that it did not get so far.
enum class fate { lost, returned, failed };

struct unlucky {
  int number;
};

class pool_program final : public program {
public:
  explicit pool_program(dice& random)
      : program(random),
        capacity_(random.one_in(4)
                      ? pool::unbounded
                      : static_cast<std::size_t>(1 + random.below(4))),
        pool_(capacity_) {}

private:
  void begin() override {
    add_some(5, [this] { use_often(); });
    if (random_.one_in(2)) add_some(2, [this] { watch_often(); });
  }

  void use_often() {
    for (int i = 0; i < 4; ++i) {
      try {
        use();
      } catch (const unlucky&) { // of one task: see `task`
      } catch (const std::system_error& caught) {
        check(caught.code() == errc::killed || caught.code() == errc::timed_out,
              "an odd error");
      }
      pause();
    }
  }

  void use() {
    switch (random_.below(8)) {
    case 0:
      return void(attempt([&] { return apply(); }));
    case 1:
      return void(attempt([&](deadline until) { return map(until); }));
    case 2:
      return void(attempt([&](deadline until) { return imap(until); }));
    case 3:
      return void(attempt([&] { return imap_loop(); }));
    case 4:
      return void(attempt([&](deadline until) { return start(until); }));
    case 5:
      pool_.apply_async([this] { return task(0); });
      return;
    default:
      attempt([&] {
        pool_.spawn([this] { return task(0); });
        return true;
      });
    }
  }

  // --- tasks ---------------------------------------------------------------

  int task(int number, fate* end = nullptr) {
    const struct visit {
      explicit visit(pool_program& in) : of(in) {
        of.running_.insert(&current());
        of.check_bound();
      }
      ~visit() { of.running_.erase(&current()); }
      pool_program& of;
    } here{*this};
    pause();
    if (random_.one_in(8)) {
      if (end) *end = fate::failed;
      throw unlucky{number};
    }
    if (random_.one_in(4)) sleep(random_.pause());
    if (random_.one_in(30)) sleep(1h); // until it is killed
    if (end) *end = fate::returned;
    return 2 * number;
  }

  void check_bound() const {
    std::size_t members = 0; // others were discarded
    for (const greenlet_base* each : running_)
      members += pool_.contains(*each) ? 1 : 0;
    check(members <= capacity_, "more run than there is room for");
  }

  bool apply() {
    check(pool_.apply([this] { return task(21); }) == 42, "another result");
    return true;
  }

  /// One that may be refused a place, and is then never started.
  bool start(deadline until) {
    auto one = inside::make_greenlet([this] { return task(0); });
    std::error_code failed;
    const bool done = pool_.start(*one, until, failed);
    check(done || (failed == errc::full && !one->started()),
          "refused a place, and started");
    return done && one.join(until);
  }

  /// The tasks of one range; they may outlive the call.
  struct tasks {
    explicit tasks(int count)
        : numbers(static_cast<std::size_t>(count)),
          ends(std::make_shared<std::vector<fate>>(numbers.size())) {
      std::iota(numbers.begin(), numbers.end(), 0);
    }
    fate end_of(int number) const { return ends->at(std::size_t(number)); }
    std::vector<int> numbers;
    std::shared_ptr<std::vector<fate>> ends;
  };

  auto function_for(const tasks& all) {
    return [this, ends = all.ends](int number) {
      return task(number, &(*ends)[static_cast<std::size_t>(number)]);
    };
  }

  bool map(deadline until) {
    const tasks all{random_.below(6)};
    int good = 0; // of the first ones
    const auto see = [&](fate then) {
      while (good < static_cast<int>(all.ends->size()) &&
             all.end_of(good) == fate::returned)
        ++good;
      check(good < static_cast<int>(all.ends->size()) &&
                all.end_of(good) == then,
            "map threw the error of another");
    };
    try {
      const std::vector<int> results =
          pool_.map(all.numbers, function_for(all), until);
      check(results.size() == all.ends->size(), "map: some are missing");
      for (const int each : all.numbers)
        check(results[static_cast<std::size_t>(each)] == 2 * each,
              "map: results are out of order");
      return true;
    } catch (const unlucky& caught) {
      see(fate::failed);
      check(caught.number == good, "map threw a later error");
    } catch (const std::system_error& caught) {
      if (caught.code() == errc::killed)
        see(fate::lost);
      else
        check(caught.code() == errc::timed_out, "an odd error");
    }
    return false;
  }

  std::size_t ahead() {
    return random_.one_in(3) ? imap_unbounded
                             : static_cast<std::size_t>(random_.below(4));
  }

  /// In any order; each item once, failed or not.
  bool imap(deadline until) {
    const tasks all{random_.below(7)};
    auto results =
        pool_.imap_unordered(all.numbers, function_for(all), ahead());
    std::set<int> seen;
    for (int killed = 0;;) {
      try {
        const std::optional<int> one = results.next(until);
        if (!one)
          return check(seen.size() + static_cast<std::size_t>(killed) ==
                           all.ends->size(),
                       "imap: some are missing"),
                 true;
        check(seen.insert(*one / 2).second, "imap: twice the same");
      } catch (const unlucky& caught) {
        check(seen.insert(caught.number).second, "imap: twice the same");
      } catch (const std::system_error& caught) {
        if (caught.code() != errc::killed) throw;
        ++killed;
      }
      if (random_.one_in(8)) return true; // and leave the others
      pause();
    }
  }

  bool imap_loop() {
    const tasks all{random_.below(7)};
    auto results = pool_.imap(all.numbers, function_for(all), ahead());
    int next = 0;
    for (auto at = results.begin(); at != results.end(); ++at, ++next) {
      try {
        check(*at == 2 * next, "imap: out of order");
      } catch (const unlucky& caught) {
        check(caught.number == next, "imap: another's error");
      } catch (const std::system_error& caught) {
        check(caught.code() == errc::killed &&
                  all.end_of(next) != fate::returned,
              "imap: an odd error");
      }
      if (random_.one_in(8)) return true;
      pause();
    }
    check(next == static_cast<int>(all.ends->size()), "imap: some are missing");
    return true;
  }

  void watch_often() {
    for (int i = 0; i < 6; ++i) {
      if (random_.one_in(2))
        attempt([&](deadline until) {
          const counted here{waiting_for_room_};
          return pool_.wait_available(until) > 0;
        });
      else
        attempt([&](deadline until) {
          const counted here{joining_};
          return pool_.join(until);
        });
      pause();
    }
  }

  void disturb() override {
    anywhere([this] {
      std::vector<any_greenlet> members;
      for (const any_greenlet& each : pool_)
        members.push_back(each);
      if (members.empty()) return;
      const any_greenlet one = random_.one_of(members);
      if (random_.one_in(8)) return pool_.kill_soon();
      if (random_.one_in(2)) return one.kill_soon();
      if (!random_.one_in(4) || capacity_ == pool::unbounded) return;
      if (!running_.contains(&*one)) return;
      pool_.discard(*one);
    });
  }

  void check_at_rest() override {
    std::size_t members = 0;
    for (const any_greenlet& each : pool_) {
      check(!each.dead(), "a dead one is still a member");
      ++members;
    }
    check(pool_.size() == members, "size() is wrong");
    check(members <= capacity_, "there are too many members");
    check(pool_.free_count() == capacity_ - members, "free_count() is wrong");
    for (const any_greenlet& each : pool_)
      check(running_.contains(&*each), "a member does not run");
    check(pool_.full() || pool_.watchers().empty(),
          "somebody waits for a place that is free");
    check(pool_.full() || waiting_for_room_ == 0, "a waiter was forgotten");
    check(!pool_.empty() || joining_ == 0, "a joiner was forgotten");
  }

  void check_at_end() override {
    check(waiting_for_room_ + joining_ == 0, "a call was left open");
    while (!pool_.empty() || !running_.empty()) {
      check(pool_.kill(1s), "a task was not ended by its kill");
      sleep(2h); // others have been discarded, or waited for a place
    }
    check(pool_.watchers().empty(), "somebody was left in the pool");
  }

  const std::size_t capacity_;
  pool pool_;
  std::set<const greenlet_base*> running_; // tasks that have begun
  int waiting_for_room_ = 0;
  int joining_ = 0;
};

} // namespace
} // namespace stress

int main(int count, char** arguments) {
  using namespace stress;
  static constexpr program_kind kinds[] = {{"pools", &run<pool_program>}};
  return run_seeds(count, arguments, 10'000, kinds);
}
