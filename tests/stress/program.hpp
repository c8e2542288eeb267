#pragma once

// A stress program is a few greenlets that use an object at random and meet
// kills and limits at random waiting points; it keeps a model of the object
// beside it and compares the two whenever nothing is ready to run.

#include "stress/dice.hpp"

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>

#include <chrono>
#include <concepts>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace stress {

using namespace greenroom;

class program {
public:
  program(const program&) = delete;
  program& operator=(const program&) = delete;
  virtual ~program() { parcel::slippery = nullptr; }

  void run() {
    begin();
    for (int i = 3 + random_.below(12); i > 0; --i)
      step();
    sleep(20ms); // longer than any limit
    rest();
    end_all();
    check_at_end();
    check(parcel::whole == 0, "a parcel is left over");
  }

protected:
  /// What a kill may throw instead of `greenlet_exit`.
  struct struck {};

  explicit program(dice& random) : random_(random) {}

  /// Adds the greenlets.
  virtual void begin() = 0;
  /// Does something from outside: in the main greenlet, or a hub callback.
  virtual void disturb() {}
  /// Nothing is ready: whoever waits does so for good reason.
  virtual void check_at_rest() {}
  /// All greenlets have ended.
  virtual void check_at_end() {}

  /// A greenlet that calls `function`; one that survives its first kill calls
  /// it again.
  template <class Function>
  void add(Function function) {
    auto body = [function, lives = random_.one_in(5) ? 2 : 1]() mutable {
      while (lives-- > 0)
        try {
          return function();
        } catch (const greenlet_exit&) {
          if (lives == 0) throw;
        } catch (const struck&) {
        }
    };
    switch (random_.below(4)) {
    case 0:
      return all_.push_back(spawn_later(random_.pause(), std::move(body)));
    case 1:
      return all_.push_back(
          spawn(spawn_options{.order = start_order::next}, std::move(body)));
    default:
      all_.push_back(spawn(std::move(body)));
    }
  }

  /// Adds up to `limit` greenlets, at least one.
  template <class Function>
  void add_some(int limit, Function function) {
    for (int i = 1 + random_.below(limit); i > 0; --i)
      add(function);
  }

  void pause() {
    if (random_.one_in(2)) yield();
    if (random_.one_in(4)) sleep(random_.pause());
  }

  void kill_one() {
    const any_greenlet& one = random_.one_of(all_);
    if (random_.one_in(4))
      one->kill_soon(std::make_exception_ptr(struck{}));
    else
      one.kill_soon();
  }

  /// Calls `wait(until)`, with one or two limits or none. It says whether what
  /// it waits for happened; false also when a limit ended it, or a parcel
  /// slipped.
  template <std::predicate<deadline> Wait>
  bool attempt(Wait&& wait) {
    try {
      switch (random_.below(5)) {
      case 0:
        return wait(deadline(random_.pause()));
      case 1: {
        const shield guard;
        return wait(deadline(random_.pause()));
      }
      case 2:
        return limited([&] { return wait(deadline(random_.pause())); });
      default:
        return limited([&] { return wait(deadline{}); });
      }
    } catch (const parcel::slipped&) {
      return false;
    }
  }

  /// As above, for what takes no deadline.
  template <std::predicate Wait>
  bool attempt(Wait&& wait) {
    try {
      return limited(wait);
    } catch (const parcel::slipped&) {
      return false;
    }
  }

  /// As a callback of the hub, if the dice say so.
  template <class Function>
  void anywhere(Function function) {
    if (random_.one_in(2)) return function();
    hub::current().post([this, function] {
      try {
        function();
      } catch (...) {
        failed_ = std::current_exception();
      }
    });
  }

  dice& random_;
  std::vector<any_greenlet> all_;

private:
  template <class Wait>
  bool limited(Wait&& wait) {
    if (random_.one_in(2)) return wait();
    timeout limit{random_.pause()};
    const auto shared = std::make_shared<timeout*>(&limit);
    const struct at_end {
      ~at_end() { limit = nullptr; }
      timeout*& limit;
    } forget{*shared};
    if (random_.one_in(3)) // withdrawn, perhaps when it is about to be thrown
      spawn([shared, after = random_.pause()] {
        sleep(after);
        if (*shared) (*shared)->cancel();
      });
    bool happened = false;
    limit.run([&] { happened = wait(); });
    return happened;
  }

  void step() {
    switch (random_.below(6)) {
    case 0:
      return yield();
    case 1:
      return sleep(random_.pause());
    case 2:
      return rest();
    case 3:
      return kill_one();
    default:
      return disturb();
    }
  }

  void rest() {
    idle();
    for (const any_greenlet& each : all_)
      if (each.exception()) look_at(each.exception());
    if (failed_) std::rethrow_exception(failed_);
    check_at_rest();
  }

  /// One struck before it began ends with that.
  static void look_at(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const struck&) {
    }
  }

  void end_all() {
    for (int i = 0; i < 3; ++i) // some have two lives
      if (killall(all_, 30ms)) break;
    sleep(5ms); // those that withdraw limits end by themselves
    rest();
    for (const any_greenlet& each : all_)
      check(each.dead(), "a greenlet was not woken by its kill");
  }

  std::exception_ptr failed_;
};

template <class Program>
void run(dice& random) {
  Program{random}.run();
}

} // namespace stress
