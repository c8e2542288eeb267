#pragma once

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/hub/wait.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <list>
#include <type_traits>
#include <utility>

namespace greenroom {

/// The children of one `nursery` call.
///
/// Thread     Its hub's thread.
class nursery_scope {
public:
  nursery_scope();
  nursery_scope(const nursery_scope&) = delete;
  nursery_scope& operator=(const nursery_scope&) = delete;

  /// As `greenroom::spawn`; the child ends before the nursery does.
  template <class... Arguments, callable_with<Arguments...> Function>
  auto spawn(Function&& function, Arguments&&... arguments) {
    return spawn(spawn_options{}, std::forward<Function>(function),
                 std::forward<Arguments>(arguments)...);
  }

  template <class Function, class... Arguments>
  auto spawn(spawn_options options, Function&& function,
             Arguments&&... arguments) {
    auto spawned =
        greenroom::spawn(std::move(options), std::forward<Function>(function),
                         std::forward<Arguments>(arguments)...);
    add(spawned);
    return spawned;
  }

  /// Children that have not ended.
  std::size_t size() const { return children_.size(); }

private:
  template <std::invocable<nursery_scope&> Body>
  friend void nursery(Body&& body);

  struct child : greenlet_link {
    child(nursery_scope& scope, any_greenlet greenlet);
    nursery_scope& owner;
    any_greenlet target;
    std::list<child>::iterator place;
  };

  void add(any_greenlet greenlet);
  static void child_ended(greenlet_link& link, greenlet_base& ended);
  void join_children();
  void end_children();
  void join_killed();

  std::list<child> children_; // oldest first
  wait_list ends_;
  std::exception_ptr first_error_; // of the child that failed first
  timeout stop_body_;              // without a time: expires when a child fails
  bool ending_ = false;
};

/// Runs `body`, which spawns children through its argument, and returns when
/// it and all of them have ended: no child outlives the call. When the body
/// or a child fails, or the caller is killed, the other children are killed,
/// and the first error is thrown here.
///
/// Waits      For all children; also while an error is on its way out. Where
///            waiting is refused it throws `wait_refused` before `body`.
/// Source     Trio's nurseries; gevent#1697.
///
///     nursery([&](nursery_scope& children) {
///       children.spawn(fetch, first);
///       children.spawn(fetch, second);
///     });                              // both are done here, or it threw
template <std::invocable<nursery_scope&> Body>
void nursery(Body&& body) {
  nursery_scope children;
  try {
    std::forward<Body>(body)(children);
    children.join_children();
  } catch (const greenlet_exit&) {
    children.end_children();
    throw;
  } catch (...) {
    children.end_children();
    if (children.first_error_) std::rethrow_exception(children.first_error_);
    throw;
  }
}

} // namespace greenroom
