#pragma once

// What the stress programs share. Such a program is a few greenlets that use
// an object at random and meet kills and limits at random waiting points; it
// keeps a model of the object beside it and compares the two whenever nothing
// is ready to run.
//
//   <room>_stress [SEEDS [FIRST [PROGRAM]]]
//
// runs as many, the first with seed FIRST; one line tells the seed that
// failed. GREENROOM_LOG=warning shows what the library says of it.

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace stress {

using namespace greenroom;
using namespace std::chrono_literals;

class dice {
public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}

  int below(int limit) {
    return static_cast<int>(engine_() % static_cast<unsigned>(limit));
  }
  bool one_in(int chance) { return below(chance) == 0; }
  /// Often nothing at all, so that much happens in the same turn.
  std::chrono::nanoseconds pause() { return below(4) * 1ms; }
  template <class Container>
  auto& one_of(Container& things) {
    return things[static_cast<std::size_t>(
        below(static_cast<int>(things.size())))];
  }

private:
  std::mt19937_64 engine_;
};

/// What a check that does not hold throws.
class broken : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

inline void check(bool holds, const char* what) {
  if (!holds) throw broken(what);
}

/// Says for the rest of a scope that one more is in there.
class counted {
public:
  explicit counted(int& count) : count_(count) { ++count_; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --count_; }

private:
  int& count_;
};

// --- what is passed about -------------------------------------------------

/// The sender, and which of his.
using name = std::pair<int, int>;

/// Something that is in one place at a time. Moving it may throw; a copy has
/// no content.
class parcel {
public:
  /// What moving one may throw.
  struct slipped {};

  explicit parcel(name called)
      : called_(called), content_(std::make_unique<int>(7)) {
    ++whole;
  }
  parcel(const parcel& other) : called_(other.called_) {}
  parcel(parcel&& other) : called_(other.called_) {
    slip();
    content_ = std::move(other.content_);
  }
  parcel& operator=(const parcel&) = delete;
  parcel& operator=(parcel&&) = delete;
  ~parcel() {
    if (content_) --whole;
  }

  name called() const { return called_; }
  bool has_content() const { return content_ && *content_ == 7; }

  static void slip() {
    if (slippery && slippery->one_in(12)) throw slipped{};
  }

  static inline int whole = 0; // with content, anywhere
  static inline dice* slippery = nullptr;

private:
  name called_;
  std::unique_ptr<int> content_;
};

// --- the course of a program ----------------------------------------------

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
    bool happened = false;
    timeout{random_.pause()}.run([&] { happened = wait(); });
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
    rest();
    for (const any_greenlet& each : all_)
      check(each.dead(), "a greenlet was not woken by its kill");
  }

  std::exception_ptr failed_;
};

// --- many of them ---------------------------------------------------------

struct program_kind {
  std::string_view called;
  void (*run)(dice&);
};

template <class Program>
void run(dice& random) {
  Program{random}.run();
}

inline void run_seed(long seed, const program_kind& kind, dice& random) {
  const auto fail = [&](const char* what) {
    std::printf("seed %ld (%s): %s\n", seed, kind.called.data(), what);
    std::fflush(stdout);
    std::_Exit(EXIT_FAILURE); // greenlets may be left in a broken program
  };
  const std::size_t before = hub::current().greenlets();
  try {
    kind.run(random);
    idle();
    check(hub::current().greenlets() == before, "a greenlet is left over");
  } catch (...) {
    fail(describe(std::current_exception()).c_str());
  }
}

inline int run_seeds(int count, char** arguments, long seeds,
                     std::span<const program_kind> kinds) {
  const auto number = [&](int which, long otherwise) {
    return count > which ? std::atol(arguments[which]) : otherwise;
  };
  const std::string_view only = count > 3 ? arguments[3] : "";
  seeds = number(1, seeds);
  const long first = number(2, 1);
  setenv("GREENROOM_LOG", "off", 0); // what fails here does so on purpose
  hub::current().use_clock(clock_kind::virtual_time);
  for (long seed = first; seed < first + seeds; ++seed) {
    dice random{static_cast<std::uint64_t>(seed)};
    const program_kind& kind = random.one_of(kinds);
    if (only.empty() || kind.called == only) run_seed(seed, kind, random);
  }
  std::printf("%ld seeds\n", seeds);
  return EXIT_SUCCESS;
}

} // namespace stress
