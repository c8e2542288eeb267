// Teaches: calls that block or compute for long, on threads of their own, while
//          the greenlets of the hub go on. What such a call refers to may be the
//          caller's: `apply` returns only when it has ended.
// Run:     build/dev/bin/40_thread_pool
// Prints:  expected/40_thread_pool.txt

#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/thread_pool.hpp>

#include <cstdio>
#include <stdexcept>
#include <vector>

using namespace greenroom;

int primes_below(int limit) {
  int found = 0;
  for (int number = 2; number < limit; ++number) {
    bool prime = true;
    for (int divisor = 2; divisor * divisor <= number; ++divisor)
      prime = prime && number % divisor != 0;
    found += prime;
  }
  return found;
}

int main() {
  thread_pool threads{{.threads = 2}};
  bool done = false;
  long turns = 0;
  auto meanwhile = spawn([&] {
    while (!done) {
      ++turns;
      yield();
    }
  });

  const std::vector<int> limits{1000, 10'000, 20'000, 40'000};
  pool callers{4};
  const auto found = callers.map(limits, [&](int limit) {
    return threads.apply([&] { return primes_below(limit); });
  });
  for (std::size_t i = 0; i < limits.size(); ++i)
    std::printf("%d primes below %d\n", found[i], limits[i]);

  done = true;
  meanwhile.join();
  std::puts(turns > 10 ? "and the hub went on meanwhile"
                       : "the hub stood still");

  const auto total = threads.spawn([found] { // owns what it uses
    int sum = 0;
    for (const int each : found)
      sum += each;
    return sum;
  });
  std::printf("%d in all\n", total.get());
  try {
    threads.apply([] { throw std::runtime_error("no such number"); });
  } catch (const std::exception& error) {
    std::printf("what a call throws comes home: %s\n", error.what());
  }
}
