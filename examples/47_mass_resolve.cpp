// Teaches: looking up many names, ten at a time, each within two seconds. The
//          system's resolver blocks its thread; here it is one of a pool, and
//          those who ask for the same name at once share one lookup.
// Run:     build/dev/bin/47_mass_resolve [NAME...]
// Prints:  expected/47_mass_resolve.txt, without names

#include <greenroom/actors/pool.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/resolve.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

std::string look_up(const std::string& name) {
  std::error_code failed;
  // Virtual time would not wait for a thread of the pool.
  const bool real = hub::current().clock() == clock_kind::real;
  const deadline until = real ? deadline{2s} : deadline::never();
  const auto found = resolve(name, until, failed, ip_family::v4);
  return name + ": " + (failed ? failed.message() : found.front());
}

int main(int argc, char** argv) {
  std::vector<std::string> names(argv + 1, argv + argc);
  if (names.empty()) names = {"localhost", "127.0.0.1", "localhost"};
  pool lookups{10};
  for (const std::string& line : lookups.imap(names, look_up))
    std::puts(line.c_str());
}
