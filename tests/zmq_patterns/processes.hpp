#pragma once

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/process.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

/// This program, several times over, with these arguments.
class processes {
public:
  processes(std::vector<std::string> arguments, std::size_t count)
      : arguments_(std::move(arguments)) {
    for (std::size_t i = 0; i < count; ++i)
      all_.push_back(start());
  }

  /// Kills one and starts another, or freezes it for longer than it is taken to
  /// be alive; then leaves them alone for a while.
  void disturb(std::mt19937& random) {
    using std::chrono::milliseconds;
    auto& victim = all_[random() % all_.size()];
    if (random() % 2 == 0) {
      victim->kill();
      victim = start();
    } else {
      victim->send_signal(SIGSTOP);
      greenroom::sleep(milliseconds(150));
      victim->send_signal(SIGCONT);
    }
    greenroom::sleep(milliseconds(random() % 60));
  }

private:
  std::unique_ptr<greenroom::process> start() const {
    return std::make_unique<greenroom::process>("/proc/self/exe", arguments_);
  }

  std::vector<std::string> arguments_;
  std::vector<std::unique_ptr<greenroom::process>> all_;
};
