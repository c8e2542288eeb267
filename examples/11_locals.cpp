// Teaches: a variable of which every greenlet has its own. (thread_local is
//          shared by all greenlets of a thread.)
// Run:     build/dev/bin/11_locals
// Prints:  expected/11_locals.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/local.hpp>

#include <cstdio>

using namespace greenroom;

local<int> x;
local<int> y;

void f1() {
  *x = 1;
  std::printf("%d\n", *x);
}

void f2() {
  *y = 2;
  std::printf("%d\n", *y);

  if (!x.get_if()) std::puts("x is not local to f2");
}

int main() {
  const any_greenlet both[] = {spawn(f1), spawn(f2)};
  joinall(both);
}
