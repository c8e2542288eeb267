#include "harness.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/wait.hpp>

#include <boost/context/detail/fcontext.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {
namespace {

using namespace greenroom;
namespace context = boost::context::detail;

double resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  double all = 0;
  double resident = 0;
  if (!(statm >> all >> resident)) throw std::runtime_error("no /proc");
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// What `make(count)` adds to the resident set, for each.
template <class Make>
figure bytes_each(long count, Make&& make) {
  const double before = resident_bytes();
  make(count);
  return {(resident_bytes() - before) / static_cast<double>(count)};
}

double available_bytes() {
  std::ifstream info{"/proc/meminfo"};
  for (std::string word; info >> word;)
    if (double kib = 0; word == "MemAvailable:" && info >> kib)
      return kib * 1024;
  return std::numeric_limits<double>::max();
}

#ifdef __SANITIZE_THREAD__
constexpr double most_parked = 4000; // each is a thread to ThreadSanitizer
#else
constexpr double most_parked = 1'000'000;
#endif

/// A million; fewer where half the memory would not hold that many pages.
long as_many_pages(const setting& how) {
  const double fit = std::min(most_parked, available_bytes() / 2 / 5000);
  return std::min(how(1'000'000), static_cast<long>(fit));
}

// --- actors ---------------------------------------------------------------

struct nudge {};

class resting : public actor<nudge> {
public:
  explicit resting(long& handled) : handled_(handled) {}

private:
  void receive(nudge) override { ++handled_; }
  long& handled_;
};

/// Each has handled a message; nobody keeps a reference.
figure idle_actors(const setting& how) {
  long handled = 0;
  const auto make = [&handled](long count) {
    for (long i = 0; i < count; ++i) {
      spawn<resting>(handled).send(nudge{});
      if (i % 1000 == 0) greenroom::yield();
    }
    greenroom::yield();
  };
  make(1000); // the hub, its tables and pools
  const long count = how(1'000'000);
  const figure done = bytes_each(count, make);
  if (handled != count + 1000) throw std::logic_error("an actor did not run");
  return done;
}

/// The least an object with a virtual function, an inbox and a place in the
/// ready queue can be.
struct bare_actor {
  virtual ~bare_actor() = default;
  void* oldest = nullptr;
  void* newest = nullptr;
  void* next_ready = nullptr;
  long* handled = nullptr;
};

figure bare_actors(const setting& how) {
  return bytes_each(how(1'000'000), [](long count) {
    for (long i = 0; i < count; ++i)
      keep(new bare_actor);
  });
}

// --- greenlets ------------------------------------------------------------

figure parked_greenlets(const setting& how) {
  wait_list never;
  long parked = 0;
  const auto make = [&](long count) {
    for (long i = 0; i < count; ++i) {
      spawn([&] {
        ++parked;
        never.wait(deadline::never(), "the end of the run", nullptr);
      });
      if (i % 1000 == 0) greenroom::yield();
    }
    greenroom::yield();
  };
  make(1000);
  const long count = as_many_pages(how);
  const figure done = bytes_each(count, make);
  if (parked != count + 1000) throw std::logic_error("a greenlet did not run");
  return done;
}

figure parked_contexts(const setting& how) {
  constexpr std::size_t size = 256 * 1024; // bytes, as ours
  return bytes_each(as_many_pages(how), [](long count) {
    auto* stacks = static_cast<char*>(mmap(
        nullptr, static_cast<std::size_t>(count) * size, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (stacks == MAP_FAILED) throw std::bad_alloc();
    // Or the kernel may give each stack a page of 2 MiB.
    madvise(stacks, static_cast<std::size_t>(count) * size, MADV_NOHUGEPAGE);
    for (long i = 1; i <= count; ++i)
      keep(context::jump_fcontext(
          context::make_fcontext(stacks + static_cast<std::size_t>(i) * size,
                                 size,
                                 [](context::transfer_t from) {
                                   context::jump_fcontext(from.fctx, nullptr);
                                 }),
          nullptr));
  });
}

} // namespace

std::vector<row> memory_rows() {
  return {
      {"idle_actor_bytes",
       "bytes RSS, of a million",
       {goal_kind::value, 200},
       &idle_actors,
       {{"bare object of 40 bytes", &bare_actors}}},
      {"parked_greenlet_bytes",
       "bytes RSS, of a million",
       {goal_kind::value, 4600},
       &parked_greenlets,
       {{"parked fcontext", &parked_contexts}}},
  };
}

} // namespace bench
