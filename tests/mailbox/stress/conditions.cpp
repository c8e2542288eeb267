#include "mailbox/stress/programs.hpp"
#include "stress/program.hpp"

#include <greenroom/mailbox/condition.hpp>
#include <greenroom/mailbox/lock.hpp>

#include <mutex>
#include <optional>

namespace stress {
namespace {

/// A store with room for few things; each change is notified once, to one, and
/// that must do.
class condition_program final : public program {
public:
  explicit condition_program(dice& random) : program(random) {}

private:
  void begin() override {
    add_some(4, [this] { change_often(+1); });
    add_some(4, [this] { change_often(-1); });
  }

  void change_often(int by) {
    for (int i = 0; i < 6; ++i) {
      attempt([&](deadline until) {
        return by > 0 ? change(by, room_made_, thing_came_, until)
                      : change(by, thing_came_, room_made_, until);
      });
      pause();
    }
  }

  bool can(int by) const { return by > 0 ? things_ < room_ : things_ > 0; }

  /// However `wait` is left, the lock is held again.
  struct holds_at_end {
    ~holds_at_end() {
      if (!held.owns_lock() || held.mutex()->holder() != &current())
        of.lost_ = true;
      ++of.inside_;
    }
    condition_program& of;
    std::unique_lock<rlock>& held;
  };

  struct leaves_at_end {
    ~leaves_at_end() { --inside; }
    int& inside;
  };

  /// And how many wait for it.
  struct news {
    condition told;
    int waiting = 0;
  };

  bool change(int by, news& possible, news& changed, deadline until) {
    std::optional<std::lock_guard<rlock>> outer;
    if (random_.one_in(3)) outer.emplace(lock_); // held twice
    std::unique_lock held{lock_};
    check(inside_++ == 0, "two are inside");
    const leaves_at_end leave{inside_};
    while (!can(by))
      if (!wait(possible, held, until)) break;
    check(inside_ == 1, "two are inside");
    if (!can(by)) return false;
    things_ += by;
    changed.told.notify_one();
    if (random_.one_in(6)) kill_one(); // perhaps the one that was told
    if (random_.one_in(3)) {
      pause();
      check(inside_ == 1, "two are inside");
    }
    return true;
  }

  bool wait(news& possible, std::unique_lock<rlock>& held, deadline until) {
    const counted here{possible.waiting};
    --inside_;
    const holds_at_end look{*this, held};
    return possible.told.wait(held, until);
  }

  void disturb() override {
    if (random_.one_in(8)) room_made_.told.notify_all(); // in vain
    if (random_.one_in(8)) thing_came_.told.notify_all();
  }

  void check_at_rest() override {
    check(!lost_, "wait was left without the lock");
    check(lock_.locked() == (inside_ > 0),
          "the lock is not whose it should be");
    if (inside_ > 0) return; // somebody sleeps inside
    check(lock_.watchers().empty(), "somebody waits for a free lock");
    check(room_made_.waiting == 0 || !can(+1),
          "who waits was not told of room");
    check(thing_came_.waiting == 0 || !can(-1), "who waits was not told");
  }

  void check_at_end() override {
    check(room_made_.waiting + thing_came_.waiting + inside_ == 0,
          "a call was left open");
    check(!lock_.locked(), "the lock did not come back");
  }

  const int room_ = 1 + random_.below(3);
  greenroom::lock lock_;
  news room_made_;
  news thing_came_;
  int things_ = 0;
  int inside_ = 0;
  bool lost_ = false;
};

} // namespace

void conditions(dice& random) {
  run<condition_program>(random);
}

} // namespace stress
