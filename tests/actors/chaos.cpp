// A tree of two hundred workers under load while some throw, and others, and
// whole supervisors, are killed at random, for a minute of virtual time: every
// ask ends in exactly one of reply, failure and time-out; in the end the tree
// is whole, everybody answers, and memory is back where it was.
//
//   actors_chaos [SEEDS [FIRST [PROGRAM]]]

#include "stress/dice.hpp"
#include "stress/seeds.hpp"

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>

#include <malloc.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using stress::check;
using stress::dice;

namespace {

class worker;
struct world;

enum class kind { plain, slow, poison, leave, pass_on };

struct work {
  using reply = int;
  kind how = kind::plain;
  int number = 0;
};

class worker : public actor<work> {
public:
  explicit worker(world& of) : world_(of) { ++alive; }
  ~worker() override { --alive; }

  static inline int alive = 0;

private:
  void on_start() override;
  void on_stop(const exit_reason& why) override;
  int receive(work message) override;
  world& world_;
};

struct world {
  explicit world(dice& dice_of_seed) : random(dice_of_seed) {
    constexpr restart_strategy strategies[] = {one_for_one, one_for_all,
                                               rest_for_one};
    for (int i = 0; i < 10; ++i) {
      const auto team = top.add_supervisor("team" + std::to_string(i),
                                           permanent, strategies[i % 3],
                                           {.max_restarts = 50, .within = 1s});
      teams.push_back(team);
      for (int j = 0; j < 20; ++j) {
        child_options how{.restart = j % 4 ? permanent : transient,
                          .shutdown = j % 5 ? 1s : 0s};
        if (j % 7 == 0) how.delay = {.first = 5ms, .most = 50ms, .jitter = 0.5};
        workers.push_back(
            team.add<worker>("w" + std::to_string(j), how, std::ref(*this)));
      }
    }
  }

  void ask_about();
  void do_harm();
  void run();

  dice& random;
  supervisor top{one_for_one, {.max_restarts = 1'000'000, .within = 1s}};
  std::vector<supervisor_ref> teams;
  std::vector<actor_ref<worker>> workers;
  long asked = 0;
  long replied = 0;
  long failed = 0;
  long late = 0;
  bool quiet = true; // before and after
};

void worker::on_start() {
  if (world_.quiet) return;
  if (world_.random.one_in(10)) sleep(world_.random.pause());
  if (world_.random.one_in(50)) throw std::runtime_error("cannot start");
}

void worker::on_stop(const exit_reason&) {
  if (world_.random.one_in(10)) sleep(1ms);
}

int worker::receive(work message) {
  switch (message.how) {
  case kind::plain:
    break;
  case kind::slow:
    sleep(world_.random.below(20) * 1ms);
    break;
  case kind::poison:
    throw std::runtime_error("poison");
  case kind::leave:
    exit(exit_reason::custom(0, "leaves"));
  case kind::pass_on:
    return world_.random.one_of(world_.workers)
        .ask(work{kind::plain, message.number})
        .get(10ms);
  }
  return message.number + 1;
}

void world::ask_about() {
  while (!quiet) {
    const kind how =
        random.one_in(4) ? static_cast<kind>(random.below(5)) : kind::plain;
    const int number = random.below(1000);
    ++asked;
    try {
      const int reply = random.one_of(workers).ask(work{how, number}).get(30ms);
      check(reply == number + 1, "a wrong reply");
      ++replied;
    } catch (const std::system_error& error) {
      ++(error.code() == errc::timed_out ? late : failed);
    } catch (const std::runtime_error&) {
      ++failed;
    }
    sleep(random.below(40) * 1ms);
  }
}

void world::do_harm() {
  while (!quiet) {
    sleep(random.below(30) * 1ms);
    const auto victim = random.one_of(workers);
    switch (random.below(5)) {
    case 0:
      victim.kill_soon();
      break;
    case 1:
      victim.exit(exit_kind::kill);
      break;
    case 2:
      victim.exit(exit_reason::custom(0, "harm"));
      break;
    case 3:
      victim.send(work{kind::poison});
      break;
    default:
      if (random.one_in(20) && random.one_of(teams).running())
        random.one_of(teams).greenlet()->kill_soon();
    }
  }
}

void expect_whole(const std::vector<child_info>& children) {
  for (const child_info& each : children) {
    check(each.state == child_state::running, "a child is not running");
    expect_whole(each.children);
  }
}

void world::run() {
  top.start();
  quiet = false;
  std::vector<any_greenlet> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(spawn([this] { ask_about(); }));
  all.push_back(spawn([this] { do_harm(); }));
  sleep(60s);
  quiet = true;
  joinall_or_throw(all);
  check(asked == replied + failed + late, "an ask ended in no way, or in two");
  check(replied > asked / 2, "hardly anybody was answered");
  sleep(5s);
  check(top.running(), "the tree gave up");
  expect_whole(top.children());
  for (const auto& each : workers)
    check(each.ask(work{}).get(1s) == 1, "a wrong reply in the end");
  top.stop();
}

std::size_t allocated() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void chaos(dice& random) {
  { world{random}.run(); }
  idle();
  check(worker::alive == 0, "a worker is left");
  // What pools and tables keep is there after the first.
  static const std::size_t after_first = allocated();
  check(allocated() < after_first + (1 << 20), "memory has grown");
}

} // namespace

int main(int count, char** arguments) {
  static constexpr stress::program_kind kinds[] = {{"chaos", &chaos}};
  return stress::run_seeds(count, arguments, 5, kinds);
}
