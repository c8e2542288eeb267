#include "mailbox/stress/programs.hpp"
#include "stress/program.hpp"

#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <cstddef>
#include <vector>

namespace stress {
namespace {

class event_program final : public program {
public:
  explicit event_program(dice& random) : program(random) {}

private:
  void begin() override {
    add_some(6, [this] { wait_often(); });
    add_some(3, [this] { toggle_often(); });
  }

  void wait_often() {
    for (int i = 0; i < 6; ++i) {
      attempt([&](deadline until) {
        return random_.one_in(3) ? watch(until) : wait(until);
      });
      pause();
    }
  }

  bool wait(deadline until) {
    const counted here{waiting_};
    const std::size_t before = sets_.size();
    const bool was_set = event_.is_set();
    return looked_at(event_.wait(until), until, was_set, before);
  }

  bool watch(deadline until) {
    const counted here{waiting_};
    if (random_.one_in(2)) // chosen only while it is set
      return select(until,
                    when(event_, [this] { check(event_.is_set(), "select"); }))
          .has_value();
    const std::size_t before = sets_.size();
    const bool was_set = event_.is_set();
    return looked_at(!greenroom::wait({event_}, until).empty(), until, was_set,
                     before);
  }

  /// Whether a wait that began after `before` sets ended as it should.
  bool looked_at(bool happened, deadline until, bool was_set,
                 std::size_t before) const {
    const bool set_since = sets_.size() > before;
    check(!happened || was_set || set_since, "wait returned without a set");
    check(happened || !was_set, "wait did not see that it was set");
    check(happened || !set_since || deadline(sets_[before]) >= until,
          "wait missed a set");
    return happened;
  }

  void toggle_often() {
    for (int i = 0; i < 6; ++i) {
      toggle();
      pause();
    }
  }

  /// Often both, so that only those who wait already may notice.
  void toggle() {
    if (random_.one_in(2)) {
      event_.set();
      sets_.push_back(now());
    }
    if (random_.one_in(2)) event_.clear();
  }

  void disturb() override {
    anywhere([this] { toggle(); });
  }

  void check_at_rest() override {
    check(waiting_ == 0 || !event_.is_set(), "a waiter was forgotten");
    check(event_.watchers().empty() == (waiting_ == 0),
          "somebody stands in the event who does not wait");
  }

  void check_at_end() override { check(waiting_ == 0, "a call was left open"); }

  event event_;
  std::vector<steady_time> sets_; // when
  int waiting_ = 0;
};

} // namespace

void events(dice& random) {
  run<event_program>(random);
}

} // namespace stress
