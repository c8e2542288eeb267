#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace greenroom {

/// The values that a greenlet has of all `tree_local`s. Constant: whoever sets
/// another has another list.
struct tree_values {
  struct entry {
    std::uint64_t variable; // its number: an address could come again
    std::shared_ptr<void> value;
  };
  std::vector<entry> entries;
};

/// The untyped part of `tree_local`.
class tree_local_base {
protected:
  tree_local_base();
  /// The current greenlet's value, or null.
  void* find() const;
  void put(std::shared_ptr<void> value);
  void drop();

private:
  const std::uint64_t number_; // no other variable of the program has it
};

/// A variable that a greenlet hands down to those it makes, and they to
/// theirs: the number of a request, say, that all who work on it log.
///
/// A greenlet has from its making what its maker had of it then; neither sees
/// what the other sets afterwards. `emplace` gives the current greenlet, and
/// those it makes from now on, a value of their own. All that share a value
/// share one object, and see what is written to that.
///
/// Ownership  The greenlets that have a value share it: it ends with the last
///            of them, whatever becomes of the variable. It keeps no greenlet
///            alive.
/// Thread     The variable: any. A value stays on its hub: what is posted or
///            sent to another does not carry it, nor does a message to an
///            actor, which has what its maker had.
/// Waits      Never.
/// Errors     Inside a hub callback there is no greenlet: `wait_refused`, and
///            what is made there has no values.
/// Cost       None before the first value. A greenlet with values has one more
///            allocation; a look is a walk over the variables it has.
/// Source     gevent's Greenlet.spawn_tree_locals.
///
///     tree_local<std::string> request;
///     request.emplace("request 7");
///     spawn([&] { std::puts(request->c_str()); });   // request 7
template <class Value>
class tree_local : private tree_local_base {
public:
  tree_local() = default;
  tree_local(const tree_local&) = delete;
  tree_local& operator=(const tree_local&) = delete;

  /// The value shared here; made by `Value{}`, as by `emplace`, if there is
  /// none.
  Value& operator*() {
    if (Value* present = get_if()) return *present;
    return emplace();
  }
  Value* operator->() { return &**this; }

  /// The value shared here, or null.
  Value* get_if() const { return static_cast<Value*>(find()); }

  /// Gives this greenlet, and those it makes from now on, a value.
  template <class... Arguments>
  Value& emplace(Arguments&&... arguments) {
    auto made = std::make_shared<Value>(std::forward<Arguments>(arguments)...);
    Value& value = *made;
    put(std::move(made));
    return value;
  }

  /// This greenlet has none any more; those it made keep theirs.
  void reset() { drop(); }
};

} // namespace greenroom
