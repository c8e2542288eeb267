// Four threads, each with a hub, pass results around at random: set, wait for,
// copy, move and drop them, kill who waits, and end while others go on. Every
// value is destroyed once, and every wait ends.
//
//   mailbox_results_threads_stress [ROUNDS [FIRST]]

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

constexpr int threads = 4;

std::atomic<long> values{0};
std::atomic<long> waits{0};

/// Counted, so that one too many or too few is seen.
class counted {
public:
  explicit counted(std::string content) : text_(std::move(content)) {
    ++values;
  }
  counted(const counted& other) : text_(other.text_) { ++values; }
  counted(counted&& other) noexcept : text_(std::move(other.text_)) {
    ++values;
  }
  counted& operator=(const counted&) = delete;
  ~counted() { --values; }

  void check() const {
    if (!text_.empty() && text_.size() != 40) {
      std::puts("a torn value");
      std::abort();
    }
  }

private:
  std::string text_;
};

using result = async_result<counted>;

/// Where handles change threads.
class exchange {
public:
  void put(result given) {
    const std::lock_guard held{lock_};
    all_.push_back(std::move(given));
  }
  /// A copy, or the handle itself.
  std::optional<result> get(std::mt19937& random) {
    const std::lock_guard held{lock_};
    if (all_.empty()) return {};
    const std::size_t at = random() % all_.size();
    if (random() % 2) return all_[at];
    std::swap(all_[at], all_.back());
    std::optional<result> taken{std::move(all_.back())};
    all_.pop_back();
    return taken;
  }
  void clear() {
    const std::lock_guard held{lock_};
    all_.clear();
  }

private:
  std::mutex lock_;
  std::vector<result> all_;
};

class player {
public:
  player(exchange& among, unsigned seed) : among_(among), random_(seed) {}

  void play() {
    for (int turns = 0; turns < 60; ++turns) {
      move();
      if (one_in(3)) yield();
      if (one_in(20)) sleep(10us);
    }
    // Some are told by the end of a home, or by the last copy; the rest here.
    for (const any_greenlet& each : readers_)
      each.kill_soon();
    joinall(readers_);
  }

private:
  bool one_in(unsigned chance) { return random_() % chance == 0; }

  void move() {
    if (one_in(4)) return among_.put(result{});
    std::optional<result> one = among_.get(random_);
    if (!one) return;
    switch (random_() % 8) {
    case 0:
    case 1:
      one->set(counted{std::string(40, 'x')});
      break;
    case 2:
      one->set_exception(std::make_exception_ptr(std::runtime_error("failed")));
      break;
    case 3:
      one->abandon(errc::no_reply);
      return;
    case 4:
      if (!readers_.empty()) readers_[random_() % readers_.size()].kill_soon();
      break;
    case 5:
      among_.put(*one);
      break;
    default:
      wait_for(std::move(*one));
    }
    if (one_in(2)) among_.put(std::move(*one));
  }

  void wait_for(const result& from) {
    ++waits;
    readers_.push_back(
        spawn([this, from, how = random_() % 4] { read(from, how); }));
  }

  void read(result from, unsigned long how) {
    try {
      switch (how) {
      case 0:
        from.get().check();
        break;
      case 1:
        from.get(1us * (random_() % 200)).check();
        break;
      case 2:
        timeout{1us * (random_() % 200)}.run([&] { from.get().check(); });
        break;
      default:
        if (from.wait(1us * (random_() % 200)) && one_in(2))
          from.take().check();
      }
    } catch (const std::runtime_error&) { // failed, timed out or destroyed
    }
  }

  exchange& among_;
  std::mt19937 random_;
  std::vector<any_greenlet> readers_;
};

void round(unsigned seed) {
  exchange among;
  std::vector<std::thread> all;
  for (unsigned i = 0; i < threads; ++i)
    all.emplace_back([&among, i, seed] {
      player{among, seed * threads + i}.play();
    });
  for (std::thread& each : all)
    each.join();
  among.clear();
  if (values != 0)
    throw std::logic_error(std::to_string(values) + " values are left");
}

} // namespace

int main(int count, char** arguments) {
  const auto number = [&](int which, long fallback) {
    return count > which ? std::atol(arguments[which]) : fallback;
  };
  const long rounds = number(1, 300);
  const long first = number(2, 1);
  for (long seed = first; seed < first + rounds; ++seed)
    try {
      round(static_cast<unsigned>(seed));
    } catch (const std::exception& caught) {
      std::printf("round %ld: %s\n", seed, caught.what());
      return EXIT_FAILURE;
    }
  std::printf("%ld rounds, %ld waits\n", rounds, waits.load());
}
