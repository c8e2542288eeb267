#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace greenroom {

struct thread_pool_options {
  std::size_t threads = 10;   ///< at most; each is made when there is work
  std::size_t waiting = 1000; ///< calls that no thread has taken yet, at most
  /// A thread without work for so long ends.
  std::chrono::nanoseconds idle = std::chrono::seconds{5};
  std::string name = "thread pool"; ///< of its threads, for debuggers, too
};

/// Threads for calls that block, or compute for long, which would stop the hub:
/// the caller waits for them as for anything else.
///
/// Ownership  Owns its threads. Its end drops the calls that no thread has
///            taken, whose results fail with `errc::destroyed`, and blocks the
///            thread until those that run have returned: `join` it first.
/// Thread     Any; used by several hubs at once. What is called runs on a
///            thread of the pool, where nothing of a hub may be used.
/// Waits      `apply` for the call, `spawn` for room, `join` for all calls.
/// Errors     What the call throws comes to the caller. `errc::timed_out`;
///            `std::system_error` when there is no thread to be had.
/// Source     gevent's threadpool; GEVENT.md 1.14.
///
///     thread_pool pool{{.threads = 2}};
///     std::string text = pool.apply([&] { return read_whole(path); });
///     async_result<long> sum = pool.spawn([big] { return add_up(big); });
///     thread_pool::shared().apply([] { legacy_library_call(); });
class thread_pool {
public:
  explicit thread_pool(thread_pool_options options = {});
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool();

  /// One for the whole program, which never ends.
  static thread_pool& shared();

  /// Has a thread call `function`, and returns what it returns. It may refer to
  /// the caller's frame: once it runs, its end is waited for, whatever happens,
  /// and a kill or timeout is thrown then. Until it runs, those withdraw it, as
  /// does `until`.
  template <std::invocable Function>
  std::invoke_result_t<Function&> apply(Function function, deadline until = {});

  /// Has a thread call `function`, which must own what it uses: nobody need
  /// wait for it. Waits while too many calls wait, until `until`.
  template <std::invocable Function>
  async_result<std::invoke_result_t<Function&>> spawn(Function function,
                                                      deadline until = {});

  /// Waits until no call runs or waits; false when `until` passed first.
  bool join(deadline until = {});

  std::size_t threads() const; ///< that there are now
  std::size_t running() const; ///< calls
  std::size_t waiting() const; ///< calls that no thread has taken

private:
  struct core;
  struct call {
    virtual ~call() = default;
    virtual void run() noexcept = 0;
    virtual void drop(errc why) noexcept = 0;
  };
  template <class Function, class Result>
  struct call_of;

  // They keep the core, for the pool may end while they wait.
  /// Waits for room; throws `errc::timed_out`.
  static void submit(const std::shared_ptr<core>& to,
                     std::shared_ptr<call> made, deadline until);
  /// False when a thread has taken it.
  static bool withdraw(core& from, const call& submitted);

  std::shared_ptr<core> core_;
};

// --- what is inside ---------------------------------------------------------

template <class Function, class Result>
struct thread_pool::call_of final : call {
  call_of(Function&& called, async_result<Result> done)
      : function(std::move(called)), result(std::move(done)) {}

  void run() noexcept override {
    try {
      if constexpr (std::is_void_v<Result>) {
        std::invoke(*function);
        function.reset(); // before anybody knows
        result.set();
      } else {
        Result value = std::invoke(*function);
        function.reset();
        result.set(std::move(value));
      }
    } catch (...) {
      function.reset();
      result.set_exception(std::current_exception());
    }
    outside.reset();
  }
  void drop(errc why) noexcept override {
    function.reset();
    result.abandon(why);
    outside.reset();
  }

  std::optional<Function> function;
  async_result<Result> result;
  std::optional<work_guard> outside{std::in_place}; // of the caller's hub
};

template <std::invocable Function>
async_result<std::invoke_result_t<Function&>>
thread_pool::spawn(Function function, deadline until) {
  using result = std::invoke_result_t<Function&>;
  static_assert(std::is_void_v<result> || std::is_object_v<result>,
                "thread_pool: the function returns a value, no reference");
  async_result<result> done;
  submit(core_,
         std::make_shared<call_of<Function, result>>(std::move(function), done),
         until);
  return done;
}

template <std::invocable Function>
std::invoke_result_t<Function&> thread_pool::apply(Function function,
                                                   deadline until) {
  using result = std::invoke_result_t<Function&>;
  static_assert(std::is_void_v<result> || std::is_object_v<result>,
                "thread_pool: the function returns a value, no reference");
  async_result<result> done;
  const auto made =
      std::make_shared<call_of<Function, result>>(std::move(function), done);
  const std::shared_ptr<core> kept = core_;
  submit(kept, made, until);
  const auto is_withdrawn = [&] {
    if (withdraw(*kept, *made)) return true;
    const shield guard; // it runs
    done.wait();
    return false;
  };
  bool in_time = false;
  try {
    in_time = done.wait(until);
  } catch (...) {
    is_withdrawn();
    throw;
  }
  if (!in_time && is_withdrawn())
    throw_error(errc::timed_out, "thread_pool::apply");
  if constexpr (std::is_void_v<result>)
    done.get();
  else
    return done.take();
}

} // namespace greenroom
