#pragma once

// Workers of a pool that write down what they do.

#include "hub/support.hpp"

#include <greenroom/actors/actor_pool.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace test {

using namespace greenroom;
using namespace std::chrono_literals;

/// Takes its time; the answer is the number.
struct task {
  using reply = int;
  int number = 0;
  std::chrono::nanoseconds time{0};
};
struct crash {
  using reply = int;
};
struct mark {};
/// Something done by a worker.
struct errand {
  std::function<void()> function;
};

/// What all workers of a pool write to.
struct record {
  std::vector<int> begun;
  std::vector<int> done;
  int marks = 0;
  int starts = 0;
  int stops = 0;
  int alive = 0;
  std::function<void()> at_start;
};

class worker : public actor<task, crash, mark, errand> {
public:
  explicit worker(record& all) : all_(all) { ++all_.alive; }
  ~worker() override { --all_.alive; }

private:
  void on_start() override {
    if (all_.at_start) all_.at_start();
    ++all_.starts;
  }
  void on_stop(const exit_reason&) override { ++all_.stops; }
  int receive(task message) override {
    all_.begun.push_back(message.number);
    if (message.time > 0s) sleep(message.time);
    all_.done.push_back(message.number);
    return message.number;
  }
  int receive(crash) override { throw std::runtime_error("crash"); }
  void receive(mark) override { ++all_.marks; }
  void receive(errand message) override { message.function(); }

  record& all_;
};

using pool_of_workers = actor_pool<worker>;
using numbers = std::vector<int>;

inline numbers up_to(int count) {
  numbers all;
  for (int i = 0; i < count; ++i)
    all.push_back(i);
  return all;
}

} // namespace test
