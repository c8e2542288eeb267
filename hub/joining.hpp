#pragma once

// Private to the hub room: the main greenlet's wait for the end of all work.

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timer.hpp>
#include <greenroom/hub/wait.hpp>

namespace greenroom {

struct hub::join_wait : wait_record {
  join_wait() : wait_record("hub::join", nullptr, &give_up), limit(*this) {}

  static void give_up(wait_record& record, wake_cause cause) {
    hub::current().wake(record, cause);
  }

  /// The hub tells it from other timers: it is no work.
  struct limit_timer : timer {
    explicit limit_timer(join_wait& limited)
        : timer(&pass, true), owner(limited) {}
    ~limit_timer() { unlink(); }

    static void pass(timer& fired) {
      hub::current().wake(static_cast<limit_timer&>(fired).owner,
                          wake_cause::timed_out);
    }

    join_wait& owner;
  };

  limit_timer limit;
};

} // namespace greenroom
