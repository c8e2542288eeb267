// Actors that live and die at random on two to eight hubs: asked, sent to,
// linked, monitored, killed, and left by hubs that stop. What is counted must
// agree in the end: every monitor tells once, mail from one actor to another
// comes in order, every ask ends, and no hub is left hanging.
//
//   actors_hubs_chaos [SEEDS [FIRST]]

#include "stress/dice.hpp"
#include "stress/seeds.hpp"

#include <greenroom/actors/actor_on.hpp>
#include <greenroom/hub/hub_group.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/spawn_on.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

std::atomic<long> watched = 0;  // calls of monitor
std::atomic<long> told = 0;     // that were answered, or whose watcher ended
std::atomic<long> twice = 0;    // answered more than once
std::atomic<long> disorder = 0; // mail out of order
std::atomic<long> received = 0;
std::atomic<long> made = 0;
std::atomic<long> ended = 0;

struct numbered {
  std::uint64_t sender;
  std::uint64_t number;
};
struct question {
  using reply = std::uint64_t;
  std::uint64_t number;
};
struct act {
  std::uint32_t what;
};

class citizen;
using citizens = std::vector<actor_ref<citizen>>;

class citizen : public actor<numbered, question, act, down, exit_signal> {
public:
  citizen(citizens others, std::uint32_t seed)
      : id_(static_cast<std::uint64_t>(++made)), others_(std::move(others)),
        random_(seed) {
    if (seed % 2) trap_exits();
  }
  ~citizen() override {
    told += static_cast<long>(open_.size());
    ++ended;
  }

private:
  void receive(numbered one) override {
    ++received;
    std::uint64_t& last = last_[one.sender];
    if (one.number <= last) ++disorder;
    last = one.number;
  }
  std::uint64_t receive(question one) override {
    if (random_() % 16 == 0) yield();
    if (random_() % 64 == 0) throw std::runtime_error("no answer");
    return one.number + 1;
  }
  void receive(down news) override {
    if (open_.erase(news.id) == 0)
      ++twice;
    else
      ++told;
  }
  void receive(exit_signal) override {}

  void receive(act next) override {
    if (others_.empty()) return;
    const std::size_t whom = random_() % others_.size();
    const actor_ref<citizen> other = others_[whom];
    switch (next.what % 12) {
    case 0:
    case 1:
    case 2:
    case 3:
      for (int i = 0; i < 20; ++i)
        other.send(numbered{id_, ++numbers_[whom]});
      break;
    case 4:
    case 5:
      try {
        if (other.ask(question{numbers_[whom]}).get(1ms) == 0) ++disorder;
      } catch (const std::exception&) {
      }
      break;
    case 6:
    case 7: {
      ++watched;
      const monitor_id id = monitor(other);
      open_.emplace(id, 0);
      if (random_() % 4 == 0 && demonitor(id) && open_.erase(id)) ++told;
      break;
    }
    case 8:
      try {
        link_to(other);
      } catch (const std::system_error&) { // dead, and of this hub
      }
      if (random_() % 2) unlink_from(other);
      break;
    case 9:
      if (random_() % 4 == 0) other.kill_soon();
      break;
    case 10:
      if (random_() % 8 == 0) other.exit(exit_kind::shutdown);
      break;
    case 11:
      (void)other.join(random_() % 2 ? 0us : 50us);
      break;
    }
  }

  const std::uint64_t id_;
  const citizens others_;
  std::minstd_rand random_;
  std::map<std::size_t, std::uint64_t> numbers_; // the last sent to each
  std::map<std::uint64_t, std::uint64_t> last_;  // the last received from each
  std::map<monitor_id, int> open_;
};

/// A world of some hubs, of which all stop in the end, some in the middle.
void live(std::uint32_t seed) {
  std::minstd_rand random{seed};
  const std::size_t count = 2 + random() % 7;
  std::vector<std::unique_ptr<hub_group>> hubs;
  for (std::size_t i = 0; i < count; ++i)
    hubs.push_back(std::make_unique<hub_group>(1));
  citizens all;
  for (int i = 0; i < 40; ++i) {
    const auto seeded = static_cast<std::uint32_t>(random());
    all.push_back(
        spawn<citizen>(on((*hubs[random() % count])[0]), all, seeded));
  }
  for (int i = 0; i < 2000; ++i) {
    all[random() % all.size()].send(
        act{static_cast<std::uint32_t>(random() >> 8)});
    if (random() % 50 == 0) yield();
    if (random() % 700 == 0) hubs[random() % count]->stop(); // again is nothing
  }
  for (const auto& each : hubs)
    stress::check(each->stop(60s), "a hub has not stopped");
}

} // namespace

// Not by `run_seeds`: its virtual clock does not wait for other threads.
int main(int count, char** arguments) {
  const long seeds = count > 1 ? std::atol(arguments[1]) : 100;
  const long first = count > 2 ? std::atol(arguments[2]) : 1;
  setenv("GREENROOM_LOG", "off", 0); // what fails here does so on purpose
  stress::tell_seed_at_crash();
  for (long seed = first; seed < first + seeds; ++seed) {
    stress::seed_at_hand = static_cast<std::sig_atomic_t>(seed);
    alarm(100);
    try {
      live(static_cast<std::uint32_t>(seed));
      stress::check(made == ended, "an actor is left");
      stress::check(watched == told, "a monitor told nothing");
      stress::check(twice == 0, "a monitor told twice");
      stress::check(disorder == 0, "mail came out of order");
      stress::check(received > 0, "hardly any mail came");
    } catch (const std::exception& error) {
      std::printf("seed %ld: %s\n", seed, error.what());
      std::fflush(stdout);
      std::_Exit(EXIT_FAILURE);
    }
  }
  std::printf("%ld seeds: %ld actors, %ld messages, %ld monitors\n", seeds,
              made.load(), received.load(), watched.load());
}
