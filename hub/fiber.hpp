#pragma once

// Private to the hub room: the machine side of a greenlet.

#include <cstddef>

namespace greenroom {

class stack_pool;

/// The C++ runtime's per-thread exception state: the exceptions being handled
/// now and the number in flight (`__cxa_eh_globals`, Itanium C++ ABI 2.2.2).
struct exception_state {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

/// A stack and, while it is not running, the machine context suspended on it.
/// It belongs to code that runs or waits, not to an object: see
/// ARCHITECTURE.md, "Borrowed stacks". On a pooled stack this header lies in
/// the page of the first frames.
struct fiber {
  void* context = nullptr; // where to continue, while suspended
  exception_state exceptions;
  int error_number = 0;    // errno
  fiber* target = nullptr; // whom it last switched to
  fiber* next = nullptr;   // in its pool's free list

  // Constant while in use.
  stack_pool* pool = nullptr; // null: a thread's own stack
  char* low = nullptr;        // lowest usable byte of the stack
  char* top = nullptr;        // where the first frame starts
  exception_state* thread_exceptions = nullptr;
  int* thread_error_number = nullptr;
  void (*entry)(void*) = nullptr;
  void* argument = nullptr;

  // For the sanitizers; unused elsewhere.
  void* asan_fake_stack = nullptr;
  const void* asan_bottom = nullptr;
  std::size_t asan_size = 0;
  void* tsan_fiber = nullptr;
};

/// Makes `running` stand for the calling thread's own stack.
void adopt_thread(fiber& running);

/// Prepares `fresh` to call `entry(argument)`, which must not return, at its
/// first switch. Requires `low` and `top` set.
void prepare(fiber& fresh, void (*entry)(void*), void* argument);

/// Suspends `from`, which must be running, and continues `to`. Returns when
/// somebody switches back. Exception state and errno travel with the fiber,
/// so that waiting inside a `catch` block is safe; Debian's Boost.Context
/// does not see to this, and newer ones that do find nothing to change.
void switch_fibers(fiber& from, fiber& to);

/// As `switch_fibers`, when `from` will never be continued.
[[noreturn]] void leave_fiber(fiber& from, fiber& to);

/// Forgets what sanitizers know of a stack that is not running any more.
void forget(fiber& finished);

} // namespace greenroom
