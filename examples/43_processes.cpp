// Teaches: only the greenlet that waits for a process waits. The gevent
//          tutorial's program, where cron ticks beside `sleep 1; uname`; here
//          the fifth tick tells the child to go on, so that the output is the
//          same each time. Then a dialogue, a program that fails, one that
//          takes too long, and one that there is not.
// Run:     build/dev/bin/43_processes
// Prints:  expected/43_processes.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/process.hpp>

#include <chrono>
#include <cstdio>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;

int main() {
  process child{"sh",
                {"-c", "read go; uname"},
                {.input = stdio::pipe, .output = stdio::pipe}};
  auto cron = spawn([&] {
    for (int tick = 0; tick < 5; ++tick) {
      std::puts("cron");
      sleep(200ms);
    }
    child.input().write("go\n");
  });
  buffered_reader answers{child.output()};
  std::puts(answers.read_line().value_or("no answer").c_str());
  std::printf("the child %s\n", child.wait().text().c_str());
  cron.join();

  process sort{"sort", {"-n"}, {.input = stdio::pipe, .output = stdio::pipe}};
  std::fputs(sort.communicate("10\n9\n8\n").output.c_str(), stdout);

  const auto failed = run("sh", {"-c", "echo no luck >&2; exit 3"});
  std::printf("it %s: %s", failed.status.text().c_str(), failed.error.c_str());
  try {
    run("sleep", {"1000"}, {}, 2s); // killed with all that it started
  } catch (const std::system_error& error) {
    std::puts(error.what());
  }
  try {
    run("no-such-program");
  } catch (const std::system_error& error) {
    std::puts(error.what());
  }
}
