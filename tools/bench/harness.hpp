#pragma once

#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// What one run yields.
struct figure {
  double value = 0; // in the row's unit; less is better
  double rate = 0;  // requests per second, for the rows that have any
};

/// How a run is to be done.
struct setting {
  bool quick = false;
  int cpu = -1;       // where the measured code runs; -1: anywhere
  int other_cpu = -1; // where a load client runs

  /// `full`, or a hundredth of it with --quick.
  long operator()(long full) const {
    return quick ? full / 100 + (full < 100) : full;
  }
};

using work = figure (*)(const setting&);

struct yardstick {
  const char* what;
  work run;
};

enum class goal_kind : char {
  none,
  value, // at most, in the row's unit
  ratio  // at most, of the first yardstick
};

struct goal {
  goal_kind kind = goal_kind::none;
  double limit = 0;
};

/// One line of the table.
struct row {
  const char* name;
  const char* unit;
  goal aim;
  work ours;
  std::vector<yardstick> beside; // the ratio is to the first
};

std::vector<row> actor_rows();
std::vector<row> pool_rows();
std::vector<row> program_rows();
std::vector<row> micro_rows();
std::vector<row> queue_rows();
std::vector<row> sync_rows();
std::vector<row> memory_rows();
std::vector<row> echo_rows();
std::vector<row> file_rows();
std::vector<row> hub_rows();
std::vector<row> inproc_rows();
std::vector<row> zmq_rows(); // where libzmq is

/// A row after its runs.
struct outcome {
  struct series {
    std::vector<figure> runs;
    bool empty() const { return runs.empty(); }
    figure median() const;
    double least() const;
    double most() const;
  };

  bool failed() const;
  double ratio() const; // 0: there is no yardstick
  /// How far above the goal: 1 or less is within it.
  double of_goal() const;

  const row* of;
  series ours;
  std::vector<series> beside;
};

/// Runs a row `runs` times, its yardsticks in between, each in a process of
/// its own so that none finds the heap or the caches of another.
outcome measure(const row& each, const setting& how, int runs);

void print_head(std::FILE* to);
void print(std::FILE* to, const outcome& done);
std::string json(const std::vector<outcome>& all);

// --- for the rows ---------------------------------------------------------

/// Keeps the compiler from computing less than it is told.
template <class Value>
void keep(const Value& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

/// CPU time of this thread, so that a neighbour on the machine does not
/// count. What is measured by it must never sleep.
double cpu_nanoseconds();

template <class Function>
double nanoseconds(Function&& function) {
  const double begin = cpu_nanoseconds();
  std::forward<Function>(function)();
  return cpu_nanoseconds() - begin;
}

/// Wall time of `function`, which does `count` things, for where several
/// threads work at it.
template <class Function>
figure wall_of(long count, Function&& function) {
  const auto begin = std::chrono::steady_clock::now();
  std::forward<Function>(function)();
  const std::chrono::duration<double, std::nano> took =
      std::chrono::steady_clock::now() - begin;
  return {took.count() / static_cast<double>(count),
          static_cast<double>(count) * 1e9 / took.count()};
}

/// Nanoseconds for each of `count` repetitions, which `function(count)` does;
/// a tenth of them first, to warm up.
template <class Function>
figure each_of(long count, Function&& function) {
  function(count / 10 + 1);
  return {nanoseconds([&] { function(count); }) / static_cast<double>(count)};
}

/// The same inside a greenlet.
template <class Function>
figure each_in_greenlet(long count, Function&& function) {
  return greenroom::spawn([&] { return each_of(count, function); }).get();
}

void pin_to(int cpu);

} // namespace bench
