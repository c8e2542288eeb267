#pragma once

#include <greenroom/hub/address.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/pooled.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/mailbox/distant_read.hpp>
#include <greenroom/mailbox/result_state.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <utility>

namespace greenroom {

/// What a result can take over from a greenlet that keeps its own.
template <class Value>
concept linkable_value =
    std::is_void_v<Value> || std::copy_constructible<Value>;

/// A value, or an exception, that arrives later; waited for by any number of
/// greenlets, of any hub. Copies refer to the same result.
///
/// Ownership  Shared by its copies. The value lives on the hub that the result
///            was made on, its home, and is copied, moved and destroyed there,
///            but for the way to and from other hubs.
/// Thread     Any may copy, move and drop it, set it, wait for it, and ask
///            whether it is ready. From elsewhere `set` is a message to home,
///            and `get`, `take` and `wait` are answered from there; `exception`
///            and `watchers` are for home.
/// Waits      `get`, `take` and `wait`, until it is ready; all are woken,
///            oldest first. Elsewhere they wait even if it is ready, for the
///            answer to come, which holds off `loop_exit` there. At home it
///            takes a `work_guard` to wait for another thread without
///            anything else to do.
/// Errors     `get` rethrows the exception set; `errc::timed_out` when its
///            deadline passed; `errc::destroyed` when the last copy, or the
///            home hub, went while it waited. What copying the value throws,
///            `get` throws, wherever it was copied.
/// Source     gevent.event.AsyncResult; GEVENT.md 1.3. A second `set`
///            overwrites, and a value wins over an exception.
///
///     async_result<int> answer;
///     std::jthread other([=]() mutable { answer.set(42); });
///     const work_guard outside;      // it is another thread that sets it
///     int value = answer.get();
template <class Value>
class async_result {
  struct nothing {};
  using stored = std::conditional_t<std::is_void_v<Value>, nothing, Value>;

public:
  async_result();
  async_result(const async_result& other);
  async_result(async_result&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)) {}
  async_result& operator=(async_result other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~async_result();

  /// Elsewhere it takes effect when home sees to it; what moving the value
  /// there throws then fails the result. Nothing happens when home has ended.
  void set(stored value) requires(!std::is_void_v<Value>) {
    set_stored(std::move(value));
  }
  void set() requires std::is_void_v<Value> { set_stored({}); }
  /// `error` must not be null.
  void set_exception(std::exception_ptr error);

  /// Fails it with `why` unless it is ready, and lets go of it, as a move
  /// does: for one who was to set it and cannot. Allocates nothing elsewhere.
  void abandon(errc why) noexcept;

  /// As a link: takes over what became of a greenlet.
  ///
  ///     g.link(answer);       // copies what `g` returns or throws
  void operator()(greenlet_base& ended) requires linkable_value<Value>;

  /// A value or an exception has been set.
  bool ready() const { return state_->ready(); }
  bool successful() const { return state_->successful(); }
  /// What was set, if it was an exception. At home only.
  std::exception_ptr exception() const {
    state_->check_readable("async_result::exception");
    return successful() ? nullptr : state_->error();
  }

  /// Waits until ready; false when `until` passed.
  bool wait(deadline until = {}) const {
    if (ready()) return true;
    if (state_->is_here()) [[likely]]
      return reader{*state_}.from.wait(until);
    return fetch<readiness>(until, "async_result::wait") != nullptr;
  }

  /// Waits until ready, then returns the value or throws the exception.
  Value get(deadline until = {}) const {
    if (!state_->is_here()) [[unlikely]]
      return get_from_home(until);
    const reader keep{*state_};
    [[maybe_unused]] stored& value = keep.from.read(until, "async_result::get");
    if constexpr (!std::is_void_v<Value>) return value;
  }

  /// As `get` for a result nobody else reads: the value is moved out.
  stored take(deadline until = {}) requires(!std::is_void_v<Value>) {
    if (!state_->is_here()) [[unlikely]]
      return std::move(
          *fetch_in_time<taken>(until, "async_result::take")->item);
    const reader keep{*state_};
    return std::move(keep.from.read(until, "async_result::take"));
  }

  /// Who is woken when it becomes ready, for `greenroom::wait` and `select`.
  /// At home only.
  wait_list& watchers() const { return state_->watchers(); }

  /// For actors: names who is to set it; nobody, who may be anybody.
  void owed_by(result_debtor who) const { state_->owed_by(who); }
  /// For those who wait for several: what they all have.
  const result_state& any_state() const { return *state_; }

  friend bool operator==(const async_result&, const async_result&) = default;

  /// A handle of one who stays at home, and need not look. It may be dropped
  /// when home has ended, by what was abandoned there.
  class at_home;

private:
  struct state;
  struct reader;
  struct message;
  struct readiness;
  struct copied;
  struct taken;

  struct drop_call {
    void operator()(distant_read* call) const { call->drop_reference(); }
  };
  template <class Call>
  using call_pointer = std::unique_ptr<Call, drop_call>;

  void set_stored(stored&& value) {
    if (state_->is_here()) [[likely]]
      state_->set(std::move(value));
    else
      send(std::move(value));
  }
  void send(stored&& value);
  Value get_from_home(deadline until) const;
  /// Null when `until` passed.
  template <class Call>
  call_pointer<Call> fetch(deadline until, const char* what) const;
  template <class Call>
  call_pointer<Call> fetch_in_time(deadline until, const char* what) const;

  state* state_;
};

// --- what is inside ---------------------------------------------------------

template <class Value>
struct async_result<Value>::state final : result_state, remote_task, pooled {
  void set(stored&& item) {
    try {
      value.emplace(std::move(item));
    } catch (...) { // the value it had is gone
      if (ready()) fail_for_want_of_value(std::current_exception());
      throw;
    }
    became(result_outcome::value);
    tell_distant();
  }

