#pragma once

// Children, and what they may leave behind.

#include "hub/support.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/io/process.hpp>

#include <sys/types.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <string>

namespace test {

using greenroom::process;
using greenroom::process_options;
using greenroom::signal_target;
using greenroom::stdio;

inline std::string read_to_end(greenroom::stream& from) {
  std::string text;
  std::array<char, 4096> part;
  while (const std::size_t bytes = from.read_some(part, 20s))
    text.append(part.data(), bytes);
  return text;
}

/// A shell that runs `script`.
inline process shell(const std::string& script, process_options options = {}) {
  return process{"sh", {"-c", script}, options};
}

/// What `script` prints.
inline std::string printed(const std::string& script,
                           process_options options = {}) {
  options.output = stdio::pipe;
  return shell(script, options).communicate({}, 20s).output;
}

/// Neither running nor a zombie.
inline bool has_no_children() {
  return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

/// Waits for what the loop reaps.
inline bool all_reaped() {
  for (int i = 0; i < 5000; ++i) {
    siginfo_t found{};
    if (::waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT) != 0)
      return errno == ECHILD;
    greenroom::sleep(1ms);
  }
  return false;
}

} // namespace test
