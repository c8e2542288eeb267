// Teaches: the same tasks one after the other, and all at once: then each is
//          done when its own wait is over.
// Run:     build/dev/bin/03_synchronous_asynchronous
// Prints:  expected/03_synchronous_asynchronous.txt; the delays are random,
//          but from a fixed seed

#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>
#include <random>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

std::mt19937 randomness{2011};

/// Waits 0 to 2 ms.
void task(int number) {
  sleep(randomness() % 3 * 1ms);
  std::printf("Task %d done\n", number);
}

void synchronous() {
  for (int i = 1; i < 10; ++i)
    task(i);
}

void asynchronous() {
  std::vector<any_greenlet> tasks;
  for (int i = 0; i < 10; ++i)
    tasks.push_back(spawn(task, i));
  joinall(tasks);
}

int main() {
  std::puts("Synchronous:");
  synchronous();

  std::puts("Asynchronous:");
  asynchronous();
}
