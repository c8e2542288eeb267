#include <greenroom/hub/pooled.hpp>

#include "sanitizers.hpp"

#include <array>
#include <cstdint>
#include <new>

namespace greenroom {
namespace {

constexpr std::size_t step = 32;          // bytes between two size classes
constexpr std::size_t classes = 8;        // up to 256 bytes
constexpr std::uint32_t kept = 16 * 1024; // blocks a class

struct block {
  block* next;
};

struct free_list {
  block* first = nullptr;
  std::uint32_t count = 0;
};

struct thread_lists {
  std::array<free_list, classes> blocks{};
  std::uint32_t keep = 0; // blocks a class; 0 before first use and at the end
};

constinit thread_local thread_lists lists{};

/// Gives the thread's blocks back at its end.
struct cleaner {
  cleaner() { lists.keep = kept; }
  ~cleaner() {
    lists.keep = 0;
    for (free_list& each : lists.blocks)
      while (block* first = each.first) {
        each.first = first->next;
        ::operator delete(first);
      }
  }
};

/// The list is full, or has no room yet.
bool may_keep(const free_list& blocks) {
  static thread_local const cleaner at_end;
  return blocks.count < lists.keep;
}

constexpr bool bypass = GREENROOM_ASAN || GREENROOM_TSAN;

} // namespace

void* pooled_new(std::size_t bytes) {
  const std::size_t which = (bytes - 1) / step;
  if (bypass || which >= classes) return ::operator new(bytes);
  free_list& blocks = lists.blocks[which];
  block* const first = blocks.first;
  if (!first) [[unlikely]]
    return ::operator new((which + 1) * step);
  blocks.first = first->next;
  --blocks.count;
  return first;
}

namespace {

void keep(free_list& blocks, void* freed) {
  blocks.first = new (freed) block{blocks.first};
  ++blocks.count;
}

/// Out of the way, so that the usual case needs no frame.
[[gnu::noinline]] void delete_or_keep_first(free_list& blocks, void* freed) {
  if (may_keep(blocks))
    keep(blocks, freed);
  else
    ::operator delete(freed);
}

} // namespace

void pooled_delete(void* freed, std::size_t bytes) noexcept {
  const std::size_t which = (bytes - 1) / step;
  if (bypass || which >= classes) return ::operator delete(freed);
  free_list& blocks = lists.blocks[which];
  if (blocks.count >= lists.keep) [[unlikely]]
    return delete_or_keep_first(blocks, freed);
  keep(blocks, freed);
}

} // namespace greenroom
