#pragma once

#include <cstddef>
#include <optional>
#include <utility>

namespace greenroom {

class greenlet_base;
class local_base;

/// One greenlet's value of one `local`; in a list of each.
struct local_value {
  local_value(local_base& of, greenlet_base& in);
  local_value(const local_value&) = delete;
  local_value& operator=(const local_value&) = delete;
  virtual ~local_value();
  void take_off() noexcept;

  local_base& variable;
  greenlet_base& owner;
  local_value* next_of_greenlet;
  local_value* previous_of_variable = nullptr;
  local_value* next_of_variable;
  bool listed = true;
};

/// The untyped part of `local`.
class local_base {
public:
  local_base() = default;
  local_base(const local_base&) = delete;
  local_base& operator=(const local_base&) = delete;

protected:
  ~local_base();
  /// The current greenlet's value, or null.
  local_value* find() const;
  static void drop(local_value* value) noexcept;

private:
  friend class greenlet_base;
  friend struct local_value;
  local_value* first_ = nullptr;
};

/// A variable of which every greenlet has its own; what `thread_local` is to
/// threads. (`thread_local` itself is shared by all greenlets of a hub.)
///
/// Ownership  Owns the values: each ends with its greenlet, or with this.
/// Thread     Its hub's thread.
/// Waits      Never.
/// Errors     Reading an unset one makes a `Value{}`; `get_if` tells. Inside
///            a hub callback there is no greenlet: `wait_refused`.
/// Cost       A walk over the greenlet's own locals: meant for a few.
/// Source     gevent.local.
///
///     local<int> depth;
///     *depth = 1;                                  // this greenlet's
///     spawn([&] { assert(!depth.get_if()); });     // not that one's
template <class Value>
class local : public local_base {
public:
  /// This greenlet's value, made by `Value{}` when it has none.
  Value& operator*() {
    if (Value* present = get_if()) return *present;
    return emplace();
  }
  Value* operator->() { return &**this; }

  /// This greenlet's value, or null when it was never set.
  Value* get_if() const {
    auto* found = static_cast<holder*>(find());
    return found ? &found->value : nullptr;
  }

  template <class... Arguments>
  Value& emplace(Arguments&&... arguments);

  void reset() { drop(find()); }

private:
  struct holder : local_value {
    template <class... Arguments>
    holder(local_base& of, greenlet_base& in, Arguments&&... arguments)
        : local_value(of, in), value(std::forward<Arguments>(arguments)...) {}
    Value value;
  };
};

/// The greenlet that locals belong to now.
greenlet_base& local_owner();

template <class Value>
template <class... Arguments>
Value& local<Value>::emplace(Arguments&&... arguments) {
  reset();
  auto* made =
      new holder(*this, local_owner(), std::forward<Arguments>(arguments)...);
  return made->value;
}

} // namespace greenroom
