// Teaches: an event: whoever waits for it goes on when it is set, in the order
//          in which they began to wait.
// Run:     build/dev/bin/14_events, best with GREENROOM_CLOCK=virtual
// Prints:  expected/14_events.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/event.hpp>

#include <chrono>
#include <cstdio>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

event done;

void setter() {
  std::puts("A: Hey wait for me, I have to do something");
  sleep(3s);
  std::puts("Ok, I'm done");
  done.set();
}

void waiter() {
  std::puts("I'll wait for you");
  done.wait();
  std::puts("It's about time");
}

int main() {
  std::vector<any_greenlet> all{spawn(setter)};
  for (int i = 0; i < 5; ++i)
    all.push_back(spawn(waiter));
  joinall(all);
}
