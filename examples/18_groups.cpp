// Teaches: a group: greenlets that are waited for together.
// Run:     build/dev/bin/18_groups
// Prints:  expected/18_groups.txt

#include <greenroom/actors/group.hpp>
#include <greenroom/hub/greenlet.hpp>

#include <cstdio>

using namespace greenroom;

void talk(const char* message) {
  for (int i = 0; i < 3; ++i)
    std::puts(message);
}

int main() {
  const auto bar = spawn(talk, "bar");
  const auto foo = spawn(talk, "foo");
  const auto fizz = spawn(talk, "fizz");

  group together;
  together.add(bar);
  together.add(foo);
  together.join();

  together.add(fizz);
  together.join();
}
