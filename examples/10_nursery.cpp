// Teaches: a nursery: no child outlives it. When one fails the others are
//          killed, and the error comes out where you can catch it.
// Run:     build/dev/bin/10_nursery
// Prints:  expected/10_nursery.txt

#include <greenroom/hub/nursery.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>

using namespace greenroom;
using namespace std::chrono_literals;

/// Tells when it is over, and how.
struct visit {
  const char* place;
  bool done = false;
  ~visit() { std::printf("%s %s\n", place, done ? "done" : "given up"); }
};

void fetch(const char* place, std::chrono::seconds time) {
  visit here{place};
  sleep(time);
  here.done = true;
}

void fail(std::chrono::seconds time) {
  sleep(time);
  throw std::runtime_error("no route to the station");
}

int main() {
  nursery([](nursery_scope& children) {
    children.spawn(fetch, "library", 2s);
    children.spawn(fetch, "market", 1s);
  });
  std::puts("both are done here");

  try {
    nursery([](nursery_scope& children) {
      children.spawn(fetch, "harbour", 1s);
      children.spawn(fetch, "station", 9s);
      children.spawn(fail, 2s);
    });
  } catch (const std::runtime_error& error) {
    std::printf("caught: %s\n", error.what());
  }
}
