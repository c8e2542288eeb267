#pragma once

#include <greenroom/io/thread_pool.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <latch>
#include <vector>

namespace test {

/// Keeps every thread of the shared pool busy.
class busy_pool {
public:
  busy_pool() {
    for (int i = 0; i < 10; ++i)
      calls_.push_back(
          greenroom::thread_pool::shared().spawn([this] { end_.wait(); }));
  }
  busy_pool(const busy_pool&) = delete;
  busy_pool& operator=(const busy_pool&) = delete;
  ~busy_pool() {
    end_.count_down();
    for (const auto& each : calls_)
      each.wait();
  }

private:
  std::latch end_{1};
  std::vector<greenroom::async_result<void>> calls_;
};

} // namespace test