  /// For one who cannot be told that it failed.
  void set_or_fail(stored&& item) {
    try {
      set(std::move(item));
    } catch (...) {
      if (!ready()) set_exception(std::current_exception());
    }
  }

  void set_exception(std::exception_ptr error) {
    fail(std::move(error));
    tell_distant();
  }

  void tell_distant() {
    if (has_distant()) [[unlikely]]
      serve_and_keep();
  }

  [[gnu::noinline]] void serve_and_keep() {
    const reader kept{*this};
    serve_distant();
  }

  stored& read(deadline until, const char* what) {
    if (!ready() && !wait(until)) throw_error(errc::timed_out, what);
    return contents();
  }

  stored& contents() {
    if (!value) std::rethrow_exception(error());
    return *value;
  }

  // --- its life -------------------------------------------------------------

  void keep() { ++readers_; }
  void leave() {
    if (--readers_ == 0 && handles() == 0) delete this;
  }

  [[gnu::always_inline]] void drop_handle() noexcept {
    if (is_here()) [[likely]]
      drop_at_home();
    else
      drop_elsewhere();
  }

  void drop_at_home() noexcept {
    if (!was_last()) return;
    if (is_waited_for()) [[unlikely]]
      end_waited_for();
    else
      delete this;
  }

  [[gnu::noinline]] void end_waited_for() noexcept {
    const reader kept{*this};
    give_up();
  }

  [[gnu::noinline]] void drop_elsewhere() noexcept {
    if (!note_drop()) return;
    run = [](remote_task& self) { static_cast<state&>(self).end_noted(); };
    drop = [](remote_task& self) { static_cast<state&>(self).end_stranded(); };
    const hub_address to = home(); // this may be gone once it is sent
    if (!to.post(*this)) end_stranded();
  }

  void end_noted() {
    const reader kept{*this};
    const bool last = take_off_noted();
    if (ready()) serve_distant(); // as it may have failed by that
    if (last) give_up();
  }

  void end_stranded() noexcept {
    if (take_off_stranded()) delete this;
  }

  std::optional<stored> value;
};

template <class Value>
class async_result<Value>::at_home {
public:
  /// `shared` is at home.
  explicit at_home(const async_result& shared) : state_(shared.state_) {
    state_->count_copy_at_home();
  }
  at_home(const at_home&) = delete;
  at_home& operator=(const at_home&) = delete;
  ~at_home() { state_->drop_handle(); }

