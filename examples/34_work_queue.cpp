// Teaches: a bounded inbox holds up who sends: a fast producer gets no further
//          ahead than there is room, without a line of code for it. A deadline
//          or `try_send` is for those who would rather do without.
// Run:     build/dev/bin/34_work_queue
// Prints:  expected/34_work_queue.txt

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;

struct job {
  int number;
};

class worker : public actor<job> {
public:
  worker() { bound_inbox(2); }

private:
  void receive(job message) override {
    sleep(1s);
    std::printf("%2lld s  job %d is done\n", seconds(), message.number);
  }

public:
  static long long seconds() {
    static const steady_time start = now();
    return std::chrono::duration_cast<std::chrono::seconds>(now() - start)
        .count();
  }
};

int main() {
  worker::seconds();
  const auto crew = spawn<worker>();
  for (int number = 1; number <= 6; ++number) {
    crew.send(job{number});
    std::printf("%2lld s  job %d is sent\n", worker::seconds(), number);
  }
  if (!crew.try_send(job{7})) std::puts("no room for job 7");
  try {
    crew.send(job{8}, 100ms);
  } catch (const std::system_error& error) {
    if (error.code() == errc::timed_out) std::puts("nor for job 8 in time");
  }
  crew.stop();
  crew.join();
}
