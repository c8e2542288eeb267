// In the long run queues and channels do not allocate: not when they go up and
// down, not when greenlets wait.

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/channel.hpp>
#include <greenroom/mailbox/lifo_queue.hpp>
#include <greenroom/mailbox/priority_queue.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

std::size_t allocations = 0;

} // namespace

// Not inlined: g++ would see one half of a pair and call it mismatched.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* made = std::malloc(bytes)) return made;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* freed) noexcept {
  std::free(freed);
}
[[gnu::noinline]] void operator delete(void* freed, std::size_t) noexcept {
  std::free(freed);
}

using namespace greenroom;

namespace {

bool failed = false;

/// A few rounds warm up: a thousand items lie in one block more or less.
template <class Round>
void allocates_nothing(const char* what, Round round) {
  for (int i = 0; i < 5; ++i)
    round();
  const std::size_t before = allocations;
  for (int i = 0; i < 10; ++i)
    round();
  if (allocations == before) return;
  std::printf("%s: %zu allocations\n", what, allocations - before);
  failed = true;
}

template <class Queue>
void goes_up_and_down(const char* what) {
  Queue numbers;
  allocates_nothing(what, [&] {
    for (long i = 0; i < 1000; ++i)
      numbers.put(i);
    for (int i = 0; i < 1000; ++i)
      numbers.get();
  });
}

template <class Passage>
void passes_on(const char* what) {
  Passage numbers;
  const auto putter = spawn([&] {
    for (long i = 0;; ++i)
      numbers.put(i);
  });
  allocates_nothing(what, [&] {
    for (int i = 0; i < 1000; ++i)
      numbers.get();
  });
  putter.kill();
}

struct narrow_queue : queue<long> {
  narrow_queue() : queue(3) {}
};

} // namespace

int main() {
  spawn([] {
    goes_up_and_down<queue<long>>("queue");
    goes_up_and_down<lifo_queue<long>>("lifo_queue");
    goes_up_and_down<priority_queue<long>>("priority_queue");
    passes_on<narrow_queue>("bounded queue");
    passes_on<channel<long>>("channel");
  }).get();
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#else

int main() {
} // a sanitizer allocates as it likes

#endif
