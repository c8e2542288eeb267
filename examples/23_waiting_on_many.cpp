// Teaches: waiting on several things at once. select takes an item from the
//          first queue that has one; wait says who of several is ready.
// Run:     build/dev/bin/23_waiting_on_many, best with GREENROOM_CLOCK=virtual
// Prints:  expected/23_waiting_on_many.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

queue<std::string> control; // first in select: goes before jobs
queue<int> jobs;
event stopped;

void worker() {
  alarm_clock tick{1s};
  bool working = true;
  while (working)
    select(from(control,
                [](const std::string& command) {
                  std::printf("told to %s\n", command.c_str());
                }),
           from(jobs, [](int job) { std::printf("job %d\n", job); }),
           when(tick,
                [&] {
                  std::puts("a second has passed");
                  tick.set(1s);
                }),
           when(stopped, [&] { working = false; }));
}

void boss() {
  jobs.put(1);
  jobs.put(2);
  control.put("hurry");
  sleep(1500ms);
  jobs.put(3);
  stopped.set();
}

int main() {
  const auto work = spawn(worker);
  const auto boss_done = spawn(boss);

  for (const any_waitable& done : iwait({work, boss_done}))
    std::puts(done == work ? "the worker has ended" : "the boss has ended");
}
