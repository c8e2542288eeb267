#pragma once

// A thread beside the test's hub, which goes on meanwhile.

#include <greenroom/hub/address.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/wait.hpp>

#include <exception>
#include <thread>
#include <utility>

namespace test {

/// Runs `body` on a thread of its own. `join` waits for its end as a greenlet
/// does, and rethrows what it threw.
class beside {
public:
  template <class Body>
  explicit beside(Body body)
      : thread_([this, body = std::move(body),
                 home = greenroom::hub::current().address()]() mutable {
          try {
            Body own = std::move(body);
            own();
          } catch (...) {
            error_ = std::current_exception();
          }
          greenroom::post_to(home, [this] {
            ended_ = true;
            end_.wake_all();
          });
        }) {}
  beside(const beside&) = delete;
  beside& operator=(const beside&) = delete;
  ~beside() { wait(); }

  void join() {
    wait();
    if (error_) std::rethrow_exception(std::exchange(error_, {}));
  }

private:
  void wait() {
    if (!thread_.joinable()) return;
    const greenroom::work_guard outside;
    while (!ended_)
      end_.wait({}, "beside", nullptr);
    thread_.join();
  }

  bool ended_ = false;
  greenroom::wait_list end_;
  std::exception_ptr error_; // read after the thread's end
  std::thread thread_;       // begins when the rest is there
};

} // namespace test
