#pragma once

// The main of a stress suite:
//
//   <room>_stress [SEEDS [FIRST [PROGRAM]]]
//
// runs as many seeds, from FIRST on; one line tells the seed that failed.
// GREENROOM_LOG=warning shows what the library says of it.

#include "stress/dice.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string_view>

namespace stress {

using namespace greenroom;

struct program_kind {
  std::string_view called;
  void (*run)(dice&);
};

inline void run_seed(long seed, const program_kind& kind, dice& random) {
  const auto fail = [&](const char* what) {
    std::printf("seed %ld (%s): %s\n", seed, kind.called.data(), what);
    std::fflush(stdout);
    std::_Exit(EXIT_FAILURE); // greenlets may be left in a broken program
  };
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
