#include "monitor.hpp"

#include "registry.hpp"

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>

#include <cxxabi.h>
#include <execinfo.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

/// What the blocked thread writes down about itself, in a signal handler.
struct stack_sample {
  std::array<void*, 64> frames{};
  int depth = 0;
  std::array<char, 128> name{};
  std::atomic<bool> taken{false};
};

stack_sample sample;

int sampling_signal() {
  return SIGRTMIN + 5;
}

void take_sample(int) {
  const int error = errno;
  if (const hub* here = hub::current_if_any())
    here->running_name(sample.name.data(), sample.name.size());
  sample.depth =
      backtrace(sample.frames.data(), static_cast<int>(sample.frames.size()));
  sample.taken.store(true, std::memory_order_release);
  errno = error;
}

/// "  main(+0x1234) [0x...]" with the C++ name made readable.
std::string readable(const char* frame) {
  std::string line = frame;
  const auto begin = line.find('(');
  const auto end = line.find('+', begin);
  if (begin == std::string::npos || end == std::string::npos) return line;
  int status = 0;
  const std::string symbol = line.substr(begin + 1, end - begin - 1);
  const std::unique_ptr<char, void (*)(void*)> name{
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status),
      std::free};
  return status == 0 ? line.replace(begin + 1, symbol.size(), name.get())
                     : line;
}

void report(hub& blocked, std::chrono::duration<double> time) {
  sample.taken.store(false);
  const auto process = static_cast<pid_t>(getpid());
  if (syscall(SYS_tgkill, process, blocked.thread_id(), sampling_signal()) != 0)
    return;
  for (int i = 0; i < 1000 && !sample.taken.load(std::memory_order_acquire);
       ++i)
    std::this_thread::sleep_for(1ms);
  if (!sample.taken.load(std::memory_order_acquire))
    return; // it blocks signals, too
  std::string text = "greenlet '" + std::string(sample.name.data()) +
                     "' has not given way for " + std::to_string(time.count()) +
                     " s:";
  const std::unique_ptr<char*, void (*)(void*)> lines{
      backtrace_symbols(sample.frames.data(), sample.depth), std::free};
  for (int i = 0; lines && i < sample.depth; ++i)
    text += "\n  " + readable(lines.get()[i]);
  log_warning(text);
}

/// What was last seen of one hub.
struct sighting {
  std::uint64_t turns = 0;
  std::chrono::steady_clock::time_point since;
  bool reported = false;
};

struct watch {
  std::chrono::duration<double> limit;
  std::unordered_map<hub*, sighting> seen;

  /// Between two looks that show the same turn, nobody gave way.
  void look_at(hub& watched) {
    const auto time = std::chrono::steady_clock::now();
    const std::uint64_t turns = watched.switches();
    auto [entry, fresh] = seen.try_emplace(&watched);
    sighting& last = entry->second;
    if (fresh || last.turns != turns || watched.is_asleep()) {
      last = {turns, time, false};
    } else if (!last.reported && time - last.since > limit) {
      report(watched, time - last.since);
      last.reported = true;
    }
  }
};

void run_monitor(double seconds) {
  watch watching{std::chrono::duration<double>(seconds), {}};
  const std::chrono::duration<double> pause{std::max(seconds / 4, 0.001)};
  for (;;) {
    std::this_thread::sleep_for(pause);
    for_each_hub(
        [](hub& each, void* argument) {
          static_cast<watch*>(argument)->look_at(each);
        },
        &watching);
  }
}

} // namespace

void start_monitor_if_asked() {
  static std::once_flag once;
  std::call_once(once, [] {
    const char* text = std::getenv("GREENROOM_MAX_BLOCKING_TIME");
    if (!text) return;
    char* end = nullptr;
    const double seconds = std::strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds > 0)) {
      log_warning("GREENROOM_MAX_BLOCKING_TIME is not a number of seconds: " +
                  std::string(text));
      return;
    }
    std::array<void*, 1> warm_up{};
    backtrace(warm_up.data(), 1); // loads what a handler may not load
    struct sigaction action {};
    action.sa_handler = take_sample;
    action.sa_flags = SA_RESTART | SA_ONSTACK; // a greenlet's may be small
    sigemptyset(&action.sa_mask);
    sigaction(sampling_signal(), &action, nullptr);
    std::thread(run_monitor, seconds).detach();
  });
}

} // namespace greenroom
