#include "stack.hpp"
#include "sanitizers.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <utility>

namespace greenroom {
namespace {

constexpr int guard_install = 102; // MADV_GUARD_INSTALL, newer than our libc
constexpr std::size_t stacks_in_slab = 64;
constexpr std::size_t page = 4096;
// A frame larger than the guard could jump over it; build with
// -fstack-clash-protection to make that impossible.
constexpr std::size_t guard_size = 4 * page;

/// False when no guard of either kind could be had.
bool install_guard(char* low) {
  static bool by_madvise = true;
  if (by_madvise && madvise(low, guard_size, guard_install) == 0) return true;
  by_madvise = false;
  return mprotect(low, guard_size, PROT_NONE) == 0;
}

void warn_unguarded() {
  static std::once_flag once;
  std::call_once(once, [] {
    log_warning("no guard for further stacks (" +
                std::string(std::strerror(errno)) +
                "): raise vm.max_map_count or use Linux 6.13 or newer");
  });
}

/// Spreads the first frames over cache sets: equally aligned stacks would
/// all compete for the same few. Stays within the header's page.
std::size_t colour_of(std::size_t index) {
  return index % 8 * 64;
}

} // namespace

stack_pool::stack_pool(std::size_t size)
    : size_(rounded(size)), stride_(size_ + guard_size) {
}

std::size_t stack_pool::rounded(std::size_t bytes) {
  constexpr std::size_t least = 4 * page;
  constexpr std::size_t most = std::size_t{1} << 32;
  return (std::clamp(bytes, least, most) + page - 1) / page * page;
}

stack_pool::~stack_pool() {
  for (fiber* stack = free_; stack; stack = stack->next)
    forget(*stack);
  if (in_use() > 0) return; // abandoned greenlets: their frames must stay
  for (slab& each : slabs_) {
    for (unsigned identity : each.valgrind)
      valgrind_remove_stack(identity);
    munmap(each.begin, each.bytes);
  }
}

void stack_pool::keep_stacks_in_use() {
  if (in_use() == 0) return;
  for (const slab& each : slabs_)
    for (std::size_t i = 0; i < stacks_in_slab; ++i) // not the guards
      lsan_keep(each.begin + i * stride_ + guard_size, size_);
}

/// The low end of a stack without a header.
char* stack_pool::reserve() {
  if (!cold_.empty()) {
    char* low = cold_.back();
    cold_.pop_back();
    return low;
  }
  if (unused_count_ == 0) add_slab();
  char* low = unused_ + guard_size;
  if (!install_guard(unused_)) warn_unguarded();
  unused_ += stride_;
  --unused_count_;
  ++made_;
  return low;
}

void stack_pool::add_slab() {
  const std::size_t bytes = stride_ * stacks_in_slab;
  void* begin =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (begin == MAP_FAILED) throw std::bad_alloc();
  madvise(begin, bytes, MADV_NOHUGEPAGE);
  slab added{static_cast<char*>(begin), bytes, {}};
  for (std::size_t i = 0; GREENROOM_VALGRIND && i < stacks_in_slab; ++i) {
    char* low = added.begin + i * stride_ + guard_size;
    added.valgrind.push_back(valgrind_add_stack(low, low + size_));
  }
  slabs_.push_back(std::move(added));
  unused_ = static_cast<char*>(begin);
  unused_count_ = stacks_in_slab;
}

fiber& stack_pool::make_fiber(char* low) {
  const std::size_t index = reinterpret_cast<std::uintptr_t>(low) / stride_;
  char* header = low + size_ - sizeof(fiber) - colour_of(index);
  header -= reinterpret_cast<std::uintptr_t>(header) % 64;
  auto* made = new (header) fiber;
  made->pool = this;
  made->low = low;
  made->top = header;
  return *made;
}

void stack_pool::trim(std::size_t keep) {
  if (free_count_ <= keep) return;
  fiber* kept = free_;
  for (std::size_t i = 1; i < keep; ++i)
    kept = kept->next;
  fiber* surplus = keep == 0 ? std::exchange(free_, nullptr)
                             : std::exchange(kept->next, nullptr);
  while (surplus) {
    fiber& stack = *surplus;
    surplus = stack.next;
    forget(stack);
    cold_.push_back(stack.low);
    madvise(stack.low, size_, MADV_DONTNEED);
  }
  free_count_ = keep;
}

bool stack_pool::in_guard(const fiber& stack, const void* address) {
  const auto* at = static_cast<const char*>(address);
  return stack.pool && at < stack.low && at >= stack.low - guard_size;
}

namespace {

struct sigaction previous_handler;

/// Async-signal-safe.
void say(const char* text) {
  [[maybe_unused]] auto written = write(STDERR_FILENO, text, std::strlen(text));
}

void on_fault(int signal, siginfo_t* info, void* ucontext) {
  const hub* here = hub::current_if_any();
  if (here && here->in_stack_guard(info->si_addr)) {
    std::array<char, 128> name{};
    here->running_name(name.data(), name.size());
    say("greenroom: stack overflow in greenlet '");
    say(name.data());
    say("': give it more by spawn_options::stack_size, or use less\n");
    std::abort();
  }
  // Not ours: as if we had never been here.
  if (previous_handler.sa_flags & SA_SIGINFO) {
    previous_handler.sa_sigaction(signal, info, ucontext);
  } else if (previous_handler.sa_handler != SIG_DFL &&
             previous_handler.sa_handler != SIG_IGN) {
    previous_handler.sa_handler(signal);
  } else {
    sigaction(signal, &previous_handler, nullptr); // the fault repeats
  }
}

void install_fault_handler() {
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, &previous_handler);
}

constexpr std::size_t signal_stack_size = 64 * 1024;

} // namespace

overflow_guard::overflow_guard() {
  static std::once_flag once;
  if (GREENROOM_ASAN || GREENROOM_TSAN) return; // they report faults themselves
  std::call_once(once, install_fault_handler);
  stack_t present{};
  if (sigaltstack(nullptr, &present) != 0 || !(present.ss_flags & SS_DISABLE))
    return; // the thread has one
  memory_ = std::malloc(signal_stack_size);
  stack_t own{};
  own.ss_sp = memory_;
  own.ss_size = signal_stack_size;
  if (memory_) sigaltstack(&own, nullptr);
}

overflow_guard::~overflow_guard() {
  if (!memory_) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
  std::free(memory_);
}

} // namespace greenroom
