// Teaches: three ways to limit how long something takes: a timeout around a
//          block of code, a deadline given to one call, with_timeout.
// Run:     build/dev/bin/08_timeouts, best with GREENROOM_CLOCK=virtual
// Prints:  expected/08_timeouts.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>

#include <chrono>
#include <cstdio>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;

struct too_long {};

void wait() {
  sleep(2s);
}

/// A timeout may be started and cancelled by hand.
void by_hand() {
  timeout limit{10s};
  limit.start();
  try {
    spawn([] { sleep(10s); }).join();
  } catch (const timeout_expired&) {
    std::puts("Could not complete");
  }
}

/// Or last for a scope, and throw what you like.
void with_own_exception() {
  try {
    timeout_scope limit{5s, too_long{}};
    sleep(10s);
  } catch (const too_long&) {
    std::puts("TooLong");
  }
}

void three_ways() {
  // Everything that this greenlet does in the scope.
  const auto first = spawn(wait);
  try {
    timeout_scope limit{1s};
    first.join();
  } catch (const timeout_expired&) {
    std::puts("Thread 1 timed out");
  }

  // One call only, as an ordinary error.
  const auto second = spawn(wait);
  try {
    second.get(1s);
  } catch (const std::system_error& error) {
    if (error.code() == errc::timed_out) std::puts("Thread 2 timed out");
  }

  // One function.
  try {
    with_timeout(1s, wait);
  } catch (const timeout_expired&) {
    std::puts("Thread 3 timed out");
  }
}

int main() {
  by_hand();
  with_own_exception();
  three_ways();
}
