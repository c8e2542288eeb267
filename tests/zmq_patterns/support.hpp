#pragma once

// Services of a context of their own.

#include "zmq/support.hpp"

#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace test {

/// Runs beside the test until it is destroyed.
class beside {
public:
  explicit beside(std::function<void()> function)
      : running_(spawn(std::move(function))) {}
  beside(const beside&) = delete;
  beside& operator=(const beside&) = delete;
  ~beside() { end(); }

  void end() { running_->kill(); }
  std::string error() {
    running_->join();
    return error_of([&] {
      if (running_->exception()) std::rethrow_exception(running_->exception());
    });
  }

private:
  greenroom::any_greenlet running_;
};

/// Looks at it again after a while, for at most ten seconds.
inline bool comes_true(const std::function<bool()>& condition) {
  const deadline until{10s};
  while (!condition()) {
    if (deadline{greenroom::now()} > until) return false;
    greenroom::sleep(1ms);
  }
  return true;
}

} // namespace test
