#pragma once

// Private to the hub room: where fibers get their stacks.

#include "fiber.hpp"

#include <cstddef>
#include <vector>

namespace greenroom {

/// Stacks of one size for one hub, each above a guard.
///
/// Memory is reserved in slabs and committed by touch. Freed stacks are
/// reused last in, first out, so that the hot ones stay hot; `trim` gives
/// the memory of the others back to the system and keeps their addresses.
/// Guards are made by MADV_GUARD_INSTALL (Linux 6.13), which needs no mapping
/// of its own, so `vm.max_map_count` sets no limit; else by mprotect.
///
/// Ownership  Owns the memory. Slabs with stacks in use outlive the pool.
/// Thread     Its hub's thread only.
/// Errors     `take` throws `std::bad_alloc` when there is no memory.
/// Figures    RUNTIME.md 3: 1.4 us a fresh guarded stack, 2 M of them in 25
///            mappings; mprotect stops near 32 k.
class stack_pool {
public:
  /// `size` is the usable part in bytes; rounded up to whole pages.
  explicit stack_pool(std::size_t size);
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;
  ~stack_pool();

  /// A stack that was put back, with whatever context is suspended on it, or
  /// a new one, whose fiber has no context yet.
  fiber& take() {
    if (!free_) put(make_fiber(reserve()));
    fiber& taken = *free_;
    free_ = taken.next;
    --free_count_;
    return taken;
  }

  /// Takes back a stack that is not running any more.
  void put(fiber& unused) {
    unused.next = free_;
    free_ = &unused;
    ++free_count_;
  }

  bool has_spare() const { return free_ != nullptr; }
  /// Sees to it that the next `take` cannot fail. May throw itself.
  void keep_spare() {
    if (!free_) put(make_fiber(reserve()));
  }

  /// At the end of the thread: what only frames of abandoned greenlets refer
  /// to is no leak.
  void keep_stacks_in_use();

  /// Gives the memory of all but `keep` free stacks back to the system.
  void trim(std::size_t keep);

  std::size_t size() const { return size_; }
  /// The size that a request for `bytes` gets.
  static std::size_t rounded(std::size_t bytes);
  std::size_t in_use() const { return made_ - free_count_ - cold_.size(); }
  std::size_t free_count() const { return free_count_; }

  /// Whether `address` lies in the guard below `stack`.
  static bool in_guard(const fiber& stack, const void* address);

private:
  struct slab {
    char* begin;
    std::size_t bytes;
    std::vector<unsigned> valgrind;
  };

  char* reserve();
  void add_slab();
  fiber& make_fiber(char* low);

  // Constant after construction.
  std::size_t size_;
  std::size_t stride_; // guard and stack

  fiber* free_ = nullptr; // most recently used first
  std::size_t free_count_ = 0;
  std::vector<char*> cold_; // given back to the system, guard still there
  char* unused_ = nullptr;  // in the newest slab
  std::size_t unused_count_ = 0;
  std::size_t made_ = 0;
  std::vector<slab> slabs_;
};

/// Reports a fault in the guard of `running` on this thread's alternate
/// signal stack, naming the greenlet, then aborts. Installed once a process;
/// other faults go to whoever handled SIGSEGV before.
class overflow_guard {
public:
  overflow_guard();
  overflow_guard(const overflow_guard&) = delete;
  overflow_guard& operator=(const overflow_guard&) = delete;
  ~overflow_guard();

private:
  void* memory_ = nullptr;
};

} // namespace greenroom