  bool ready() const { return state_->ready(); }
  void set(stored value) requires(!std::is_void_v<Value>) {
    state_->set(std::move(value));
  }
  void set() requires std::is_void_v<Value> { state_->set({}); }
  void set_exception(std::exception_ptr error) {
    state_->set_exception(std::move(error));
  }
  void abandon(errc why) noexcept {
    if (state_->is_here()) state_->set_exception(result_state::failure(why));
  }

private:
  state* const state_;
};

/// Keeps the state for the time of a call at home, for the copy it was called
/// on may go meanwhile.
template <class Value>
struct async_result<Value>::reader {
  explicit reader(state& read) : from(read) { from.keep(); }
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;
  ~reader() { from.leave(); }
  state& from;
};

template <class Value>
struct async_result<Value>::message : distant_read, pooled {
  explicit message(const async_result& read) : result(read) {}

  result_state& target() override { return *result.state_; }
  void arrive() override {
    const reader keep{*result.state_};
    enter(keep.from); // after which the message may be gone
  }

  async_result result;
};

template <class Value>
struct async_result<Value>::readiness final : message {
  using message::message;
  void load(result_state&) override {}
};

template <class Value>
struct async_result<Value>::copied final : message {
  using message::message;
  void load(result_state& from) override {
    item.emplace(std::as_const(static_cast<state&>(from).contents()));
  }
  std::optional<stored> item;
};

template <class Value>
struct async_result<Value>::taken final : message {
  using message::message;
  void load(result_state& from) override {
    item.emplace(std::move(static_cast<state&>(from).contents()));
  }
  std::optional<stored> item;
};

// A reply needs each of these once; what is rare in them is out of line.
template <class Value>
[[gnu::always_inline]] inline async_result<Value>::async_result()
    : state_(new state) {
}

template <class Value>
async_result<Value>::async_result(const async_result& other)
    : state_(other.state_) {
  state_->count_copy();
}

template <class Value>
async_result<Value>::~async_result() {
  if (state_) state_->drop_handle();
}

template <class Value>
[[gnu::noinline]] void async_result<Value>::send(stored&& value) {
  post_to(state_->home(), [to = *this, item = std::move(value)]() mutable {
    to.state_->set_or_fail(std::move(item));
  });
}

template <class Value>
void async_result<Value>::set_exception(std::exception_ptr error) {
  if (!error) throw std::invalid_argument("async_result: no exception to set");
  if (state_->is_here()) [[likely]]
    return state_->set_exception(std::move(error));
  post_to(state_->home(), [to = *this, error = std::move(error)] {
    to.state_->set_exception(error);
  });
}

template <class Value>
void async_result<Value>::abandon(errc why) noexcept {
  const async_result gone = std::move(*this);
  if (!gone.state_ || gone.ready()) return;
  if (gone.state_->is_here())
    gone.state_->set_exception(result_state::failure(why));
  else
    gone.state_->leave_unanswered(why); // its drop tells home
}

template <class Value>
void async_result<Value>::operator()(greenlet_base& ended) requires
    linkable_value<Value> {
  if (const auto error = result_state::failure_of(ended))
    return set_exception(error);
  if constexpr (std::is_void_v<Value>) {
    set();
  } else {
    const auto* source = dynamic_cast<greenlet_with_result<Value>*>(&ended);
    if (!source || !source->value())
      return set_exception(result_state::other_type(ended));
    try {
      set(*source->value());
    } catch (...) {
      set_exception(std::current_exception());
    }
  }
}

template <class Value>
template <class Call>
auto async_result<Value>::fetch(deadline until, const char* what) const
    -> call_pointer<Call> {
  call_pointer<Call> call{new Call{*this}};
  for (;;) // `*this` may be gone after the first round
    switch (call->travel(until, what)) {
    case distant_read::end::served:
      return call;
    case distant_read::end::timed_out:
      return nullptr;
    case distant_read::end::try_again:
      call.reset(new Call{call->result});
      break;
    case distant_read::end::stranded:
      if (!call->result.ready()) throw_error(errc::destroyed, what);
      call->load_stranded();
      return call;
    }
}

template <class Value>
template <class Call>
auto async_result<Value>::fetch_in_time(deadline until, const char* what) const
    -> call_pointer<Call> {
  auto call = fetch<Call>(until, what);
  if (!call) throw_error(errc::timed_out, what);
  return call;
}

template <class Value>
Value async_result<Value>::get_from_home(deadline until) const {
  const auto call = fetch_in_time<copied>(until, "async_result::get");
  if constexpr (!std::is_void_v<Value>) return std::move(*call->item);
}

} // namespace greenroom
