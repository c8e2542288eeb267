// Teaches: the ways to spawn: a function, a function with arguments, a lambda;
//          and that the result is in the greenlet.
// Run:     build/dev/bin/05_spawning
// Prints:  expected/05_spawning.txt

#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

/// Each greenlet is passed its own message and time.
void foo(const std::string& message, std::chrono::seconds time) {
  sleep(time);
  std::printf("%s\n", message.c_str());
}

int main() {
  greenlet<void> first = spawn(foo, "Hello", 1s);

  // With a name, for logs and listings.
  auto second = spawn({.name = "second"}, foo, "I live!", 2s);

  // What a greenlet returns is its value.
  greenlet<int> third = spawn([](int x) { return x + 1; }, 2);

  const any_greenlet all[] = {first, second, third};
  joinall(all);
  std::printf("%d\n", *third.value());
}
