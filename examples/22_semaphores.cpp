// Teaches: a semaphore lets so many in at a time. bounded_semaphore notices
//          when it is released more often than acquired.
// Run:     build/dev/bin/22_semaphores
// Prints:  expected/22_semaphores.txt

#include <greenroom/actors/group.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/semaphore.hpp>

#include <cstdio>
#include <vector>

using namespace greenroom;

bounded_semaphore two_at_a_time{2};

void by_hand(int number) {
  two_at_a_time.acquire();
  std::printf("Worker %d acquired semaphore\n", number);
  yield();
  two_at_a_time.release();
  std::printf("Worker %d released semaphore\n", number);
}

/// A guard releases at the end of its scope, also when the greenlet is killed.
void guarded(int number) {
  {
    const semaphore_guard held{two_at_a_time};
    std::printf("Worker %d acquired semaphore\n", number);
    yield();
  }
  std::printf("Worker %d released semaphore\n", number);
}

int main() {
  group everybody;
  everybody.map(std::vector{0, 1}, by_hand);
  everybody.map(std::vector{3, 4, 5}, guarded);
}
