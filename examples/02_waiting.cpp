// Teaches: a wait stops one greenlet, not the thread. Two wait 2 s each, at
//          the same time, while a third works.
// Run:     build/dev/bin/02_waiting, or with GREENROOM_CLOCK=virtual, where
//          time jumps ahead whenever everybody waits
// Prints:  expected/02_waiting.txt

#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>

using namespace greenroom;
using namespace std::chrono_literals;

const steady_time start = now();

/// Seconds since the start.
double tic() {
  return std::chrono::duration<double>(now() - start).count();
}

void poll() {
  std::printf("Started Polling: at %1.1f seconds\n", tic());
  sleep(2s);
  std::printf("Ended Polling: at %1.1f seconds\n", tic());
}

void work() {
  std::printf("Hey lets do some stuff while the greenlets poll, "
              "at %1.1f seconds\n",
              tic());
  sleep(1s);
}

int main() {
  const any_greenlet three[] = {spawn(poll), spawn(poll), spawn(work)};
  joinall(three);
}
