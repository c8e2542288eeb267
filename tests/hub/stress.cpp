// Random programs on the virtual clock: greenlets that spawn, wait, kill,
// limit, shield and link each other. Whatever they do, every greenlet ends
// once, every link is called once, and nothing is left.
//
//     stress [first seed] [number of seeds]

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/hub/timeout.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

struct own_error : std::runtime_error {
  own_error() : std::runtime_error("thrown on purpose") {}
};

unsigned long seed = 0;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "seed %lu: not so: %s\n%s", seed, what,
               hub::current().listing().c_str());
  std::exit(EXIT_FAILURE);
}

class program {
public:
  explicit program(unsigned long number) : random_(number) {}

  void run() {
    const auto before = hub::current().greenlets();
    for (int i = 0; i < 4; ++i)
      spawn_one(0);
    for (std::size_t joined = 0; joined < all_.size();) {
      const std::vector<any_greenlet> now{all_.begin(), all_.end()};
      require(joinall(now).size() == now.size(), "joinall returns all");
      joined = now.size();
    }
    idle();
    check(before);
  }

private:
  struct linked {
    any_greenlet target;
    link_id id{};
    int calls = 0;
    bool removed = false;
  };

  /// Counts the body it is in; waits while an exception passes.
  struct body_guard {
    explicit body_guard(program& in) : owner(in) { ++owner.begun_; }
    body_guard(const body_guard&) = delete;
    ~body_guard() {
      if (std::uncaught_exceptions() > 0 && owner.chance(4))
        sleep(owner.some_time());
      ++owner.left_;
    }
    program& owner;
  };

  void check(std::size_t before) {
    require(begun_ == left_, "what began was unwound");
    require(lists_[0].empty() && lists_[1].empty(), "nobody waits");
    require(shields_broken_ == 0, "nothing is thrown in a shield");
    require(hub::current().greenlets() == before, "no greenlet is left");
    for (const any_greenlet& each : all_)
      require(each.dead(), "every greenlet has ended");
    for (const auto& each : links_) {
      const int expected = each->removed ? 0 : 1;
      require(each->calls == expected, "every link was called once");
    }
  }

  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }
  std::chrono::nanoseconds some_time() {
    return std::chrono::microseconds(below(6));
  }
  any_greenlet any() { return all_[below(all_.size())]; }

  // --- what greenlets do --------------------------------------------------

  auto body(int depth) {
    return [this, depth] {
      const body_guard guard{*this};
      act(depth, 1 + below(6));
    };
  }

  void spawn_one(int depth) {
    if (all_.size() >= 40) return;
    switch (below(5)) {
    case 0:
      keep(spawn_later(some_time(), body(depth + 1)));
      return;
    case 1:
      keep(spawn({.order = start_order::next}, body(depth + 1)));
      return;
    case 2:
      keep(spawn({.stack_size = 64 * 1024}, body(depth + 1)));
      return;
    default:
      keep(spawn(body(depth + 1)));
    }
  }

  void keep(any_greenlet made) {
    all_.push_back(made);
    link(std::move(made));
  }

  void link(any_greenlet target) {
    linked& added = *links_.emplace_back(std::make_unique<linked>());
    added.target = target;
    added.id = target.link([&added](greenlet_base& ended) {
      require(ended.dead(), "links are called after the end");
      ++added.calls;
    });
  }

  void unlink() {
    linked& chosen = *links_[below(links_.size())];
    if (chosen.target.dead() || chosen.removed) return;
    chosen.target.unlink(chosen.id);
    chosen.removed = true;
  }

  void act(int depth, std::size_t steps) {
    for (std::size_t i = 0; i < steps; ++i)
      if (below(3) == 0 && depth < 4)
        nest(depth);
      else if (below(2) == 0)
        wait();
      else
        disturb(depth);
  }

  void wait() {
    switch (below(6)) {
    case 0:
      return yield();
    case 1:
      return sleep(some_time());
    case 2:
      lists_[below(2)].wait(some_time(), "list", this);
      return;
    case 3: {
      const any_greenlet target = any();
      if (&*target != &current()) target.join(some_time());
      return;
    }
    case 4:
      joinall(std::vector<any_greenlet>{any(), any(), any()}, some_time());
      return;
    default:
      lists_[0].wake_all();
      lists_[1].wake_one();
    }
  }

  void disturb(int depth) {
    switch (below(9)) {
    case 0:
    case 1:
    case 2:
      return spawn_one(depth);
    case 3:
      return any()->kill_soon();
    case 4:
      any().kill(some_time());
      return;
    case 5:
      any().kill(own_error(), some_time());
      return;
    case 6:
      if (chance(3)) any()->kill_brutally();
      return;
    case 7:
      return chance(2) ? link(any()) : unlink();
    default:
      if (chance(3)) throw own_error();
    }
  }

  void nest(int depth) {
    switch (below(5)) {
    case 0:
      return limited(depth);
    case 1:
      return shielded();
    case 2:
      return in_nursery(depth);
    case 3:
      return swallowing(depth);
    default:
      try {
        act(depth + 1, 2);
      } catch (...) {
        const shield guard;
        yield(); // inside a catch block
        throw;
      }
    }
  }

  void limited(int depth) {
    timeout limit{some_time()};
    limit.start();
    try {
      act(depth + 1, 3);
    } catch (const timeout_expired& caught) {
      if (!caught.is_from(limit)) throw;
      require(!limit.pending(), "a timeout that was thrown is over");
    }
  }

  void shielded() {
    const shield guard;
    try {
      for (int i = 0; i < 3; ++i)
        wait();
    } catch (...) {
      ++shields_broken_;
      throw;
    }
  }

  void in_nursery(int depth) {
    const std::size_t count = 1 + below(3);
    std::size_t inside = 0;
    const auto child = [this, depth, &inside] {
      ++inside;
      struct leaves {
        std::size_t& count;
        ~leaves() { --count; }
      } const at_end{inside};
      const body_guard guard{*this};
      act(depth + 2, 2);
    };
    try {
      nursery([&](nursery_scope& children) {
        for (std::size_t i = 0; i < count; ++i)
          keep(children.spawn(child));
        act(depth + 1, 2);
      });
    } catch (...) {
      require(inside == 0, "no child outlives its nursery");
      throw;
    }
    require(inside == 0, "no child outlives its nursery");
  }

  void swallowing(int depth) {
    try {
      act(depth + 1, 2);
    } catch (...) {
    }
  }

  std::mt19937_64 random_;
  wait_list lists_[2];
  std::vector<any_greenlet> all_;
  std::vector<std::unique_ptr<linked>> links_;
  std::size_t begun_ = 0;
  std::size_t left_ = 0;
  int shields_broken_ = 0;
};

} // namespace

int main(int count, char** arguments) {
  const auto argument = [&](int index, unsigned long otherwise) {
    return index < count ? std::strtoul(arguments[index], nullptr, 10)
                         : otherwise;
  };
  const unsigned long first = argument(1, 1);
  const unsigned long seeds = argument(2, 10'000);
  hub::current().use_clock(clock_kind::virtual_time);
  for (seed = first; seed < first + seeds; ++seed)
    try {
      program{seed}.run();
    } catch (...) {
      std::fprintf(stderr, "seed %lu: main met %s\n", seed,
                   describe(std::current_exception()).c_str());
      return EXIT_FAILURE;
    }
}
