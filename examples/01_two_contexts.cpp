// Teaches: two greenlets that give way to each other with yield.
// Run:     build/dev/bin/01_two_contexts
// Prints:  expected/01_two_contexts.txt

#include <greenroom/hub/greenlet.hpp>

#include <cstdio>

using namespace greenroom;

void foo() {
  std::puts("Running in foo");
  yield();
  std::puts("Explicit context switch to foo again");
}

void bar() {
  std::puts("Explicit context to bar");
  yield();
  std::puts("Implicit context switch back to bar");
}

int main() {
  // spawn never switches: both begin when main waits, in this order.
  const any_greenlet both[] = {spawn(foo), spawn(bar)};
  joinall(both);
}
