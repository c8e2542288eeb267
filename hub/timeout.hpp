#pragma once

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timer.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

namespace greenroom {

class timeout;

/// What a `timeout` throws. Not a `std::exception`: a handler written for
/// ordinary errors must not swallow somebody else's limit.
class timeout_expired {
public:
  timeout_expired(const timeout& source, std::chrono::nanoseconds limit)
      : source_(&source), limit_(limit) {}

  /// Whether `limit` threw it; nested limits are told apart by identity.
  bool is_from(const timeout& limit) const { return source_ == &limit; }
  std::chrono::nanoseconds limit() const { return limit_; }
  /// "2 seconds".
  std::string text() const;

private:
  const timeout* source_; // compared, never dereferenced
  std::chrono::nanoseconds limit_;
};

/// What a timeout may throw.
template <class Type>
concept timeout_reason = !std::same_as<std::decay_t<Type>, timeout>;

/// A limit on everything the current greenlet does until it is cancelled.
/// When the time is up, `timeout_expired` is thrown at the greenlet's waiting
/// call, now or next; never in a `shield`, never during unwinding, and never
/// ahead of data that is due in the same turn.
///
/// Ownership  Belongs to the frame that made it; its end cancels it. The
///            greenlet it was started in may end first.
/// Thread     Its hub's thread.
/// Waits      Never.
/// Errors     `errc::already_started` for a second `start`.
/// Source     gevent.Timeout; GEVENT.md 1.8.
///
///     timeout limit{5s};
///     limit.start();
///     try { fetch(); } catch (const timeout_expired& e) {
///       if (!e.is_from(limit)) throw;
///     }
class timeout {
public:
  /// Not started. A limit of zero expires at the hub's next turn.
  explicit timeout(std::chrono::nanoseconds limit);

  /// Throws a copy of `reason` instead of `timeout_expired`.
  template <timeout_reason Exception>
  timeout(std::chrono::nanoseconds limit, Exception&& reason) : timeout(limit) {
    reason_ = std::make_exception_ptr(std::forward<Exception>(reason));
  }

  timeout(const timeout&) = delete;
  timeout& operator=(const timeout&) = delete;
  ~timeout() { cancel(); }

  /// Counts from now, for the current greenlet. After `cancel` or expiry it
  /// may be started again.
  void start();

  /// Also withdraws an expiry that has not been thrown yet.
  void cancel();

  /// Started, and neither cancelled nor thrown.
  bool pending() const { return owner_ != nullptr; }

  /// Silent form: runs `function` under this limit; false when the limit
  /// ended it. Other limits pass through.
  template <std::invocable Function>
  bool run(Function&& function);

  /// What it throws. For `with_timeout` and `run`.
  bool threw(const timeout_expired& caught) const {
    return caught.is_from(*this);
  }

private:
  friend class greenlet_base;
  friend class nursery_scope;

  struct alarm : timer {
    explicit alarm(timeout& target);
    timeout& owner;
  };

  /// Without a time: `expire_now` throws `reason` at the next waiting call.
  void attach();
  void expire_now(std::exception_ptr reason);
  static void expire(timer& fired);
  [[noreturn]] void deliver();
  void leave_owner();

  const std::chrono::nanoseconds limit_;
  std::exception_ptr reason_;
  alarm alarm_;
  greenlet_base* owner_ = nullptr; // while pending
  timeout* previous_ = nullptr;    // among the owner's, newest first
  timeout* next_ = nullptr;
  std::uint64_t expired_ = 0; // order of expiry; 0: not yet
};

/// A started `timeout` for the rest of a scope.
///
///     timeout_scope limit{5s};
///     connection.handshake();     // throws timeout_expired after 5 s
class [[nodiscard]] timeout_scope : public timeout {
public:
  explicit timeout_scope(std::chrono::nanoseconds limit) : timeout(limit) {
    start();
  }
  template <class Exception>
  timeout_scope(std::chrono::nanoseconds limit, Exception&& reason)
      : timeout(limit, std::forward<Exception>(reason)) {
    start();
  }
};

/// While it lives, kills and timeouts of this greenlet stay pending; they are
/// thrown at the first waiting call after it.
class [[nodiscard]] shield {
public:
  shield();
  shield(const shield&) = delete;
  shield& operator=(const shield&) = delete;
  ~shield();

private:
  greenlet_base& protected_;
};

/// Calls `function` and returns its result. Throws `timeout_expired` when it
/// takes longer than `limit`.
template <std::invocable Function>
auto with_timeout(std::chrono::nanoseconds limit, Function&& function) {
  timeout_scope scope{limit};
  return std::forward<Function>(function)();
}

/// As above, and returns `fallback` instead of throwing; only for its own
/// limit, those around it pass through.
template <std::invocable Function, class Fallback>
std::invoke_result_t<Function> with_timeout(std::chrono::nanoseconds limit,
                                            Function&& function,
                                            Fallback&& fallback) {
  timeout_scope scope{limit};
  try {
    return std::forward<Function>(function)();
  } catch (const timeout_expired& caught) {
    if (!caught.is_from(scope)) throw;
  }
  return std::forward<Fallback>(fallback);
}

template <std::invocable Function>
bool timeout::run(Function&& function) {
  struct canceller {
    timeout& limit;
    ~canceller() { limit.cancel(); }
  };
  start();
  const canceller at_end{*this};
  try {
    std::forward<Function>(function)();
  } catch (const timeout_expired& caught) {
    if (!caught.is_from(*this)) throw;
    return false;
  }
  return true;
}

} // namespace greenroom
