// Teaches: ending a program in order when a signal arrives. A handler runs in
//          a greenlet of its own, so it may wait; shutdown kills everybody
//          else and waits until they have cleaned up.
// Run:     build/dev/bin/09_shutdown; it signals itself twice, 3 s apart, or do
//          it with kill(1)
// Prints:  expected/09_shutdown.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/signal.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>

using namespace greenroom;
using namespace std::chrono_literals;

/// Cleans up in its destructor, as a connection would.
struct connection {
  const char* name;
  ~connection() { std::printf("%s closes\n", name); }
};

void run_forever(const char* name) {
  connection open{name};
  sleep(1000s);
  std::puts("This will never be reached");
}

/// Main's own wait is interrupted: the shape of a service.
void quit_by_exception() {
  signals_interrupt_main({SIGTERM});
  spawn_later(3s, [] { std::raise(SIGTERM); });
  spawn(run_forever, "the first");
  const auto last = spawn(run_forever, "the second");
  try {
    last.join();
  } catch (const interrupted& signal) {
    std::puts(signal.signal() == SIGTERM ? "SIGTERM" : "some signal");
    shutdown(5s); // for those who refuse: a limit
  }
}

/// Or a handler ends everything that main waits for.
void quit_by_handler() {
  on_signal(SIGQUIT, [] {
    std::puts("SIGQUIT");
    shutdown();
  });
  spawn_later(3s, [] { std::raise(SIGQUIT); });
  spawn(run_forever, "the third").join();
}

int main() {
  quit_by_exception();
  quit_by_handler();
  std::puts("the end");
}
