// Teaches: a queue with room for three: put waits while it is full, so the
//          boss works no faster than the workers; get waits a second at most.
// Run:     build/dev/bin/17_bounded_queue, best with GREENROOM_CLOCK=virtual
// Prints:  expected/17_bounded_queue.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <chrono>
#include <cstdio>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;

queue<int> tasks{3};

void worker(const char* name) {
  std::error_code failed;
  while (auto task = tasks.get(1s, failed)) {
    std::printf("Worker %s got task %d\n", name, *task);
    yield();
  }
  std::puts("Quitting time!"); // failed is errc::timed_out
}

void boss() {
  for (int i = 1; i < 10; ++i)
    tasks.put(i);
  std::puts("Assigned all work in iteration 1");

  for (int i = 10; i < 20; ++i)
    tasks.put(i);
  std::puts("Assigned all work in iteration 2");
}

int main() {
  const any_greenlet all[] = {spawn(boss), spawn(worker, "steve"),
                              spawn(worker, "john"), spawn(worker, "bob")};
  joinall(all);
}
