#pragma once

// The main of a stress suite:
//
//   <room>_stress [SEEDS [FIRST [PROGRAM]]]
//
// runs as many seeds, from FIRST on; one line tells the seed that failed, also
// when it crashed or did not end.
// GREENROOM_LOG=warning shows what the library says of it.

#include "stress/dice.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string_view>

#include <unistd.h>

namespace stress {

using namespace greenroom;

struct program_kind {
  std::string_view called;
  void (*run)(dice&);
};

inline volatile std::sig_atomic_t seed_at_hand = 0;

/// A seed that crashes, or takes a minute.
inline void tell_seed(int signal) {
  char text[64];
  const int size = std::snprintf(text, sizeof text, "seed %ld: signal %d\n",
                                 long{seed_at_hand}, signal);
  [[maybe_unused]] const auto written =
      write(STDOUT_FILENO, text, static_cast<std::size_t>(size));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// But for signals that a sanitizer sees to.
inline void tell_seed_at_crash() {
  for (const int each : {SIGABRT, SIGSEGV, SIGALRM})
    if (const auto before = std::signal(each, &tell_seed); before != SIG_DFL)
      std::signal(each, before);
}

inline void run_seed(long seed, const program_kind& kind, dice& random) {
  const auto fail = [&](const char* what) {
    std::printf("seed %ld (%s): %s\n", seed, kind.called.data(), what);
    std::fflush(stdout);
    std::_Exit(EXIT_FAILURE); // greenlets may be left in a broken program
  };
  seed_at_hand = static_cast<std::sig_atomic_t>(seed);
  alarm(60);
  const std::size_t before = hub::current().greenlets();
  try {
    kind.run(random);
    idle();
    check(hub::current().greenlets() == before, "a greenlet is left over");
  } catch (...) {
    fail(describe(std::current_exception()).c_str());
  }
}

inline int run_seeds(int count, char** arguments, long seeds,
                     std::span<const program_kind> kinds) {
  const auto number = [&](int which, long otherwise) {
    return count > which ? std::atol(arguments[which]) : otherwise;
  };
  const std::string_view only = count > 3 ? arguments[3] : "";
  seeds = number(1, seeds);
  const long first = number(2, 1);
  tell_seed_at_crash();
  setenv("GREENROOM_LOG", "off", 0); // what fails here does so on purpose
  hub::current().use_clock(clock_kind::virtual_time);
  for (long seed = first; seed < first + seeds; ++seed) {
    dice random{static_cast<std::uint64_t>(seed)};
    const program_kind& kind = random.one_of(kinds);
    if (only.empty() || kind.called == only) run_seed(seed, kind, random);
  }
  std::printf("%ld seeds\n", seeds);
  return EXIT_SUCCESS;
}

} // namespace stress
