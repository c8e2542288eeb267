// Teaches: hearing of a greenlet's end (links), and ending one from outside
//          (kill): it unwinds from its waiting call.
// Run:     build/dev/bin/12_links_and_kill
// Prints:  expected/12_links_and_kill.txt; failures are also logged, to
//          standard error

#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

int divide(int by) {
  if (by == 0) throw std::domain_error("division by zero");
  return 1 / by;
}

/// How it ended.
std::string fate(const greenlet_base& ended) {
  if (ended.killed()) return "was killed";
  return ended.successful() ? "succeeded" : "failed";
}

/// A link is called in a greenlet of its own when the other has ended.
void links() {
  const auto tell = [](greenlet_base& ended) {
    std::printf("%s %s\n", ended.name().c_str(), fate(ended).c_str());
  };
  auto bad = spawn({.name = "bad"}, divide, 0);
  bad.link(tell);
  bad.link_value([](greenlet_base&) { std::puts("not called"); });
  auto good = spawn({.name = "good"}, divide, 1);
  good.link(tell);
  sleep(1s); // nothing comes out here: bad's error is its own
}

void kills() {
  auto sleeper = spawn([] { sleep(4s); });
  sleeper.kill();
  std::puts(sleeper.dead() ? "True" : "False");

  // With an exception of yours, the victim failed.
  auto victim = spawn([] { sleep(4s); });
  victim.kill(std::runtime_error("A time to kill"));
  try {
    victim.get();
  } catch (const std::runtime_error& error) {
    std::puts(error.what());
  }
}

int main() {
  links();
  kills();

  auto g = spawn([] {
    std::puts("In the greenlet");
    return 42;
  });
  std::puts("In main: spawn did not switch");
  std::printf("%d\n", g.get());
}
