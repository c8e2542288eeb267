#include "mailbox/stress/programs.hpp"
#include "stress/program.hpp"

#include <greenroom/mailbox/barrier.hpp>
#include <greenroom/mailbox/latch.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <stdexcept>

namespace stress {
namespace {

class barrier_program final : public program {
public:
  explicit barrier_program(dice& random)
      : program(random), parties_(1 + random.below(4)), barrier_(parties_) {}

private:
  void begin() override {
    add_some(parties_ + 3, [this] {
      for (int i = 0; i < 8; ++i) {
        attempt([&](deadline until) { return arrive(until); });
        pause();
      }
    });
  }

  bool arrive(deadline until) {
    const counted here{waiting_};
    const bool together = barrier_.arrive_and_wait(until);
    if (together) ++through_;
    return together;
  }

  void check_at_rest() override {
    check(barrier_.arrived() == waiting_, "arrived() is wrong");
    check(waiting_ < parties_, "they are all there, and wait");
    check(through_ % parties_ == 0, "some went without the others");
  }

  void check_at_end() override { check(waiting_ == 0, "a call is left open"); }

  const int parties_;
  barrier barrier_;
  int waiting_ = 0;
  int through_ = 0;
};

class latch_program final : public program {
public:
  explicit latch_program(dice& random)
      : program(random), count_(random.below(6)), latch_(count_) {}

private:
  void begin() override {
    add_some(6, [this] {
      for (int i = 0; i < 3; ++i) {
        attempt([&](deadline until) { return wait(until); });
        pause();
      }
    });
  }

  bool wait(deadline until) {
    const counted here{waiting_};
    switch (random_.below(4)) {
    case 0:
      if (count_ > 0) {
        --count_;
        return open(latch_.arrive_and_wait(until));
      }
      return open(latch_.wait(until));
    case 1:
      return open(!greenroom::wait({latch_}, until).empty());
    case 2:
      return open(select(until, when(latch_, [] {})).has_value());
    default:
      return open(latch_.wait(until));
    }
  }

  bool open(bool happened) const {
    check(!happened || count_ == 0, "the latch opened too early");
    return happened;
  }

  void disturb() override {
    anywhere([this] {
      if (count_ == 0) return count_too_far();
      --count_;
      latch_.count_down();
    });
  }

  void count_too_far() {
    try {
      latch_.count_down();
      check(false, "a latch was counted below 0");
    } catch (const broken&) {
      throw;
    } catch (const std::logic_error&) {
    }
  }

  void check_at_rest() override {
    check(latch_.count() == count_, "the count is wrong");
    check(waiting_ == 0 || count_ > 0, "a waiter was forgotten");
    check(latch_.watchers().empty() == (waiting_ == 0),
          "somebody stands in the latch who does not wait");
  }

  void check_at_end() override { check(waiting_ == 0, "a call is left open"); }

  int count_;
  latch latch_;
  int waiting_ = 0;
};

} // namespace

void barriers(dice& random) {
  run<barrier_program>(random);
}

void latches(dice& random) {
  run<latch_program>(random);
}

} // namespace stress
