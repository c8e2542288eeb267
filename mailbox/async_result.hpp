#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/pooled.hpp>
#include <greenroom/hub/wait.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

namespace greenroom {

/// The part of an `async_result` that does not know its value.
class result_state {
public:
  result_state() = default;
  result_state(const result_state&) = delete;
  result_state& operator=(const result_state&) = delete;

  bool ready() const { return ready_; }
  std::exception_ptr error() const { return error_; }
  bool wait(deadline until);
  void fail(std::exception_ptr error);
  wait_list& watchers() { return waiters_; }

protected:
  ~result_state() = default;
  void became_ready();
  /// Nobody is left who could set it.
  void give_up();

private:
  wait_list waiters_;
  std::exception_ptr error_;
  bool ready_ = false;
};

/// A value, or an exception, that arrives later; waited for by any number of
/// greenlets. Copies refer to the same result.
///
/// Ownership  Shared by its copies.
/// Thread     Its hub's thread only.
/// Waits      `get` and `wait`, until it is ready; all are woken, oldest
///            first.
/// Errors     `get` rethrows the exception set; `errc::timed_out` when its
///            deadline passed; `errc::destroyed` when the last copy went while
///            it waited.
/// Source     gevent.event.AsyncResult; GEVENT.md 1.3. A second `set`
///            overwrites, and a value wins over an exception.
///
///     async_result<int> answer;
///     spawn([=]() mutable { sleep(3s); answer.set(42); });
///     int value = answer.get();
template <class Value>
class async_result {
  struct nothing {};
  using stored = std::conditional_t<std::is_void_v<Value>, nothing, Value>;

public:
  async_result() : state_(new state) {}
  async_result(const async_result& other) : state_(other.state_) {
    ++state_->copies;
  }
  async_result(async_result&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)) {}
  async_result& operator=(async_result other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~async_result() {
    if (state_) state_->drop_copy();
  }

  void set(stored value) requires(!std::is_void_v<Value>) {
    state_->set(std::move(value));
  }
  void set() requires std::is_void_v<Value> { state_->set({}); }
  /// `error` must not be null.
  void set_exception(std::exception_ptr error) {
    state_->fail(std::move(error));
  }

  /// A value or an exception has been set.
  bool ready() const { return state_->ready(); }
  bool successful() const { return state_->value.has_value(); }
  /// What was set, if it was an exception.
  std::exception_ptr exception() const {
    return successful() ? nullptr : state_->error();
  }

  /// Waits until ready; false when `until` passed.
  bool wait(deadline until = {}) const {
    return ready() || reader{*state_}.from.wait(until);
  }

  /// Waits until ready, then returns the value or throws the exception.
  Value get(deadline until = {}) const {
    const reader keep{*state_};
    [[maybe_unused]] stored& value = keep.from.read(until, "async_result::get");
    if constexpr (!std::is_void_v<Value>) return value;
  }

  /// As `get` for a result nobody else reads: the value is moved out.
  stored take(deadline until = {}) requires(!std::is_void_v<Value>) {
    const reader keep{*state_};
    return std::move(keep.from.read(until, "async_result::take"));
  }

  /// Who is woken when it becomes ready, for `greenroom::wait` and `select`.
  wait_list& watchers() const { return state_->watchers(); }

  friend bool operator==(const async_result&, const async_result&) = default;

private:
  struct state final : result_state, pooled {
    void set(stored&& item) {
      try {
        value.emplace(std::move(item));
      } catch (...) { // the value it had is gone
        if (ready()) fail(std::current_exception());
        throw;
      }
      became_ready();
    }

    stored& read(deadline until, const char* what) {
      if (!ready() && !wait(until)) throw_error(errc::timed_out, what);
      if (!value) std::rethrow_exception(error());
      return *value;
    }

    void drop_copy() {
      if (--copies > 0) return;
      if (readers > 0)
        give_up();
      else
        delete this;
    }

    std::optional<stored> value;
    std::uint32_t copies = 1;
    std::uint32_t readers = 0; // in a call; the last to go deletes it
  };

  /// Keeps the state for the time of a call, for the copy it was called on
  /// may go meanwhile.
  struct reader {
    explicit reader(state& read) : from(read) { ++from.readers; }
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;
    ~reader() {
      if (--from.readers == 0 && from.copies == 0) delete &from;
    }
    state& from;
  };

  state* state_;
};

} // namespace greenroom
