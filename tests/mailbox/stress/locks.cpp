#include "mailbox/stress/programs.hpp"
#include "stress/program.hpp"

#include <greenroom/mailbox/lock.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <mutex>
#include <stdexcept>
#include <system_error>

namespace stress {
namespace {

class lock_program final : public program {
public:
  explicit lock_program(dice& random) : program(random) {}

private:
  void begin() override {
    add_some(6, [this] { use_often(); });
    if (random_.one_in(6)) add([this] { end_with_it(); });
  }

  void use_often() {
    for (int i = 0; i < 6; ++i) {
      try {
        use();
      } catch (const std::system_error& caught) {
        check(abandoned_ && caught.code() == std::errc::owner_dead,
              "an odd error");
      }
      pause();
    }
  }

  void use() {
    switch (random_.below(6)) {
    case 0:
      if (lock_.try_acquire()) hold_and_release();
      return;
    case 1:
      attempt([&] {
        const std::unique_lock scope{lock_};
        return hold();
      });
      return;
    case 2:
      attempt([&](deadline until) { return select_it(until); });
      return;
    case 3:
      return look();
    default:
      attempt(
          [&](deadline until) { return acquire(until) && hold_and_release(); });
    }
  }

  bool acquire(deadline until) {
    const counted here{waiting_};
    return lock_.acquire(until);
  }

  bool select_it(deadline until) {
    bool got = false;
    select(until, when(lock_, [&] { got = lock_.try_acquire(); }));
    return got && hold_and_release();
  }

  void look() {
    attempt([&](deadline until) {
      const counted here{waiting_};
      return !wait({lock_}, until).empty();
    });
  }

  bool hold_and_release() {
    const std::unique_lock scope{lock_, std::adopt_lock};
    return hold();
  }

  bool hold() {
    check(!abandoned_, "a lock of a dead greenlet was had");
    check(inside_ == 0, "two are inside");
    const counted here{inside_};
    pause();
    if (random_.one_in(3)) {
      const std::lock_guard again{lock_};
      pause();
    }
    check(lock_.holder() == &current(), "the lock is not the holder's");
    return true;
  }

  void end_with_it() {
    pause();
    if (!lock_.try_acquire()) return;
    const std::lock_guard other{harmless_};
    abandoned_ = true; // when it ends; until then nobody else has it
  }

  void disturb() override {
    anywhere([this] {
      try {
        lock_.release();
        check(false, "somebody else released the lock");
      } catch (const broken&) {
        throw;
      } catch (const std::logic_error&) {
      }
    });
  }

  void check_at_rest() override {
    check(lock_.locked() == (inside_ > 0 || abandoned_), "locked() is wrong");
    check(waiting_ == 0 || inside_ > 0, "a waiter was forgotten");
    check(inside_ > 0 || lock_.watchers().empty(),
          "somebody waits for a free lock");
  }

  void check_at_end() override {
    check(waiting_ + inside_ == 0, "a call was left open");
    check(!lock_.holder(), "the lock did not come back");
  }

  greenroom::lock lock_;
  greenroom::lock harmless_;
  int inside_ = 0;
  int waiting_ = 0;
  bool abandoned_ = false;
};

} // namespace

void locks(dice& random) {
  run<lock_program>(random);
}

} // namespace stress
