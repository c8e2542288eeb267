// The rules of a Binary Star against random crashes, freezes and delays.

#include <greenroom/zmq_patterns/binary_star_state.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;
using zmq::binary_star_state;
using zmq::star_beat;
using zmq::star_role;
using zmq::star_state;

namespace {

constexpr zmq::star_times times{.heartbeat = 1s, .fail_over = 2s};

/// Both, with what is on its way between them.
class world {
public:
  explicit world(unsigned seed) : random_(seed) {
    for (auto& each : both_)
      start(each);
  }

  struct machine {
    star_role role;
    std::optional<binary_star_state> state{}; // not there: crashed
    steady_time frozen_until{};
    struct letter {
      star_beat beat;
      steady_time arrives;
    };
    std::deque<letter> mail{}; // to it; waits while it is frozen
  };

  machine& primary() { return both_[0]; }
  machine& backup() { return both_[1]; }
  machine& other(machine& of) { return both_[&of == &both_[0] ? 1 : 0]; }
  steady_time now() const { return now_; }

  void start(machine& which) {
    which.state.emplace(which.role, times, random_(), now_);
    which.frozen_until = {};
    which.mail.clear(); // it subscribes anew
  }
  void crash(machine& which) {
    which.state.reset();
    which.mail.clear();
  }
  void freeze(machine& which, std::chrono::nanoseconds time) {
    which.frozen_until = now_ + time;
  }
  bool runs(const machine& which) const {
    return which.state && now_ >= which.frozen_until;
  }
  /// A client's request: is it answered?
  bool ask(machine& which) { return runs(which) && which.state->request(now_); }

  /// Time goes on: beats are sent, and arrive.
  void pass(std::chrono::nanoseconds time) {
    for (const auto end = now_ + time; now_ < end; now_ += step) {
      for (auto& each : both_)
        if (runs(each)) turn(each);
      check();
    }
  }
  void turn(machine& which) {
    // Thawed, it may look at a request before it looks at its mail.
    while (!which.mail.empty() && which.mail.front().arrives <= now_) {
      which.state->hear(which.mail.front().beat, now_);
      which.mail.pop_front();
    }
    if (which.state->tick(now_)) send(other(which), which.state->beat(now_));
  }
  void send(machine& to, const star_beat& what) {
    if (!to.state) return;
    // At most a quarter of a heartbeat, in order.
    const auto delay = step * roll(6);
    auto arrives = now_ + delay;
    if (!to.mail.empty()) arrives = std::max(arrives, to.mail.back().arrives);
    to.mail.push_back({what, arrives});
  }
  bool active(const machine& which) const {
    return which.state && which.state->active(now_);
  }
  int actives() const { return active(both_[0]) + active(both_[1]); }
  void check() { most_actives = std::max(most_actives, actives()); }

  unsigned roll(unsigned below) { return random_() % below; }

  int most_actives = 0;
  static constexpr auto step = 50ms;

private:
  std::mt19937 random_;
  steady_time now_ = steady_time{} + 1000s;
  std::array<machine, 2> both_{machine{star_role::primary},
                               machine{star_role::backup}};
};

/// What may happen to them.
void mishap(world& at) {
  auto& one = at.roll(2) == 0 ? at.primary() : at.backup();
  switch (at.roll(4)) {
  case 0:
    if (one.state)
      at.crash(one);
    else
      at.start(one);
    break;
  case 1:
    at.freeze(one, world::step * at.roll(120));
    break;
  default:
    if (!one.state) at.start(one);
  }
}

} // namespace

TEST_SUITE_BEGIN("zmq_patterns");

TEST_CASE("never are both of a Binary Star active") {
  // Each seed is another history of a few minutes.
  std::uint64_t failed_over = 0, stood_down = 0;
  for (unsigned seed = 1; seed <= 1500; ++seed) {
    world pair{seed};
    for (int turn = 0; turn < 200; ++turn) {
      if (pair.roll(8) == 0) mishap(pair);
      if (pair.roll(2) == 0) pair.ask(pair.primary());
      pair.check();
      if (pair.roll(2) == 0) pair.ask(pair.backup());
      pair.check();
      pair.pass(world::step * pair.roll(12));
      if (pair.most_actives > 1) break;
    }
    REQUIRE_MESSAGE(pair.most_actives <= 1, "seed ", seed);
    for (auto* each : {&pair.primary(), &pair.backup()})
      if (each->state) {
        failed_over += each->state->counts().failed_over;
        stood_down += each->state->counts().stood_down;
        CHECK(each->state->counts().yielded == 0);
      }
  }
  CHECK(failed_over > 500); // it was about something
  CHECK(stood_down > 500);
}

