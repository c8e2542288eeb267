#include "fiber.hpp"
#include "sanitizers.hpp"

#include <boost/context/detail/fcontext.hpp>

#include <cerrno>
#include <cstdlib>

namespace __cxxabiv1 {
struct __cxa_eh_globals;
extern "C" __cxa_eh_globals* __cxa_get_globals() noexcept;
} // namespace __cxxabiv1

namespace greenroom {
namespace {

namespace context = boost::context::detail;

void bind_to_thread(fiber& own) {
  own.thread_exceptions =
      reinterpret_cast<exception_state*>(__cxxabiv1::__cxa_get_globals());
  own.thread_error_number = &errno;
}

/// On the stack that continues, `came_from` being whoever switched to it.
inline void arrive(fiber& self, context::transfer_t arrived) {
  auto& came_from = *static_cast<fiber*>(arrived.data);
  came_from.context = arrived.fctx;
  asan_finish_switch(self, came_from);
}

void on_fiber(context::transfer_t arrived) {
#if defined(__x86_64__)
  // Unwinders and debuggers stop here: there is nothing below.
  asm volatile(".cfi_undefined rip");
#endif
  fiber& self = *static_cast<fiber*>(arrived.data)->target;
  arrive(self, arrived);
  self.entry(self.argument);
  std::abort(); // an entry must not return
}

} // namespace

void adopt_thread(fiber& running) {
  bind_to_thread(running);
  tsan_adopt_thread(running);
}

void prepare(fiber& fresh, void (*entry)(void*), void* argument) {
  bind_to_thread(fresh);
  fresh.context = context::make_fcontext(
      fresh.top, static_cast<std::size_t>(fresh.top - fresh.low), on_fiber);
  fresh.exceptions = {};
  fresh.entry = entry;
  fresh.argument = argument;
  prepare_sanitizers(fresh);
}

void switch_fibers(fiber& from, fiber& to) {
  exception_state& exceptions = *from.thread_exceptions;
  from.exceptions = exceptions;
  exceptions = to.exceptions;
  from.error_number = *from.thread_error_number;
  from.target = &to;
  asan_start_switch(&from.asan_fake_stack, to);
  tsan_switch(to);
  arrive(from, context::jump_fcontext(to.context, &from));
  *from.thread_error_number = from.error_number;
}

void leave_fiber(fiber& from, fiber& to) {
  *from.thread_exceptions = to.exceptions;
  from.target = &to;
  asan_start_switch(nullptr, to);
  tsan_switch(to);
  context::jump_fcontext(to.context, &from);
  std::abort(); // nobody may continue a fiber that left
}

void forget(fiber& finished) {
  forget_sanitizers(finished);
}

} // namespace greenroom
