#pragma once

// The one header that shows Asio: any asynchronous operation, ours or a third
// party's, as a call that waits only its own greenlet.

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/wait.hpp>

#include <asio/associated_allocator.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/system_error.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace greenroom {

/// Asio completion token: the operation suspends the current greenlet until
/// it has completed, and returns its result (nothing, a value, or a tuple).
///
/// Thread     The operation must belong to the current hub's `context()`, or
///            complete through its executor.
/// Waits      Until completion. A kill or timeout cancels the operation
///            (terminal cancellation) and is thrown once that has ended, so
///            nothing ever touches a dead frame. If the operation completed
///            all the same, its result is returned and the kill stays pending
///            for the next waiting call: no data is lost.
/// Errors     `asio::system_error`, or with `[ec]` stored there. The deadline
///            of `until` passed: `errc::timed_out`.
/// Note       An operation that knows no cancellation is waited for.
/// Source     asio::use_future and asio::yield_context have the same shape.
///
///     std::size_t n = socket.async_read_some(buffer, use_greenlet);
///     asio::error_code ec;
///     timer.async_wait(use_greenlet[ec].until(2s));
struct use_greenlet_t {
  use_greenlet_t operator[](asio::error_code& stored) const {
    use_greenlet_t token = *this;
    token.error = &stored;
    return token;
  }
  use_greenlet_t until(deadline latest) const {
    use_greenlet_t token = *this;
    token.limit = latest;
    return token;
  }

  asio::error_code* error = nullptr; // null: throw
  deadline limit;
};

inline constexpr use_greenlet_t use_greenlet{};

/// The part of a waited-for operation that does not know its result. Lives
/// in the waiting frame, which stays until the operation has ended.
class operation_base : public wait_record {
public:
  operation_base();

  /// Called by the handler, once, on the hub.
  void complete(asio::error_code error, std::exception_ptr thrown);

  asio::cancellation_slot slot() { return cancellation_.slot(); }
  asio::io_context::executor_type executor() const {
    return home_.context().get_executor();
  }

  /// For the operation's own bookkeeping: in the frame, where it fits.
  void* allocate(std::size_t bytes);
  void deallocate(void* memory) noexcept;

protected:
  /// Throws what is pending, before the operation is begun.
  void begin() { home_.begin_wait(*this); }
  /// Waits for `complete`; then throws or stores what went wrong.
  void finish(const use_greenlet_t& token);

private:
  static void cancel_operation(wait_record& record, wake_cause cause);
  asio::error_code outcome() const;

  hub& home_;
  asio::cancellation_signal cancellation_;
  asio::error_code error_;
  std::exception_ptr thrown_;
  wake_cause cancelled_for_ = wake_cause::none;
  bool done_ = false;
  bool memory_taken_ = false;
  alignas(std::max_align_t) std::array<std::byte, 256> memory_;
};

/// What a call with these completion values returns.
template <class... Values>
struct returned {
  using type = std::tuple<Values...>;
};
template <>
struct returned<> {
  using type = void;
};
template <class Value>
struct returned<Value> {
  using type = Value;
};

template <class... Values>
class operation : public operation_base {
public:
  template <class Initiation, class... Arguments>
  typename returned<Values...>::type run(Initiation&& initiation,
                                         const use_greenlet_t& token,
                                         Arguments&&... arguments);

  void result(Values... values) { values_.emplace(std::move(values)...); }

private:
  std::tuple<Values...> take();

  std::optional<std::tuple<Values...>> values_;
};

/// What Asio calls at completion. Destroyed uncalled (the loop is torn down),
/// it completes with `operation_aborted`. One that was moved from still knows
/// its operation: Asio asks it for the allocator (`work_dispatcher`, 1.22).
template <class... Values>
class operation_handler {
public:
  explicit operation_handler(operation<Values...>& target) : target_(&target) {}
  operation_handler(operation_handler&& other) noexcept
      : target_(other.target_), due_(std::exchange(other.due_, false)) {}
  operation_handler& operator=(operation_handler&&) = delete;
  ~operation_handler() {
    if (due_) target_->complete(asio::error::operation_aborted, {});
  }

  void operator()(asio::error_code error, Values... values) {
    target_->result(std::move(values)...);
    complete(error, {});
  }
  void operator()(std::exception_ptr thrown, Values... values) {
    target_->result(std::move(values)...);
    complete({}, std::move(thrown));
  }
  void operator()(Values... values) requires(
      !std::is_same_v<std::tuple<Values...>, std::tuple<asio::error_code>>) {
    target_->result(std::move(values)...);
    complete({}, {});
  }

  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept {
    return target_->slot();
  }

  using executor_type = asio::io_context::executor_type;
  executor_type get_executor() const noexcept { return target_->executor(); }

  /// Hands out the operation's own memory.
  template <class Type>
  struct allocator {
    using value_type = Type;
    explicit allocator(operation_base& of) : owner(&of) {}
    template <class Other>
    allocator(const allocator<Other>& other) : owner(other.owner) {}
    Type* allocate(std::size_t count) {
      return static_cast<Type*>(owner->allocate(count * sizeof(Type)));
    }
    void deallocate(Type* memory, std::size_t) { owner->deallocate(memory); }
    friend bool operator==(const allocator&, const allocator&) = default;
    operation_base* owner;
  };
  using allocator_type = allocator<std::byte>;
  allocator_type get_allocator() const noexcept {
    return allocator_type{*target_};
  }

private:
  void complete(asio::error_code error, std::exception_ptr thrown) {
    due_ = false;
    target_->complete(error, std::move(thrown));
  }

  operation<Values...>* target_;
  bool due_ = true; // not yet called or moved from
};

template <class... Values>
template <class Initiation, class... Arguments>
typename returned<Values...>::type
operation<Values...>::run(Initiation&& initiation, const use_greenlet_t& token,
                          Arguments&&... arguments) {
  begin();
  std::forward<Initiation>(initiation)(operation_handler<Values...>{*this},
                                       std::forward<Arguments>(arguments)...);
  finish(token);
  if constexpr (sizeof...(Values) == 1)
    return std::get<0>(take());
  else if constexpr (sizeof...(Values) > 1)
    return take();
}

/// The values; where the handler was never called, empty ones.
template <class... Values>
std::tuple<Values...> operation<Values...>::take() {
  if (values_) return std::move(*values_);
  if constexpr ((std::default_initializable<Values> && ...))
    return {};
  else
    throw asio::system_error(asio::error::operation_aborted);
}

/// What Asio asks a token for.
template <class... Values>
struct greenlet_initiation {
  template <class Initiation, class... Arguments>
  static typename returned<std::decay_t<Values>...>::type
  initiate(Initiation&& initiation, const use_greenlet_t& token,
           Arguments&&... arguments) {
    return operation<std::decay_t<Values>...>{}.run(
        std::forward<Initiation>(initiation), token,
        std::forward<Arguments>(arguments)...);
  }
};

} // namespace greenroom

namespace asio {

template <class Result, class... Values>
class async_result<greenroom::use_greenlet_t, Result(error_code, Values...)>
    : public greenroom::greenlet_initiation<Values...> {};

template <class Result, class... Values>
class async_result<greenroom::use_greenlet_t,
                   Result(std::exception_ptr, Values...)>
    : public greenroom::greenlet_initiation<Values...> {};

template <class Result, class... Values>
class async_result<greenroom::use_greenlet_t, Result(Values...)>
    : public greenroom::greenlet_initiation<Values...> {};

} // namespace asio
