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

constinit thread_local std::array<free_list, classes> free_lists{};

/// Gives the thread's blocks back at its end; touched when one is first kept.
struct cleaner {
  bool active = true;
  ~cleaner() {
    active = false;
    for (free_list& each : free_lists)
      while (block* first = each.first) {
        each.first = first->next;
        ::operator delete(first);
      }
  }
};

bool keeping() {
  static thread_local cleaner at_end;
  return at_end.active;
}

constexpr bool bypass = GREENROOM_ASAN || GREENROOM_TSAN;

} // namespace

void* pooled_new(std::size_t bytes) {
  const std::size_t which = (bytes - 1) / step;
  if (bypass || which >= classes) return ::operator new(bytes);
  free_list& blocks = free_lists[which];
  if (block* first = blocks.first) {
    blocks.first = first->next;
    --blocks.count;
    return first;
  }
  return ::operator new((which + 1) * step);
}

void pooled_delete(void* freed, std::size_t bytes) noexcept {
  const std::size_t which = (bytes - 1) / step;
  if (bypass || which >= classes) {
    ::operator delete(freed);
    return;
  }
  free_list& blocks = free_lists[which];
  if (blocks.count >= kept || (blocks.count == 0 && !keeping())) {
    ::operator delete(freed);
    return;
  }
  blocks.first = new (freed) block{blocks.first};
  ++blocks.count;
}

} // namespace greenroom
