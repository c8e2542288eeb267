#include "mailbox/stress/programs.hpp"
#include "stress/program.hpp"

#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/semaphore.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <type_traits>

namespace stress {
namespace {

/// Those who hold one release it, however they end; others only release more
/// than there were, or take some away for ever.
template <class Semaphore>
class semaphore_program final : public program {
  static constexpr bool bounded = std::is_same_v<Semaphore, bounded_semaphore>;

public:
  explicit semaphore_program(dice& random)
      : program(random), count_(random.below(4)), semaphore_(count_) {}

private:
  void begin() override {
    add_some(6, [this] { use_often(); });
    add_some(3, [this] { look_often(); });
  }

  void use_often() {
    for (int i = 0; i < 6; ++i) {
      switch (random_.below(5)) {
      case 0:
        if (semaphore_.try_acquire()) hold_and_release();
        break;
      case 1:
        attempt([&] {
          const std::unique_lock scope{semaphore_};
          return hold();
        });
        break;
      case 2:
        attempt([&](deadline until) { return guarded(until); });
        break;
      case 3:
        attempt([&](deadline until) { return select_one(until); });
        break;
      default:
        attempt([&](deadline until) {
          return acquire(until) && hold_and_release();
        });
      }
      pause();
    }
  }

  bool acquire(deadline until) {
    const counted here{waiting_};
    return semaphore_.acquire(until);
  }

  bool guarded(deadline until) {
    try {
      const semaphore_guard scope{semaphore_, until};
      return hold();
    } catch (const std::system_error& caught) {
      check(caught.code() == errc::timed_out, "an odd error");
      return false;
    }
  }

  bool select_one(deadline until) {
    const bool chosen = select(until, when(semaphore_,
                                           [this] {
                                             check(semaphore_.try_acquire(),
                                                   "select: there was none");
                                           }))
                            .has_value();
    return chosen && hold_and_release();
  }

  bool hold() {
    const counted here{held_};
    check_count();
    pause();
    check_count();
    return true;
  }

  bool hold_and_release() {
    const std::unique_lock scope{semaphore_, std::adopt_lock};
    return hold();
  }

  void look_often() {
    for (int i = 0; i < 6; ++i) {
      attempt([&](deadline until) {
        const counted here{waiting_};
        if (random_.one_in(2)) return semaphore_.wait(until) > 0;
        return !greenroom::wait({semaphore_}, until).empty();
      });
      pause();
    }
  }

  void disturb() override {
    anywhere([this] {
      if constexpr (bounded) {
        if (held_ == 0 && semaphore_.count() == count_) release_too_often();
      } else if (random_.one_in(2)) {
        const int more = random_.below(3);
        semaphore_.release(more);
        count_ += more;
      } else if (semaphore_.try_acquire()) {
        --count_;
      }
    });
  }

  void release_too_often() {
    try {
      semaphore_.release();
      check(false, "an over-release passed");
    } catch (const broken&) {
      throw;
    } catch (const std::logic_error&) {
    }
  }

  void check_count() const {
    check(semaphore_.count() <= count_ - held_, "more are held than there are");
  }

  void check_at_rest() override {
    check(semaphore_.count() == count_ - held_, "the count is wrong");
    check(semaphore_.count() == 0 || waiting_ == 0, "a waiter was forgotten");
    check(semaphore_.count() == 0 || semaphore_.watchers().empty(),
          "somebody waits for what is there");
  }

  void check_at_end() override {
    check(waiting_ + held_ == 0, "a call was left open");
    check(semaphore_.count() == count_, "the count did not return");
    check(semaphore_.watchers().empty(), "somebody was left in the semaphore");
  }

  std::ptrdiff_t count_; // there would be if nobody held any
  Semaphore semaphore_;
  int held_ = 0;
  int waiting_ = 0;
};

} // namespace

void semaphores(dice& random) {
  if (random.one_in(3))
    run<semaphore_program<bounded_semaphore>>(random);
  else
    run<semaphore_program<semaphore>>(random);
}

} // namespace stress
