#include <greenroom/hub/pooled.hpp>

#include "sanitizers.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

namespace greenroom {
namespace {

constexpr std::size_t step = 32;           // bytes between two size classes
constexpr std::size_t classes = 8;         // up to 256 bytes
constexpr std::uint32_t stack_size = 512;  // blocks
constexpr std::uint32_t kept_stacks = 31;  // full ones, a thread and class
constexpr std::uint32_t depot_stacks = 32; // a class

/// A free block. The first of a full stack is the one that knows the next.
struct block {
  block* next;
  block* next_stack;
};

/// Full stacks of one size class that a thread had too many of, for those that
/// have none: so a block that was made on one thread and freed on another
/// comes back, for a lock every `stack_size` blocks.
class depot {
public:
  /// False when it is full.
  bool give(block* stack) noexcept {
    const std::lock_guard held{lock_};
    const std::uint32_t count = count_.load(std::memory_order_relaxed);
    if (count == depot_stacks) return false;
    stack->next_stack = std::exchange(first_, stack);
    count_.store(count + 1, std::memory_order_relaxed);
    return true;
  }
  /// Null when it is empty, as it is in most programs.
  block* take() noexcept {
    if (count_.load(std::memory_order_relaxed) == 0) return nullptr;
    const std::lock_guard held{lock_};
    block* const stack = first_;
    if (!stack) return nullptr;
    first_ = stack->next_stack;
    count_.store(count_.load(std::memory_order_relaxed) - 1,
                 std::memory_order_relaxed);
    return stack;
  }

private:
  std::mutex lock_;
  // Guarded by lock_.
  block* first_ = nullptr;
  std::atomic<std::uint32_t> count_{0}; // read without it, as a hint
};

depot& depot_of(std::size_t which) {
  static auto* all = new std::array<depot, classes>; // outlives every thread
  return (*all)[which];
}

struct free_list {
  block* first = nullptr; // the stack in use
  std::uint32_t count = 0;
  std::uint32_t full_count = 0;
  block* full = nullptr; // other stacks, all full
};

struct thread_lists {
  std::array<free_list, classes> blocks{};
  std::uint32_t keep = 0; // stack_size; 0 before first use and at the end
};

constinit thread_local thread_lists lists{};

void delete_stack(block* first) noexcept {
  while (first)
    ::operator delete(std::exchange(first, first->next));
}

/// Gives the thread's blocks back at its end.
struct cleaner {
  cleaner() { lists.keep = stack_size; }
  ~cleaner() {
    lists.keep = 0;
    for (free_list& each : lists.blocks) {
      delete_stack(std::exchange(each.first, nullptr));
      while (block* stack = each.full) {
        each.full = stack->next_stack;
        delete_stack(stack);
      }
    }
  }
};

/// Whether the thread has lists: from its first need of them to its end.
bool has_lists() {
  static thread_local const cleaner at_end;
  return lists.keep > 0;
}

constexpr bool bypass = GREENROOM_ASAN || GREENROOM_TSAN;

/// Nothing is left of the stack in use.
[[gnu::noinline]] void* new_from_next_stack(free_list& blocks,
                                            std::size_t which) {
  block* stack = blocks.full;
  if (stack) {
    blocks.full = stack->next_stack;
    --blocks.full_count;
  } else if (has_lists()) {
    stack = depot_of(which).take();
  }
  if (!stack) return ::operator new((which + 1) * step);
  blocks.first = stack->next;
  blocks.count = stack_size - 1;
  return stack;
}

void keep(free_list& blocks, void* freed) noexcept {
  blocks.first = new (freed) block{blocks.first, nullptr};
  ++blocks.count;
}

/// The stack in use is full, or the thread has none yet, or no more.
[[gnu::noinline]] void delete_or_keep_first(free_list& blocks,
                                            std::size_t which,
                                            void* freed) noexcept {
  if (!has_lists()) return ::operator delete(freed);
  if (blocks.count == stack_size) {
    block* const stack = std::exchange(blocks.first, nullptr);
    blocks.count = 0;
    if (blocks.full_count < kept_stacks) {
      stack->next_stack = std::exchange(blocks.full, stack);
      ++blocks.full_count;
    } else if (!depot_of(which).give(stack)) {
      delete_stack(stack);
    }
  }
  keep(blocks, freed);
}

} // namespace

void* pooled_new(std::size_t bytes) {
  const std::size_t which = (bytes - 1) / step;
  if (bypass || which >= classes) return ::operator new(bytes);
  free_list& blocks = lists.blocks[which];
  block* const first = blocks.first;
  if (!first) [[unlikely]]
    return new_from_next_stack(blocks, which);
  blocks.first = first->next;
  --blocks.count;
  return first;
}

void pooled_delete(void* freed, std::size_t bytes) noexcept {
  const std::size_t which = (bytes - 1) / step;
  if (bypass || which >= classes) return ::operator delete(freed);
  free_list& blocks = lists.blocks[which];
  if (blocks.count >= lists.keep) [[unlikely]]
    return delete_or_keep_first(blocks, which, freed);
  keep(blocks, freed);
}

} // namespace greenroom
