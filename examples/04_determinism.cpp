// Teaches: greenlets are deterministic: the same greenlets with the same input
//          run in the same order, every time. OS threads are not.
// Run:     build/dev/bin/04_determinism
// Prints:  expected/04_determinism.txt; what OS threads did goes to standard
//          error, since nobody can promise it

#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

/// In which order ten greenlets finish.
std::vector<int> run_greenlets() {
  std::vector<int> order; // no lock: one greenlet runs at a time
  std::vector<any_greenlet> all;
  for (int i = 0; i < 10; ++i)
    all.push_back(spawn([&order, i] {
      sleep(1ms);
      order.push_back(i);
    }));
  joinall(all);
  return order;
}

/// In which order ten OS threads finish.
std::vector<int> run_threads() {
  std::mutex lock;
  std::vector<int> order; // guarded by lock
  std::vector<std::jthread> all;
  for (int i = 0; i < 10; ++i)
    all.emplace_back([&lock, &order, i] {
      std::this_thread::sleep_for(1ms);
      const std::lock_guard held{lock};
      order.push_back(i);
    });
  all.clear(); // joins
  return order;
}

/// Whether four runs finish in the same order.
const char* same_four_times(std::vector<int> (*run)()) {
  const std::vector<int> first = run();
  bool same = true;
  for (int i = 0; i < 3; ++i)
    same = run() == first && same;
  return same ? "True" : "False";
}

int main() {
  std::fprintf(stderr, "OS threads: %s\n", same_four_times(run_threads));
  std::printf("%s\n", same_four_times(run_greenlets));
}
