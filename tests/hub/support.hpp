#pragma once

// What the tests share: a hub of their own for each body, the log as text,
// and time as the hub sees it.

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/wait.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <concepts>
#include <exception>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace test {

/// Keeps what is logged while it lives, "level: text" a line, off the
/// terminal.
class captured_log {
public:
  captured_log();
  captured_log(const captured_log&) = delete;
  captured_log& operator=(const captured_log&) = delete;
  ~captured_log();

  std::string text() const { return text_.str(); }
  bool has(const std::string& part) const;
  /// How often `part` was logged.
  int count(const std::string& part) const;

  static inline captured_log* active = nullptr;

private:
  std::ostringstream text_;
};

enum class leftovers { refused, allowed };

/// Runs `body` as the main greenlet of a fresh thread's hub and carries its
/// exception home. Fails when a greenlet is left alive, unless that is
/// allowed.
void in_hub_on(greenroom::clock_kind clock, const std::function<void()>& body,
               leftovers left = leftovers::refused);

/// On the virtual clock: no test waits for real.
void in_hub(const std::function<void()>& body,
            leftovers left = leftovers::refused);

/// The hub's time that `function` takes.
template <std::invocable Function>
std::chrono::nanoseconds time_of(Function&& function) {
  const auto begin = greenroom::now();
  std::forward<Function>(function)();
  return greenroom::now() - begin;
}

/// What `function` throws, as text: "std::runtime_error: no luck"; empty when
/// it throws nothing.
template <std::invocable Function>
std::string error_of(Function&& function) {
  try {
    std::forward<Function>(function)();
  } catch (...) {
    return greenroom::describe(std::current_exception());
  }
  return "";
}

inline bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What a task fails with.
struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Appends `mark` at its end: shows that a frame was unwound.
class at_exit {
public:
  at_exit(std::string& trace, std::string mark)
      : trace_(trace), mark_(std::move(mark)) {}
  at_exit(const at_exit&) = delete;
  at_exit& operator=(const at_exit&) = delete;
  ~at_exit() { trace_ += mark_; }

private:
  std::string& trace_;
  std::string mark_;
};

} // namespace test