TEST_CASE("whatever happened to a Binary Star, then one of them answers") {
  for (unsigned seed = 1; seed <= 500; ++seed) {
    world pair{seed};
    for (int turn = 0; turn < 60; ++turn) {
      if (pair.roll(4) == 0) mishap(pair);
      pair.ask(pair.roll(2) == 0 ? pair.primary() : pair.backup());
      pair.pass(world::step * pair.roll(12));
    }
    for (auto* each : {&pair.primary(), &pair.backup()})
      if (!each->state) pair.start(*each);
    pair.pass(12s); // thawed, and all is said
    REQUIRE_MESSAGE(pair.actives() == 1, "seed ", seed);
    REQUIRE(pair.most_actives == 1);
  }
}

TEST_CASE("a primary that meets its backup is active, without being asked") {
  world pair{1};
  CHECK(pair.actives() == 0);
  pair.pass(1s);
  CHECK(pair.active(pair.primary()));
  CHECK(pair.backup().state->state() == star_state::passive);
  CHECK(pair.primary().state->counts().failed_over == 0);
}

TEST_CASE("a backup takes over when the primary is silent and a client asks") {
  world pair{1};
  pair.pass(1s);
  const auto term = pair.primary().state->term();
  SUBCASE("when it crashed") {
    pair.crash(pair.primary());
  }
  SUBCASE("when it is frozen") {
    pair.freeze(pair.primary(), 1h);
  }
  pair.pass(900ms);
  CHECK_FALSE(pair.ask(pair.backup())); // not yet silent for long
  pair.pass(5s);
  CHECK(pair.actives() == 0); // nobody has asked
  CHECK(pair.ask(pair.backup()));
  CHECK(pair.active(pair.backup()));
  CHECK(pair.backup().state->term() > term);
  pair.start(pair.primary());
  pair.pass(5s);
  CHECK(pair.active(pair.backup())); // it stays with it
  CHECK(pair.primary().state->state() == star_state::passive);
  CHECK(pair.primary().state->term() == pair.backup().state->term());
}

TEST_CASE("a client that asks does not make a backup active by itself") {
  world pair{1};
  pair.pass(1s);
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(pair.ask(pair.backup()));
    pair.pass(200ms);
  }
  CHECK(pair.active(pair.primary()));
}

TEST_CASE("a frozen primary that comes back is passive before it looks") {
  world pair{1};
  pair.pass(1s);
  pair.freeze(pair.primary(), 10s);
  pair.pass(5s);
  CHECK_FALSE(pair.active(pair.primary()));
  SUBCASE("when the backup took over") {
    CHECK(pair.ask(pair.backup()));
    pair.pass(6s);
    CHECK(pair.active(pair.backup()));
  }
  SUBCASE("when nobody asked: it is active again soon") {
    pair.pass(6s);
    CHECK(pair.active(pair.primary()));
    CHECK(pair.primary().state->counts().stood_down == 1);
  }
  CHECK(pair.most_actives == 1);
}

TEST_CASE("a primary answers alone, a backup that knows nothing does not") {
  for (const bool first : {true, false}) {
    world pair{1};
    pair.crash(first ? pair.backup() : pair.primary());
    auto& alone = first ? pair.primary() : pair.backup();
    CHECK_FALSE(pair.ask(alone));
    pair.pass(3s);
    CHECK(pair.ask(alone) == first);
  }
}

TEST_CASE("after a cut between them the later term wins") {
  world pair{1};
  pair.pass(1s);
  for (int i = 0; i < 60; ++i) { // nothing arrives
    for (auto* each : {&pair.primary(), &pair.backup()})
      each->mail.clear();
    pair.pass(world::step);
  }
  auto& backup = *pair.backup().state;
  const auto now = pair.now();
  auto late = backup.beat(now);
  late.state = star_state::active;
  late.term = pair.primary().state->term() + 1;
  pair.primary().state->hear(late, now);
  CHECK(pair.primary().state->state() == star_state::passive);
  CHECK(pair.primary().state->counts().yielded == 1);
}

TEST_SUITE_END();
