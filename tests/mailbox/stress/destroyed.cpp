#include "mailbox/stress/programs.hpp"
#include "stress/program.hpp"

#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/mailbox/barrier.hpp>
#include <greenroom/mailbox/channel.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/inbox.hpp>
#include <greenroom/mailbox/latch.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/semaphore.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <memory>
#include <system_error>
#include <type_traits>

namespace stress {
namespace {

// For each kind of object: a call that waits, and one that wakes somebody.

void use(queue<parcel>& target, dice& random, deadline until) {
  switch (random.below(4)) {
  case 0:
    return void(target.get(until));
  case 1:
    return void(target.peek(until));
  case 2:
    return void(target.join(until));
  default:
    target.put(parcel{{0, 0}}, until);
  }
}
void poke(queue<parcel>& target, dice& random) {
  if (random.one_in(5)) return target.shutdown();
  if (random.one_in(5) && target.unfinished() > 0) return target.task_done();
  if (!target.try_put(parcel{{0, 1}})) target.try_get();
}

void use(channel<parcel>& target, dice& random, deadline until) {
  if (random.one_in(2)) return void(target.get(until));
  target.put(parcel{{0, 0}}, until);
}
void poke(channel<parcel>& target, dice& random) {
  if (random.one_in(5)) return target.shutdown();
  if (!target.try_put(parcel{{0, 1}})) target.try_get();
}

void use(event& target, dice&, deadline until) {
  target.wait(until);
}
void poke(event& target, dice& random) {
  target.set();
  if (random.one_in(2)) target.clear();
}

void use(semaphore& target, dice& random, deadline until) {
  random.one_in(2) ? void(target.acquire(until)) : void(target.wait(until));
}
void poke(semaphore& target, dice& random) {
  target.release(random.below(3));
}

void use(alarm_clock& target, dice&, deadline until) {
  target.wait(until);
}
void poke(alarm_clock& target, dice& random) {
  target.set(random.pause());
}

void use(latch& target, dice&, deadline until) {
  target.wait(until);
}
void poke(latch& target, dice&) {
  if (target.count() > 0) target.count_down();
}

void use(barrier& target, dice&, deadline until) {
  target.arrive_and_wait(until);
}
void poke(barrier&, dice&) {
}

using mail = inbox<parcel, int>;
void use(mail& target, dice& random, deadline until) {
  switch (random.below(4)) {
  case 0:
    return void(target.get(until));
  case 1:
    return void(target.get<int>(until));
  case 2:
    return void(target.get_if<int>([](int) { return false; }, until));
  default:
    target.put(parcel{{0, 0}}, until);
  }
}
void poke(mail& target, dice& random) {
  if (random.one_in(5)) return target.shutdown();
  if (random.one_in(2) || !target.try_put(1)) target.try_get();
}

/// The object goes while they wait, or have just been woken: everybody hears
/// of it, or has what he waited for.
template <class Object>
class destroyed_program final : public program {
public:
  explicit destroyed_program(dice& random)
      : program(random), target_(make(random)) {}

private:
  static std::unique_ptr<Object> make(dice& random) {
    if constexpr (std::is_constructible_v<Object, int>)
      return std::make_unique<Object>(1 + random.below(2));
    else
      return std::make_unique<Object>();
  }

  void begin() override {
    add_some(6, [this] { use_until_gone(); });
  }

  void use_until_gone() {
    for (int i = 0; i < 8 && target_; ++i) {
      attempt([&](deadline until) { return use_once(until); });
      pause();
      if (target_ && random_.one_in(4)) poke(*target_, random_);
    }
  }

  bool use_once(deadline until) {
    const counted here{using_};
    if (!target_) return false;
    try {
      if constexpr (watchable<Object>)
        if (random_.one_in(2)) return watch(until);
      use(*target_, random_, until);
      return true;
    } catch (const std::system_error& caught) {
      check(caught.code() == errc::timed_out ||
                (caught.code() == errc::destroyed && !target_) ||
                caught.code() == errc::closed,
            "an odd error");
      return false;
    }
  }

  bool watch(deadline until) {
    if (random_.one_in(2)) return !wait({*target_}, until).empty();
    return select(until, when(*target_, [] {})).has_value();
  }

  void disturb() override {
    anywhere([this] {
      if (!target_) return;
      if (random_.one_in(2)) poke(*target_, random_);
      if (random_.one_in(4)) target_.reset();
    });
  }

  void check_at_rest() override {
    check(target_ || using_ == 0, "a waiter did not hear of the end");
  }

  void check_at_end() override {
    check(using_ == 0, "a call was left open");
    target_.reset();
  }

  std::unique_ptr<Object> target_;
  int using_ = 0;
};

} // namespace

void destroyed(dice& random) {
  switch (random.below(10)) {
  case 0:
    return run<destroyed_program<channel<parcel>>>(random);
  case 1:
    return run<destroyed_program<event>>(random);
  case 2:
    return run<destroyed_program<semaphore>>(random);
  case 3:
    return run<destroyed_program<alarm_clock>>(random);
  case 4:
    return run<destroyed_program<latch>>(random);
  case 5:
    return run<destroyed_program<barrier>>(random);
  case 6:
  case 7:
    return run<destroyed_program<mail>>(random);
  default:
    return run<destroyed_program<queue<parcel>>>(random);
  }
}

} // namespace stress
