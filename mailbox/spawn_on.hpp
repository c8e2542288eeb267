#pragma once

#include <greenroom/hub/address.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace greenroom {

namespace inside {

/// The function on its way to another hub, and the asker's wish for its result.
template <class Function, class Result>
struct errand {
  errand(Function&& what, const async_result<Result>& asked)
      : function(std::move(what)), answer(asked) {}
  errand(errand&&) = default;
  errand& operator=(errand&&) = delete;
  ~errand() {
    if (outside) answer.abandon(errc::dead); // unless it was given
  }

  void run() {
    try {
      if constexpr (std::is_void_v<Result>) {
        function();
        answer.set();
      } else {
        answer.set(function());
      }
    } catch (const greenlet_exit&) {
      answer.abandon(errc::killed);
      throw;
    } catch (...) {
      answer.set_exception(std::current_exception());
    }
    const async_result<Result> given = std::move(answer);
  }

  Function function;
  // Of the asker's hub, which expects the answer.
  std::unique_ptr<work_guard> outside = std::make_unique<work_guard>();
  async_result<Result> answer;
};

} // namespace inside

/// Has a new greenlet of another hub call `function`. Works from a hub or a
/// plain thread, and for one's own hub.
///
/// Ownership  The function moves there, and is destroyed there.
/// Thread     Any.
/// Waits      No. The result does: see `async_result`. Meanwhile there is no
///            `loop_exit` here.
/// Errors     The result fails with what the function throws; with `errc::dead`
///            when that hub has ended, or the greenlet is killed before it
///            begins; with `errc::killed` when it is killed later, by the hub's
///            `shutdown`, say. Not at all when that hub ends and leaves it.
/// Source     Seastar's smp::submit_to; Erlang's spawn/2 on a node.
///
///     async_result<int> sum = spawn_on(hubs[1], [] { return add_up(); });
///     int value = sum.get(5s);
template <std::invocable Function>
auto spawn_on(const hub_address& where, Function function)
    -> async_result<std::invoke_result_t<Function&>> {
  using result = std::invoke_result_t<Function&>;
  async_result<result> answer;
  inside::errand<Function, result> work{std::move(function), answer};
  post_to(where, [work = std::move(work)]() mutable {
    spawn([own = std::move(work)]() mutable { own.run(); });
  });
  return answer;
}

} // namespace greenroom
