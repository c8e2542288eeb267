// Random programs of actors that send, ask, sleep, throw, stop, spawn and are
// killed at random waiting points, against a model: every message is handled
// once or dropped once, none overtakes another of its sender, every ask ends
// in one way, and no greenlet is left over.
//
//   actors_stress [SEEDS [FIRST]]

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

struct world;

/// Stands for one message from sending to its end.
class stamp {
public:
  stamp(world& of, int sender, int number);
  stamp(stamp&& other) noexcept
      : world_(std::exchange(other.world_, nullptr)), sender_(other.sender_),
        number_(other.number_) {}
  stamp& operator=(stamp&&) = delete;
  ~stamp();

  /// `receiver` has it.
  void cancel(const void* receiver);

private:
  world* world_; // null once handled or moved from
  int sender_;
  int number_;
};

struct letter {
  stamp mark;
};
struct question {
  using reply = int;
  stamp mark;
  int value;
};

class node : public actor<letter, question> {
public:
  explicit node(world& in) : world_(in) {}

protected:
  void on_start() override;
  void on_stop(const exit_reason&) override;
  void receive(letter message) override;
  int receive(question message) override;

private:
  void do_something();
  world& world_;
};

void check(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

struct world {
  explicit world(std::uint64_t seed) : engine(seed) {}

  int below(int limit) {
    return static_cast<int>(engine() % static_cast<unsigned>(limit));
  }
  bool one_in(int chance) { return below(chance) == 0; }
  std::chrono::nanoseconds pause() { return below(4) * 1ms; }

  void add_actor() {
    if (actors.size() < 12) actors.push_back(spawn<node>(*this));
  }
  actor_ref<node> pick() {
    return actors[static_cast<std::size_t>(
        below(static_cast<int>(actors.size())))];
  }

  void run() {
    for (int i = 1 + below(5); i > 0; --i)
      add_actor();
    for (int sender = 0; sender < 4; ++sender)
      drivers.push_back(spawn([this, sender] { drive(sender); }));
    for (int i = below(10); i > 0; --i) {
      disturb();
      one_in(2) ? yield() : sleep(pause());
    }
    sleep(1s);
    joinall(drivers);
    for (std::size_t i = 0; i < actors.size(); ++i)
      one_in(2) ? actors[i].stop() : actors[i].kill_soon();
    for (std::size_t i = 0; i < actors.size(); ++i)
      actors[i].join();
    idle();
    check(begun == ended, "on_start and on_stop do not match");
    check(sent == handled + dropped, "a message was lost");
    check(asked == replies + failures + late + cut_short,
          "an ask ended twice or not at all");
    if (!trouble.empty()) throw std::logic_error(trouble);
  }

  /// A driver sends letters and asks questions.
  void drive(int sender) {
    for (int number = 0; number < 10; ++number) {
      if (one_in(3))
        ask(pick(), {*this, sender, number});
      else
        pick().send(letter{{*this, sender, number}});
      if (one_in(3)) yield();
      if (one_in(4)) sleep(pause());
    }
  }

  void ask(actor_ref<node> whom, stamp mark) {
    ++asked;
    const int value = below(1000);
    try {
      int reply = value + 1;
      if (one_in(3)) {
        with_timeout(pause(), [&] {
          reply = whom.ask(question{std::move(mark), value}).get();
        });
      } else {
        reply = whom.ask(question{std::move(mark), value}).get(10 * pause());
      }
      check(reply == value + 1, "the wrong reply");
      ++replies;
    } catch (const std::system_error& caught) {
      caught.code() == errc::timed_out ? ++late : ++failures;
    } catch (const std::runtime_error&) {
      ++failures;
    } catch (const timeout_expired&) {
      ++late;
    } catch (const greenlet_exit&) {
      ++cut_short;
      throw;
    }
  }

  void disturb() {
    switch (below(5)) {
    case 0:
      pick().kill_soon();
      break;
    case 1:
      pick().stop();
      break;
    case 2:
      drivers[static_cast<std::size_t>(below(4))].kill_soon();
      break;
    case 3:
      pick().kill(1ms);
      break;
    default:
      add_actor();
    }
  }

  /// For what is found where an exception would be part of the play.
  void expect(bool holds, const char* what) {
    if (!holds) trouble = what;
  }

  std::mt19937_64 engine;
  std::vector<actor_ref<node>> actors;
  std::vector<any_greenlet> drivers;
  std::map<std::pair<int, const void*>, int> last; // sender, receiver
  std::string trouble;
  int sent = 0, handled = 0, dropped = 0;
  int asked = 0, replies = 0, failures = 0, late = 0, cut_short = 0;
  int begun = 0, ended = 0;
};

stamp::stamp(world& of, int sender, int number)
    : world_(&of), sender_(sender), number_(number) {
  ++of.sent;
}

stamp::~stamp() {
  if (world_) ++world_->dropped;
}

void stamp::cancel(const void* receiver) {
  ++world_->handled;
  if (sender_ >= 0) { // a driver, who numbers what he sends
    const auto [last, first] =
        world_->last.insert({{sender_, receiver}, number_});
    world_->expect(first || last->second < number_,
                   "a message overtook another of its sender");
    last->second = number_;
  }
  world_ = nullptr;
}

void node::on_start() {
  ++world_.begun;
  // Another actor may live at the address of an earlier one.
  for (int sender = 0; sender < 4; ++sender)
    world_.last.erase({sender, this});
  if (world_.one_in(10)) sleep(world_.pause());
  if (world_.one_in(20)) throw std::runtime_error("on_start");
}

void node::on_stop(const exit_reason&) {
  ++world_.ended;
  if (world_.one_in(10)) sleep(world_.pause());
  if (world_.one_in(20)) throw std::runtime_error("on_stop");
}

void node::receive(letter message) {
  message.mark.cancel(this);
  do_something();
}

int node::receive(question message) {
  message.mark.cancel(this);
  do_something();
  return message.value + 1;
}

void node::do_something() {
  switch (world_.below(12)) {
  case 0:
    yield();
    break;
  case 1:
    sleep(world_.pause());
    break;
  case 2:
    world_.pick().send(letter{{world_, -1, 0}});
    break;
  case 3:
    world_.ask(world_.pick(), {world_, -1, 0});
    break;
  case 4:
    throw std::runtime_error("receive");
  case 5:
    world_.pick().kill_soon();
    break;
  case 6:
    world_.pick().stop();
    break;
  case 7:
    world_.add_actor();
    break;
  case 8: {
    const shield guard;
    sleep(world_.pause());
    break;
  }
  default:
    break;
  }
}

} // namespace

int main(int count, char** arguments) {
  const auto number = [&](int which, long fallback) {
    return count > which ? std::atol(arguments[which]) : fallback;
  };
  const long seeds = number(1, 5'000);
  const long first = number(2, 1);
  setenv("GREENROOM_LOG", "off", 1); // failures are part of the play
  hub::current().use_clock(clock_kind::virtual_time);
  for (long seed = first; seed < first + seeds; ++seed)
    try {
      world{static_cast<std::uint64_t>(seed)}.run();
      idle();
      check(hub::current().greenlets() == 1, "a greenlet is left over");
    } catch (const std::exception& caught) {
      std::printf("seed %ld: %s\n", seed, caught.what());
      return EXIT_FAILURE;
    }
  std::printf("%ld seeds\n", seeds);
}
