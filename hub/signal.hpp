#pragma once

#include <csignal>
#include <functional>
#include <initializer_list>

namespace greenroom {

/// What `signals_interrupt_main` throws in the main greenlet. Not a
/// `std::exception`, as Python's KeyboardInterrupt is no Exception.
class interrupted {
public:
  explicit interrupted(int number) : signal_(number) {}
  int signal() const { return signal_; }

private:
  int signal_;
};

/// A running registration made by `on_signal`. Dropping it changes nothing.
class signal_handler {
public:
  explicit signal_handler(int number) : signal_(number) {}
  /// Back to what the signal did before.
  void cancel();

private:
  int signal_;
};

/// From now on each arrival of `number` calls `function` in a fresh greenlet
/// of the current hub, where it may wait. Arrivals while one is pending count
/// as one (POSIX). Replaces an earlier registration.
///
/// Errors     `std::system_error` when the signal cannot be handled. What the
///            function throws ends its greenlet only.
/// Note       A handler alone does not keep the hub from `loop_exit`.
/// Source     gevent.signal_handler.
///
///     on_signal(SIGHUP, [] { reload(); });
signal_handler on_signal(int number, std::function<void()> function);

/// From now on these signals are thrown as `interrupted` at the next waiting
/// call of the current hub's main greenlet.
///
///     signals_interrupt_main();
///     try { server.serve_forever(); } catch (const interrupted&) {}
void signals_interrupt_main(std::initializer_list<int> numbers = {SIGINT,
                                                                  SIGTERM});

} // namespace greenroom
