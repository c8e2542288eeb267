#include <greenroom/hub/nursery.hpp>

#include <greenroom/hub/hub.hpp>

#include <vector>

namespace greenroom {

/// Where waiting is refused, children would outlive what they refer to.
nursery_scope::nursery_scope() : stop_body_(std::chrono::nanoseconds::zero()) {
  hub::current().check_wait("nursery");
  stop_body_.attach();
}

nursery_scope::child::child(nursery_scope& scope, any_greenlet greenlet)
    : greenlet_link(&child_ended), owner(scope), target(std::move(greenlet)) {
}

void nursery_scope::add(any_greenlet greenlet) {
  child& added = children_.emplace_back(*this, std::move(greenlet));
  added.place = std::prev(children_.end());
  added.target->add_link(added);
  if (ending_) added.target->kill_soon();
}

void nursery_scope::child_ended(greenlet_link& link, greenlet_base& ended) {
  auto& self = static_cast<child&>(link);
  nursery_scope& scope = self.owner;
  const std::exception_ptr error = ended.exception();
  scope.children_.erase(self.place); // `self` is gone
  if (error && !scope.ending_ && !scope.first_error_) {
    scope.first_error_ = error;
    scope.stop_body_.expire_now(error);
  }
  scope.ends_.wake_all();
}

/// Looks for an error itself: a body that caught it, or that runs in a shield,
/// is not thrown out of its wait.
void nursery_scope::join_children() {
  while (!children_.empty() && !first_error_)
    ends_.wait_turn(deadline::never(), "nursery", this);
  if (first_error_) std::rethrow_exception(first_error_);
}

/// Kills what is left and waits for it, whatever else is pending.
void nursery_scope::end_children() {
  ending_ = true;
  stop_body_.cancel();
  const shield guard;
  std::vector<any_greenlet> left;
  for (const child& each : children_)
    left.push_back(each.target);
  for (const any_greenlet& each : left)
    each.kill_soon();
  try {
    join_killed();
  } catch (const loop_exit&) { // they refused, and now wait for ever
    for (const any_greenlet& each : left)
      each->kill_brutally();
    // A second one ends the program: they must not outlive this.
    [this]() noexcept { join_killed(); }();
  }
}

void nursery_scope::join_killed() {
  while (!children_.empty())
    ends_.wait_turn(deadline::never(), "nursery", this);
}

} // namespace greenroom
