#pragma once

// Private to the hub room: the Asio side of the hub.

#include <greenroom/hub/hub.hpp>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include <cstdint>

namespace greenroom {

/// The io_context, the one Asio timer that ends a sleep, and the eventfd by
/// which other threads and signal handlers end it.
struct hub::loop {
  loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  /// Makes sure a blocked loop wakes at `when`; UINT64_MAX for never. Only
  /// moves the Asio timer when the moment is earlier than the one set.
  void wake_at(std::uint64_t when);
  /// Any thread, and signal handlers.
  void wake_up() noexcept;
  /// Runs handlers that are ready, at most `most`; says how many.
  int poll(int most);
  /// Waits for one handler and runs it; false when there is nothing outside
  /// to wait for.
  bool run_one();
  /// Something outside is pending, `wake_at` aside, which is undone. Runs
  /// handlers that are ready.
  bool has_work();

private:
  void watch();
  void go_on();
  template <class Run>
  std::size_t guarded(Run&& run);

public:
  /// One thread runs it and its sockets; others may post.
  asio::io_context context{ASIO_CONCURRENCY_HINT_UNSAFE_IO};

private:
  asio::steady_timer timer_{context};
  asio::posix::stream_descriptor event_;
  std::uint64_t armed_for_ = UINT64_MAX;
  std::uint64_t arming_ = 0; // tells a handler whether its timer was replaced
};

} // namespace greenroom
