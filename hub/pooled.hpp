#pragma once

#include <cstddef>
#include <new>

namespace greenroom {

/// Memory for small objects that come and go at every message: envelopes,
/// results. Freed blocks wait in per-thread lists for the next of their size;
/// a thread that frees more than it makes gives them on, 512 at a time, to
/// those that make more.
///
/// Thread     Any; a block may be freed on another thread than it came from.
/// Errors     `std::bad_alloc`.
/// Cost       A few nanoseconds; no atomics. In sanitizer builds plain
///            new and delete, so that misuse is found.
void* pooled_new(std::size_t bytes);
void pooled_delete(void* block, std::size_t bytes) noexcept;

/// Derive from it to have a class's objects made there; those that need a
/// larger alignment than usual come from the heap.
///
///     struct envelope : pooled { ... };
struct pooled {
  static void* operator new(std::size_t bytes) { return pooled_new(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept {
    pooled_delete(block, bytes);
  }
  static void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return ::operator new(bytes, alignment);
  }
  static void operator delete(void* block, std::size_t,
                              std::align_val_t alignment) noexcept {
    ::operator delete(block, alignment);
  }
};

} // namespace greenroom
