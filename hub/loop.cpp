#include "loop.hpp"

#include <greenroom/hub/log.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace greenroom {
namespace {

int make_eventfd() {
  const int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor < 0)
    throw std::system_error(errno, std::system_category(), "hub: eventfd");
  return descriptor;
}

} // namespace

hub::loop::loop() : event_(context, make_eventfd()) {
  // Watching the eventfd must not count as outside work, or nothing would
  // ever be a deadlock: the count is put right by hand. It touches zero on
  // the way, which stops the context.
  const auto executor = context.get_executor();
  watch();
  executor.on_work_finished();
}

void hub::loop::watch() {
  event_.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [this](const asio::error_code& error) {
        if (error) return;
        std::uint64_t count;
        while (read(event_.native_handle(), &count, sizeof count) > 0) {
        }
        watch();
      });
}

void hub::loop::wake_up() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] auto written =
      write(event_.native_handle(), &one, sizeof one);
}

void hub::loop::wake_at(std::uint64_t when) {
  if (when >= armed_for_ && when != UINT64_MAX)
    return; // wakes early; that only costs a turn
  if (when == armed_for_) return;
  armed_for_ = when;
  ++arming_;
  if (when == UINT64_MAX) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(steady_time(std::chrono::nanoseconds(when)));
  timer_.async_wait([this, arming = arming_](const asio::error_code&) {
    if (arming == arming_) armed_for_ = UINT64_MAX;
  });
}

/// An exception out of a handler ends that handler only.
template <class Run>
std::size_t hub::loop::guarded(Run&& run) {
  try {
    return run();
  } catch (...) {
    log_error("a handler on the hub threw " +
              describe(std::current_exception()));
    return 1;
  }
}

int hub::loop::poll(int most) {
  go_on();
  int done = 0;
  while (done < most && guarded([&] { return context.poll_one(); }) > 0)
    ++done;
  return done;
}

/// Work that ends on another thread stops the context a moment later, and by
/// then there may be new work: that is seen by trying again.
bool hub::loop::run_one() {
  for (int attempts = 0; attempts < 3; ++attempts) {
    go_on();
    if (guarded([&] { return context.run_one(); }) > 0) return true;
  }
  return false;
}

bool hub::loop::has_work() {
  wake_at(UINT64_MAX);
  poll(64);
  return !context.stopped();
}

/// The context stops whenever its last operation has ended.
void hub::loop::go_on() {
  if (context.stopped()) context.restart();
}

} // namespace greenroom
