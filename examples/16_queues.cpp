// Teaches: a queue between greenlets: an item that one has taken is not taken
//          by another, and they take turns.
// Run:     build/dev/bin/16_queues
// Prints:  expected/16_queues.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <cstdio>

using namespace greenroom;

queue<int> tasks;

void worker(const char* name) {
  while (!tasks.empty()) {
    const int task = tasks.get();
    std::printf("Worker %s got task %d\n", name, task);
    yield();
  }
  std::puts("Quitting time!");
}

void boss() {
  for (int i = 1; i < 25; ++i)
    tasks.try_put(i);
}

int main() {
  spawn(boss).join();

  const any_greenlet workers[] = {spawn(worker, "steve"), spawn(worker, "john"),
                                  spawn(worker, "nancy")};
  joinall(workers);
}
