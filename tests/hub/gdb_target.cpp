// Greenlets parked in every kind of place, for a debugger to find.

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/wait.hpp>

#include <atomic>
#include <chrono>
#include <thread>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

volatile int calls = 0; // a call before the end, so that no frame is left out

} // namespace

/// Where the debugger stops the program.
[[gnu::noinline]] void all_parked() {
  calls = calls + 1;
}

[[gnu::noinline]] void read_the_paper() {
  sleep(1000s);
  calls = calls + 1;
}

[[gnu::noinline]] void have_breakfast(int cups) {
  if (cups > 0)
    have_breakfast(cups - 1);
  else
    read_the_paper();
  calls = calls + cups; // so that its value is still known in here
}

[[gnu::noinline]] void wait_for(const any_greenlet& guest) {
  guest.join();
  calls = calls + 1;
}

[[gnu::noinline]] void listen_at(wait_list& door) {
  door.wait(deadline::never(), "door::listen", &door);
  calls = calls + 1;
}

[[gnu::noinline]] void keep_the_lighthouse() {
  const auto keeper = spawn({.name = "keeper"}, read_the_paper);
  spawn({.name = "visitor"}, wait_for, keeper);
  yield();
  calls = calls + 1;
}

int main() {
  wait_list door;
  const auto guest = spawn({.name = "guest"}, have_breakfast, 2);
  spawn({.name = "host"}, wait_for, guest);
  spawn({.name = "porter"}, [&door] { listen_at(door); });
  spawn({.name = "tall", .stack_size = 1 << 20}, read_the_paper);
  spawn_later(1000s, read_the_paper);
  yield();

  // Another hub: its main greenlet sleeps, too.
  std::atomic<bool> ready{false};
  std::jthread lighthouse{[&ready] {
    keep_the_lighthouse();
    ready = true;
    sleep(3s);
  }};
  while (!ready)
    std::this_thread::yield();

  current().name("innkeeper");
  all_parked();
}
