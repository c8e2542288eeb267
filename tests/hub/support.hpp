#pragma once

// What the tests share: a hub of their own for each body, the log as text,
// and time as the hub sees it.

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/wait.hpp>

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace test {

/// Keeps what is logged while it lives, "level: text" a line, off the
/// terminal.
class captured_log {
public:
  captured_log() {
    spdlog::drop("greenroom");
    auto logger = std::make_shared<spdlog::logger>(
        "greenroom", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
    logger->set_pattern("%l: %v");
    logger->set_level(spdlog::level::debug);
    spdlog::register_logger(std::move(logger));
    active = this;
  }
  captured_log(const captured_log&) = delete;
  captured_log& operator=(const captured_log&) = delete;
  ~captured_log() {
    spdlog::drop("greenroom");
    active = nullptr;
  }

  std::string text() const { return text_.str(); }
  bool has(const std::string& part) const {
    return text().find(part) != std::string::npos;
  }
  /// How often `part` was logged.
  int count(const std::string& part) const {
    int found = 0;
    const std::string all = text();
    for (auto at = all.find(part); at != std::string::npos;
         at = all.find(part, at + part.size()))
      ++found;
    return found;
  }

  static inline captured_log* active = nullptr;

private:
  std::ostringstream text_;
};

enum class leftovers { refused, allowed };

/// Runs `body` as the main greenlet of a fresh thread's hub and carries its
/// exception home. Fails when a greenlet is left alive, unless that is
/// allowed.
template <std::invocable Body>
void in_hub_on(greenroom::clock_kind clock, Body&& body,
               leftovers left = leftovers::refused) {
  std::optional<captured_log> quiet;
  if (!captured_log::active) quiet.emplace();
  std::exception_ptr error;
  std::thread thread([&] {
    try {
      auto& here = greenroom::hub::current();
      here.use_clock(clock);
      body();
      greenroom::idle();
      if (left == leftovers::refused)
        CHECK_MESSAGE(here.greenlets() == 1, here.listing());
    } catch (...) {
      error = std::current_exception();
    }
  });
  thread.join();
  if (error) std::rethrow_exception(error);
}

/// On the virtual clock: no test waits for real.
template <std::invocable Body>
void in_hub(Body&& body, leftovers left = leftovers::refused) {
  in_hub_on(greenroom::clock_kind::virtual_time, std::forward<Body>(body),
            left);
}

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
