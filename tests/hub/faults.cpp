// Programs that go wrong, or are looked at from outside, each in its own way:
// faults NAME. What they must print and how they must end stands in
// CMakeLists.txt.

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/signal.hpp>
#include <greenroom/hub/wait.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool with_asan = true;
#else
constexpr bool with_asan = false;
#endif
#if defined(__SANITIZE_THREAD__)
constexpr bool with_tsan = true;
#else
constexpr bool with_tsan = false;
#endif

namespace {

constexpr int skipped = 77;

/// CPU time of this thread: a busy machine must not shorten what spins.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) / 1e9;
}

volatile std::size_t work_done = 0;

} // namespace

/// Needs about a kilobyte of stack for each level.
[[gnu::noinline]] std::size_t dig(std::size_t depth) {
  std::array<volatile char, 1000> hole;
  hole[depth % hole.size()] = 1;
  if (depth == 0) return 0;
  return dig(depth - 1) + static_cast<std::size_t>(hole[depth % hole.size()]);
}

[[gnu::noinline]] void spin_for(double seconds) {
  const double end = cpu_seconds() + seconds;
  while (cpu_seconds() < end)
    work_done = work_done + 1;
}

namespace {

/// Sanitizers report a fault themselves.
int overflow() {
  if (with_asan || with_tsan) return skipped;
  spawn({.name = "digger"}, dig, 1'000'000).join();
  return 0;
}

int overflow_of_own_stack() {
  if (with_asan || with_tsan) return skipped;
  constexpr std::size_t small = 64 * 1024;
  constexpr std::size_t large = 1024 * 1024;
  spawn({.name = "tall", .stack_size = large}, dig, 500).join();
  std::fputs("500 fit into the large stack\n", stderr);
  spawn({.name = "short", .stack_size = small}, dig, 500).join();
  return 0;
}

int quit_while_waiting() {
  wait_list gate;
  const auto guard =
      spawn({.name = "guard"}, [&] { gate.wait({}, "gate::watch", &gate); });
  spawn({.name = "sleeper"}, [] { sleep(1000s); });
  spawn({.name = "bell"}, [] { std::raise(SIGQUIT); });
  guard.join();
  return 0;
}

int quit_while_spinning() {
  spawn({.name = "spinner"}, [] {
    std::raise(SIGQUIT);
    spin_for(1000);
  });
  spawn({.name = "unlucky"}, [] {});
  sleep(1s);
  return 0;
}

/// The monitor asks for a stack by a signal, which TSan delays.
int blocked_hub() {
  if (with_tsan) return skipped;
  spawn({.name = "spinner"}, spin_for, 0.3).join();
  return 0;
}

int destroyed_while_running() {
  struct sleeper : greenlet_base {
    void run() override { sleep(1s); }
  };
  std::optional<sleeper> careless;
  careless.emplace();
  careless->name("careless");
  careless->start();
  yield();
  careless.reset();
  return 0;
}

int main_returns() {
  static wait_list never;
  spawn({.name = "first"}, [owned = std::string(1000, 'x')] {
    const std::string on_the_stack = owned;
    never.wait({}, "never", nullptr);
  });
  spawn({.name = "second"}, [] { sleep(1000s); });
  spawn_later(1000s, [] {});
  yield();
  return 0;
}

int interrupted_main() {
  signals_interrupt_main();
  spawn([] { std::raise(SIGTERM); });
  sleep(1000s);
  return 0;
}

/// In virtual time.
int long_sleep() {
  const double before = cpu_seconds();
  const steady_time start = now();
  spawn([] { sleep(1000s); }).join();
  const double took = std::chrono::duration<double>(now() - start).count();
  std::fprintf(stderr, "slept %.0f s, used %s CPU\n", took,
               cpu_seconds() - before < 1 ? "little" : "much");
  return 0;
}

const std::map<std::string, std::function<int()>> faults = {
    {"overflow", overflow},
    {"overflow_of_own_stack", overflow_of_own_stack},
    {"quit_while_waiting", quit_while_waiting},
    {"quit_while_spinning", quit_while_spinning},
    {"blocked_hub", blocked_hub},
    {"destroyed_while_running", destroyed_while_running},
    {"main_returns", main_returns},
    {"interrupted_main", interrupted_main},
    {"long_sleep", long_sleep},
};

} // namespace

int main(int argc, char** argv) {
  const auto chosen = faults.find(argc == 2 ? argv[1] : "");
  if (chosen == faults.end()) {
    std::fputs("faults NAME\n", stderr);
    return 2;
  }
  return chosen->second();
}
