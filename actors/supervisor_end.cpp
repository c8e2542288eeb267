#include "supervisor_core.hpp"

// How a supervisor ends: told to, killed, destroyed, or with its hub.

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/timeout.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace greenroom {

void supervisor_core::stop(exit_reason why) {
  const any_greenlet last = greenlet_;
  stop_soon(std::move(why));
  if (last) last.join();
}

/// The first reason counts. A start that it waits for does not hold it up.
void supervisor_core::stop_soon(exit_reason why) {
  home.check_thread("a supervisor");
  if (!runner_) return;
  if (!told_) told_ = std::move(why);
  if (awaited_) awaited_->abandon(errc::closed);
  order([this] { obey_stop(); });
}

/// In its greenlet.
void supervisor_core::obey_stop() {
  if (!told_) return;
  failure = named() + " was told to stop while it started";
  stop_all(exit_kind::shutdown);
  runner_->exit(*told_);
}

/// In its greenlet, whatever ended it: if it was killed, so are the children.
void supervisor_core::at_end(const exit_reason& why) {
  for (auto each = children.rbegin(); each != children.rend(); ++each) {
    each->detach();
    actor_base* const last = each->actor();
    if (each->alive()) {
      if (last) actor_access::keep_inbox(*last, inbox_keeping::no);
      tell_to_end(*each, exit_kind::killed);
    } else if (last) {
      actor_access::give_up(*last);
    }
    if (!each->alive() || each->state != child_state::stuck)
      each->state = child_state::stopped;
    each->pending = false;
  }
  erase_if([](const child& each) { return each.added_later; });
  reason = why;
  runner_ = nullptr;
  shutdown_.leave();
}

// --- by hub::shutdown -------------------------------------------------------

void supervisor_core::shutdown_link::called(hub_shutdown_link& link,
                                            deadline until) {
  supervisor_core& core = static_cast<shutdown_link&>(link).owner;
  const auto kept = core.shared_from_this();
  const greenlet_base* const caller = core.home.running();
  if (caller && core.has(*caller)) return; // it would wait for itself
  const any_greenlet last = core.greenlet_;
  core.stop_soon(exit_kind::shutdown);
  last.join(until);
}

// --- when it is destroyed ---------------------------------------------------

void supervisor_core::end(std::shared_ptr<supervisor_core> last) noexcept {
  supervisor_core& core = *last;
  if (!core.address_.is_here()) {
    const hub_address home = core.address_;
    (void)post_to(home, [core = std::move(last)] { // if not, nothing runs there
      log_error(core->named() + " was destroyed on another thread than its "
                                "own; it is stopped there");
      spawn([core] { end(core); });
    });
    return;
  }
  core.is_over = true;
  if (!core.has_work()) return;
  const greenlet_base* const caller = core.home.running();
  if (caller && core.has(*caller)) {
    log_error(core.named() + " was destroyed by '" + caller->name() +
              "', which is its own: it is stopped, and not waited for");
    return core.stop_soon(exit_kind::shutdown);
  }
  try {
    core.home.check_wait("~supervisor");
  } catch (const wait_refused& refused) {
    log_error(core.named() +
              " was destroyed where it cannot wait, and its "
              "children are killed: " +
              refused.what());
    return core.end_brutally();
  }
  core.stop_and_wait();
}

/// Something of it is left that may end.
bool supervisor_core::has_work() const {
  return running() ||
         std::any_of(children.begin(), children.end(), [](const child& each) {
           return each.alive() && each.state != child_state::stuck;
         });
}

/// It is one of the greenlets of this tree.
bool supervisor_core::has(const greenlet_base& greenlet) const {
  return &greenlet == runner_ ||
         std::any_of(children.begin(), children.end(), [&](const child& each) {
           return (each.body && &*each.body == &greenlet) ||
                  (each.tree && each.tree->owned_->has(greenlet));
         });
}

void supervisor_core::stop_and_wait() {
  const shield guard;
  const any_greenlet last = greenlet_;
  const auto wait = [&] {
    if (last) last.join();
    for (auto each = children.rbegin(); each != children.rend(); ++each) {
      if (each->state == child_state::stuck) continue; // waited for before
      if (each->tree)
        each->tree->owned_->stop_and_wait();
      else if (each->alive() && !finish_stop(*each, time_to_end(*each)))
        each->state = child_state::stuck;
    }
  };
  stop_soon(exit_kind::shutdown);
  try {
    wait();
  } catch (const loop_exit&) { // they refused, and now wait for ever
    end_brutally();
    wait();
  }
}

void supervisor_core::end_brutally() {
  is_brutal_ = true;
  for (const child& each : children) {
    if (each.tree)
      each.tree->owned_->end_brutally();
    else if (each.actor())
      actor_access::end_for(*each.actor(), exit_kind::killed, true);
    else if (each.alive())
      each.body->kill_brutally();
  }
  if (!runner_) return;
  runner_->kill_brutally();
  end_unbegun(greenlet_);
}

// --- who must not wait for it -----------------------------------------------

void supervisor_core::check_free() const {
  if (!is_starting(home.check_wait("a supervisor"))) return;
  throw std::system_error(
      std::make_error_code(std::errc::resource_deadlock_would_occur),
      (starting_ ? named(*starting_) + " is being started, and"
                 : "a child of " + named()) +
          " would wait for its supervisor");
}

/// It runs itself, or waits for that one to start.
bool supervisor_core::is_starting(const greenlet_base& greenlet) const {
  if (&greenlet == runner_) return true;
  if (!starting_) return false;
  return (starting_->body && &*starting_->body == &greenlet) ||
         (starting_->tree && starting_->tree->owned_->is_starting(greenlet));
}

} // namespace greenroom
