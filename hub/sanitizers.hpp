#pragma once

// Private to the hub room: what ASan, TSan and Valgrind must be told about
// stacks and switches. Everything here is empty in an ordinary build.

#include "fiber.hpp"

#if defined(__has_feature)
#define GREENROOM_HAS_FEATURE(name) __has_feature(name)
#else
#define GREENROOM_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || GREENROOM_HAS_FEATURE(address_sanitizer)
#define GREENROOM_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#else
#define GREENROOM_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || GREENROOM_HAS_FEATURE(thread_sanitizer)
#define GREENROOM_TSAN 1
#include <sanitizer/tsan_interface.h>
#else
#define GREENROOM_TSAN 0
#endif

#if !GREENROOM_ASAN && !GREENROOM_TSAN && __has_include(<valgrind/valgrind.h>)
#define GREENROOM_VALGRIND 1
#include <valgrind/valgrind.h>
#else
#define GREENROOM_VALGRIND 0
#endif

namespace greenroom {

// Parameters are named in comments where only one of the builds uses them.

inline void asan_start_switch([[maybe_unused]] void** keep_fake_stack,
                              [[maybe_unused]] fiber& to) {
#if GREENROOM_ASAN
  __sanitizer_start_switch_fiber(keep_fake_stack, to.asan_bottom, to.asan_size);
#endif
}

inline void asan_finish_switch([[maybe_unused]] fiber& self,
                               [[maybe_unused]] fiber& came_from) {
#if GREENROOM_ASAN
  __sanitizer_finish_switch_fiber(self.asan_fake_stack, &came_from.asan_bottom,
                                  &came_from.asan_size);
#endif
}

inline void tsan_adopt_thread([[maybe_unused]] fiber& running) {
#if GREENROOM_TSAN
  running.tsan_fiber = __tsan_get_current_fiber();
#endif
}

inline void tsan_switch([[maybe_unused]] fiber& to) {
#if GREENROOM_TSAN
  __tsan_switch_to_fiber(to.tsan_fiber, 0);
#endif
}

inline void prepare_sanitizers([[maybe_unused]] fiber& fresh) {
#if GREENROOM_ASAN
  const auto size = static_cast<std::size_t>(fresh.top - fresh.low);
  __asan_unpoison_memory_region(fresh.low, size);
  fresh.asan_fake_stack = nullptr;
  fresh.asan_bottom = fresh.low;
  fresh.asan_size = size;
#endif
#if GREENROOM_TSAN
  if (!fresh.tsan_fiber) fresh.tsan_fiber = __tsan_create_fiber(0);
#endif
}

inline void forget_sanitizers([[maybe_unused]] fiber& finished) {
#if GREENROOM_ASAN
  __asan_unpoison_memory_region(
      finished.low, static_cast<std::size_t>(finished.top - finished.low));
#endif
#if GREENROOM_TSAN
  if (finished.tsan_fiber) __tsan_destroy_fiber(finished.tsan_fiber);
  finished.tsan_fiber = nullptr;
#endif
}

/// A stack that stays behind, suspended, at the end of the program: what only
/// its frames refer to is no leak.
inline void lsan_keep([[maybe_unused]] const void* begin,
                      [[maybe_unused]] std::size_t size) {
#if GREENROOM_ASAN
  __lsan_register_root_region(begin, size);
#endif
}

/// Returns an identity for `valgrind_remove_stack`.
inline unsigned valgrind_add_stack([[maybe_unused]] void* low,
                                   [[maybe_unused]] void* high) {
#if GREENROOM_VALGRIND
  return VALGRIND_STACK_REGISTER(low, high);
#else
  return 0;
#endif
}

inline void valgrind_remove_stack([[maybe_unused]] unsigned identity) {
#if GREENROOM_VALGRIND
  VALGRIND_STACK_DEREGISTER(identity);
#endif
}

} // namespace greenroom
