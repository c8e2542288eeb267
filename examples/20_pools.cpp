// Teaches: a pool is a group with a bound: the third waits until one of the
//          first two has ended.
// Run:     build/dev/bin/20_pools
// Prints:  expected/20_pools.txt

#include <greenroom/actors/pool.hpp>

#include <cstdio>
#include <vector>

using namespace greenroom;

pool two{2};

void hello_from(int) {
  std::printf("Size of pool %zu\n", two.size());
}

int main() {
  two.map(std::vector{0, 1, 2}, hello_from);
}
