#include "supervisor_core.hpp"

// How a supervisor starts and stops one child, and all.

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/wait.hpp>

#include <utility>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

/// How long one that was killed brutally may take.
constexpr std::chrono::nanoseconds patience = 1s;

} // namespace

/// Why it could not be started, if so. One that ends itself normally while it
/// starts is left out, as Erlang's `ignore` has it.
std::optional<exit_reason> supervisor_core::start_child(child& next) {
  obey_stop();
  const struct waiting {
    ~waiting() {
      core.starting_ = nullptr;
      core.awaited_.reset();
    }
    supervisor_core& core;
  } until_up{*this};
  starting_ = &next;
  next.detach();
  ++next.round;
  next.state = child_state::starting;
  next.pending = false;
  next.started = now();
  try {
    awaited_ = begin_start(next);
  } catch (const greenlet_exit&) {
    throw;
  } catch (...) {
    next.state = child_state::stopped;
    return exit_reason{std::current_exception()};
  }
  if (awaited_) await_start(next, async_result<void>{*awaited_});
  if (next.state == child_state::starting) {
    next.state = child_state::running;
    next.body->add_link(next.link);
    return {};
  }
  if (next.last_end.orderly() && next.kind == child_kind::actor) {
    if (actor_base* last = next.actor()) actor_access::give_up(*last);
    return {};
  }
  return next.last_end;
}

/// What is to be waited for, then.
std::optional<async_result<void>> supervisor_core::begin_start(child& next) {
  switch (next.kind) {
  case child_kind::actor:
    make_actor(next);
    return actor_access::start(*next.actor());
  case child_kind::greenlet:
    next.body = spawn(spawn_options{.name = next.id}, next.function);
    break;
  case child_kind::supervisor:
    const auto started = next.tree->owned_->launch();
    next.body = next.tree->greenlet();
    return started;
  }
  return {};
}

/// Takes over the place, mail and monitors of the one before.
void supervisor_core::make_actor(child& next) {
  const any_greenlet before = next.body;
  actor_base* const ended = next.actor();
  actor_base* const made = next.make(next.place);
  next.body = any_greenlet{*made};
  made->name(next.id);
  actor_access::keep_inbox(*made, inside::keeps_inbox(next.how.restart));
  actor_access::take_over(*made, ended);
}

/// Until it is up, or has failed to come up in time, or `stop_soon` ends this.
void supervisor_core::await_start(child& next,
                                  const async_result<void>& started) {
  obey_stop();
  try {
    started.get(next.how.start_within);
  } catch (const std::system_error& error) {
    obey_stop();
    const bool late = error.code() == errc::timed_out;
    if (!late && error.code() != errc::dead) throw;
    if (late)
      actor_access::end_for(static_cast<actor_base&>(*next.body),
                            exit_kind::timeout, true);
    if (late ? finish_stop(next, patience) : next.body.join(patience)) {
      if (next.tree) next.tree->owned_->end_unbegun(next.body);
      next.last_end = exit_reason_of(*next.body);
      next.state = child_state::stopped;
    } else { // when it has ended, it is started again
      next.last_end = exit_kind::timeout;
      next.state = child_state::stuck;
      next.body->add_link(next.link);
    }
  }
}

void supervisor_core::tell_to_end(child& running, const exit_reason& why) {
  const bool brutally = running.how.shutdown == brutal_kill;
  const exit_reason told = brutally ? exit_kind::killed : why;
  switch (running.kind) {
  case child_kind::actor:
    actor_access::end_for(*running.actor(), told, brutally);
    break;
  case child_kind::greenlet:
    brutally ? running.body->kill_brutally() : running.body->kill_soon();
    break;
  case child_kind::supervisor:
    if (!brutally && why.kind() != exit_kind::killed)
      return running.tree->stop_soon(why);
    running.body->kill_brutally();
    running.tree->owned_->end_unbegun(running.body);
    break;
  }
}

deadline supervisor_core::time_to_end(const child& running) const {
  return deadline{is_brutal_ ? patience : running.how.shutdown};
}

/// False when it does not end.
bool supervisor_core::finish_stop(child& running, deadline until) {
  if (running.body.join(until)) return true;
  if (running.how.shutdown != brutal_kill)
    log_warning(named(running) + " has not ended in time, and is killed");
  running.body->kill_brutally();
  if (running.body.join(patience)) return true;
  const wait_record* wait = running.body->waiting_on();
  log_error(named(running) + " does not end: it " +
            (wait ? std::string("waits in ") + wait->what : "runs"));
  return false;
}

void supervisor_core::stop_child(child& running, const exit_reason& why,
                                 bool keeps_mail) {
  begin_stop(running, why, keeps_mail);
  end_stop(running, time_to_end(running));
}

void supervisor_core::begin_stop(child& running, const exit_reason& why,
                                 bool keeps_mail) {
  running.detach();
  ++running.round;
  running.pending = false;
  running.state = child_state::stopped;
  actor_base* const actor = running.actor();
  if (!running.alive()) {
    if (actor && !keeps_mail) actor_access::give_up(*actor);
    return;
  }
  if (actor)
    actor_access::keep_inbox(*actor, keeps_mail ? inbox_keeping::yes
                                                : inbox_keeping::no);
  tell_to_end(running, why);
}

void supervisor_core::end_stop(child& told, deadline until) {
  if (!told.body) return;
  if (finish_stop(told, until)) {
    told.last_end = exit_reason_of(*told.body);
    return;
  }
  told.state = child_state::stuck;
  told.body->add_link(told.link);
}

/// In reverse order; the children of a dynamic one all at once.
void supervisor_core::stop_all(const exit_reason& why) {
  if (strategy == dynamic) {
    for (child& each : children)
      begin_stop(each, why, false);
    const deadline together{options.children.shutdown};
    for (child& each : children)
      end_stop(each, together);
    return;
  }
  for (auto each = children.rbegin(); each != children.rend(); ++each)
    stop_child(*each, why, false);
}

} // namespace greenroom
