#include "supervisor_core.hpp"

#include <greenroom/actors/notices.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/wait.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument(why);
}

} // namespace

bool restart_window::allows_another(steady_time now) {
  while (!times_.empty() && now - times_.front() > within_)
    times_.pop_front();
  if (times_.size() >= most_) return false;
  times_.push_back(now);
  return true;
}

// --- children ---------------------------------------------------------------

supervisor_core::child::~child() {
  detach();
  if (actor_base* last = actor()) actor_access::give_up(*last);
  reference_key::release(place);
}

actor_base* supervisor_core::child::actor() const {
  return kind == child_kind::actor && body ? static_cast<actor_base*>(&*body)
                                           : nullptr;
}

/// Nothing that happens to it is told any more.
void supervisor_core::child::detach() {
  if (link.next) body->remove_link(link);
  if (delay.linked()) delay.unlink();
}

void supervisor_core::child::end_link::ended(greenlet_link& link,
                                             greenlet_base&) {
  auto& self = static_cast<end_link&>(link);
  self.owner.order_for(self.of, &supervisor_core::child_ended);
}

void supervisor_core::child::delay_timer::fired(timer& due) {
  auto& self = static_cast<delay_timer&>(due);
  self.owner.order_for(self.of, &supervisor_core::start_delayed);
}

supervisor_core::supervisor_core(restart_strategy how,
                                 supervisor_options limits)
    : strategy(how), options(std::move(limits)), home(hub::current()),
      window_(std::max(options.max_restarts, 0), options.within),
      random_(hub::current().clock() == clock_kind::virtual_time
                  ? 1 // every run is the same
                  : std::random_device{}()),
      address_(home.address()) {
  if (options.max_restarts < 0)
    refuse(named() + ": max_restarts is " +
           std::to_string(options.max_restarts));
  if (options.within <= 0ns) refuse(named() + ": `within` is not positive");
  if (strategy == dynamic) check("children", options.children);
}

supervisor_core::~supervisor_core() = default;

std::string supervisor_core::named(const child& one) const {
  return named() + ": child '" + one.id + "'";
}

/// Throws when a child may not be added.
void supervisor_core::check(const std::string& id,
                            const child_options& how) const {
  const std::string who = named() + ": child '" + id;
  if (how.shutdown < 0ns || how.start_within <= 0ns)
    refuse(who + "' has a negative time limit");
  if (how.delay.first < 0ns || how.delay.most < how.delay.first ||
      !(how.delay.factor >= 1) || !(how.delay.jitter >= 0) ||
      how.delay.jitter > 1)
    refuse(who + "' has a restart delay that makes no sense");
  if (!how.significant) return;
  if (how.restart == permanent)
    refuse(who + "' is permanent and significant: it never ends for good");
  if (options.when_done == auto_shutdown::never)
    refuse(who + "' is significant, but its supervisor has "
                 "auto_shutdown::never");
}

supervisor_core::child& supervisor_core::add(std::string id,
                                             const child_options& how,
                                             child_kind kind) {
  check(id, how);
  if (const child* other = find(id))
    refuse(named(*other) +
           (other->alive() ? " is running already" : " is there already"));
  return add_new(std::move(id), how, kind);
}

void supervisor_core::add_and_start(child& added) {
  if (!running()) return;
  if (const auto why = start_child(added)) {
    const std::string text =
        named(added) + " failed to start: " + to_string(*why);
    erase(added);
    throw start_failure(text);
  }
  if (added.state == child_state::stopped && added.how.restart == temporary)
    erase(added);
}

reference_key supervisor_core::start_in_place(child& added,
                                              const reference_key& elsewhere) {
  added.place = reference_key::reserve();
  added.elsewhere = elsewhere;
  const reference_key key = added.key();
  places_[key] = &added;
  add_and_start(added);
  return key;
}

supervisor_core::child& supervisor_core::add_nameless() {
  return add_new(options.name + "#" + std::to_string(last_serial_ + 1),
                 options.children, child_kind::actor);
}

supervisor_core::child& supervisor_core::add_new(std::string id,
                                                 const child_options& how,
                                                 child_kind kind) {
  if (children.size() >= options.max_children)
    refuse(named() + ": it has " + std::to_string(children.size()) +
           " children, its most");
  child& added = children.emplace_back(*this, std::move(id), how, kind);
  added.serial = ++last_serial_;
  added.added_later = running();
  by_serial_[added.serial] = std::prev(children.end());
  serials_[added.id] = added.serial;
  return added;
}

void supervisor_core::erase(child& gone) {
  const auto place = by_serial_.find(gone.serial);
  const auto one = place->second;
  by_serial_.erase(place);
  serials_.erase(gone.id);
  places_.erase(gone.key());
  children.erase(one);
}

supervisor_core::child* supervisor_core::find(const std::string& id) {
  const auto found = serials_.find(id);
  return found == serials_.end() ? nullptr : by_serial(found->second);
}

supervisor_core::child* supervisor_core::by_serial(std::uint64_t serial) {
  const auto found = by_serial_.find(serial);
  return found == by_serial_.end() ? nullptr : &*found->second;
}

supervisor_core::child& supervisor_core::get(const std::string& id) {
  if (child* found = find(id)) return *found;
  refuse(named() + " has no child '" + id + "'");
}

supervisor_core::child& supervisor_core::by_key(const reference_key& key) {
  const auto found = places_.find(key);
  if (found == places_.end())
    refuse(named() + " has no child '" + to_string(key) + "'");
  return *found->second;
}

// --- its own start and end --------------------------------------------------

async_result<void> supervisor_core::launch() {
  home.check_thread("a supervisor");
  if (running()) throw_error(errc::already_started, named());
  runner_ = new runner(shared_from_this());
  greenlet_access::share(*runner_);
  greenlet_ = any_greenlet{*runner_};
  runner_->name(options.name);
  failure.clear();
  told_.reset();
  is_brutal_ = false;
  if (!is_child) home.add_shutdown_link(shutdown_);
  return actor_access::start(*runner_);
}

void supervisor_core::start() {
  const auto started = launch();
  const any_greenlet made = greenlet_;
  try {
    started.get();
  } catch (const std::system_error& error) {
    made.join(); // all that it had started has ended
    end_unbegun(made);
    if (error.code() != errc::dead) throw;
    throw start_failure(
        failure.empty() ? named() + " was killed while it started" : failure);
  } catch (...) {
    made.kill_soon();
    end_unbegun(made);
    throw;
  }
}

/// One that was killed before its first turn has not ended by itself.
void supervisor_core::end_unbegun(const any_greenlet& made) {
  if (made.dead()) static_cast<runner&>(*made).end(exit_kind::killed);
}

/// In its greenlet.
void supervisor_core::start_all() {
  window_.clear();
  for (child& each : children)
    if (each.alive() && !finish_stop(each, deadline{each.how.shutdown}))
      fail_to_start(named(each) + " has not ended since it was killed");
  for (child& each : children)
    if (const auto why = start_child(each))
      fail_to_start(named(each) + " failed to start: " + to_string(*why));
  erase_if([](const child& each) {
    return each.state == child_state::stopped && each.how.restart == temporary;
  });
}

void supervisor_core::fail_to_start(const std::string& why) {
  failure = why;
  stop_all(exit_kind::shutdown);
  runner_->exit({exit_kind::shutdown, failure});
}

void supervisor_core::order(std::function<void()> function) {
  if (runner_ && !runner_->inbox().closed())
    runner_->inbox().put(supervisor_order{std::move(function)});
}

void supervisor_core::order_for(const child& one,
                                void (supervisor_core::*next)(child&)) {
  order([this, next, serial = one.serial, round = one.round] {
    child* const found = by_serial(serial);
    if (found && found->round == round) (this->*next)(*found);
  });
}

// --- restarts ---------------------------------------------------------------

void supervisor_core::child_ended(child& ended) {
  if (ended.alive()) return;
  ended.last_end = exit_reason_of(*ended.body);
  const bool was_stuck = ended.state == child_state::stuck;
  ended.state = child_state::stopped;
  const bool again = was_stuck ? ended.pending && ended.how.restart != temporary
                               : ended.how.restart == permanent ||
                                     (ended.how.restart == transient &&
                                      !ended.last_end.orderly());
  if (again)
    restart(ended);
  else
    ended_for_good(ended);
}

void supervisor_core::ended_for_good(child& ended) {
  if (actor_base* last = ended.actor()) actor_access::give_up(*last);
  const bool significant = ended.how.significant;
  if (ended.how.restart == temporary || strategy == dynamic) erase(ended);
  if (!significant || options.when_done == auto_shutdown::never) return;
  const bool others =
      std::any_of(children.begin(), children.end(), [](const child& each) {
        return each.how.significant && each.state != child_state::stopped;
      });
  if (options.when_done == auto_shutdown::all && others) return;
  stop_all(exit_kind::shutdown);
  runner_->exit({exit_kind::shutdown, "its significant children have ended"});
}

void supervisor_core::restart(child& first) {
  child* failed = &first;
  while (failed) {
    if (!window_.allows_another(now())) give_up(*failed);
    ++failed->restarts;
    failed->pending = true;
    stop_affected(*failed);
    const auto wait = next_delay(*failed);
    if (wait > 0ns) {
      ++failed->round;
      failed->state = child_state::delayed;
      if (failed->delay.linked()) failed->delay.unlink();
      hub::current().arm(failed->delay, deadline{wait});
      return;
    }
    failed = start_again(*failed);
  }
}

void supervisor_core::start_delayed(child& waiting) {
  if (child* failed = start_again(waiting)) restart(*failed);
}

/// Those that are restarted with the failed one.
supervisor_core::range supervisor_core::affected_by(child& failed) {
  const auto own = by_serial_.at(failed.serial);
  if (strategy == one_for_all) return {children.begin(), children.end()};
  if (strategy == rest_for_one) return {own, children.end()};
  return {own, std::next(own)};
}

/// Those that are to be started with the failed one, in reverse order, also if
/// they had ended for good, as in Erlang; a temporary one is forgotten.
void supervisor_core::stop_affected(child& failed) {
  auto each = affected_by(failed).second;
  while (each != affected_by(failed).first) {
    child& other = *--each;
    if (&other == &failed) continue;
    stop_child(other, exit_kind::shutdown, true);
    other.pending = true;
    if (other.how.restart == temporary && !other.alive()) {
      ++each;
      erase(other);
    }
  }
}

/// Starts it and what was stopped with it; returns the one that failed to.
supervisor_core::child* supervisor_core::start_again(child& first) {
  const range those = affected_by(first);
  for (auto each = those.first; each != those.second; ++each) {
    if (!each->pending || each->alive()) continue; // stuck: when it has ended
    each->pending = false;
    const exit_reason before = each->last_end;
    if (const auto why = start_child(*each)) {
      each->last_end = *why;
      return &*each;
    }
    tell_restart(*each, before);
  }
  return nullptr;
}

void supervisor_core::tell_restart(const child& started,
                                   const exit_reason& before) {
  if (hub_notices* const all = notices_if_any())
    all->tell(all->restarts, [&] {
      return actor_restarted{started.key(), started.id, before,
                             started.restarts};
    });
}

void supervisor_core::give_up(const child& failed) {
  const std::string text =
      named() + " gives up: child '" + failed.id + "' ended with " +
      to_string(failed.last_end) + ", and more than " +
      std::to_string(options.max_restarts) + " restarts within " +
      std::to_string(std::chrono::duration<double>(options.within).count()) +
      " s are not allowed";
  log_error(text);
  stop_all(exit_kind::shutdown);
  runner_->exit({exit_kind::shutdown, text});
}

std::chrono::nanoseconds supervisor_core::next_delay(child& failed) {
  const restart_delay& how = failed.how.delay;
  if (how.first == 0ns) return 0ns;
  const bool afresh =
      failed.waited == 0ns || now() - failed.started >= how.reset_after;
  const double next =
      afresh ? static_cast<double>(how.first.count())
             : std::min(static_cast<double>(failed.waited.count()) * how.factor,
                        static_cast<double>(how.most.count()));
  constexpr double countable = 9e18; // nanoseconds
  failed.waited =
      std::chrono::nanoseconds(std::llround(std::min(next, countable)));
  std::uniform_real_distribution<double> spread{1 - how.jitter, 1 + how.jitter};
  return std::chrono::nanoseconds(
      std::llround(std::min(next * spread(random_), countable)));
}

// --- by hand ----------------------------------------------------------------

void supervisor_core::terminate(child& ended, bool forget) {
  if (running()) // else all have been told
    stop_by_hand(ended);
  if (forget || ended.how.restart == temporary) erase(ended);
}

/// Those that wait for its restart are started without it.
void supervisor_core::stop_by_hand(child& ended) {
  const bool was_delayed = ended.state == child_state::delayed;
  stop_child(ended, exit_kind::shutdown, false);
  if (was_delayed) start_delayed(ended);
}

void supervisor_core::restart_by_hand(child& stopped) {
  if (!running()) refuse(named() + " is not running");
  if (stopped.alive()) refuse(named(stopped) + " is running");
  if (stopped.state == child_state::delayed) {
    stopped.detach();
    return start_delayed(stopped); // and those that wait for it
  }
  const auto why = start_child(stopped);
  if (!why) return;
  if (actor_base* last = stopped.actor()) actor_access::give_up(*last);
  throw start_failure(named(stopped) + " failed to start: " + to_string(*why));
}

void supervisor_core::remove(child& stopped) {
  if (stopped.alive()) refuse(named(stopped) + " is running");
  if (stopped.state == child_state::delayed)
    refuse(named(stopped) + " is about to be restarted");
  erase(stopped);
}

// --- listings ---------------------------------------------------------------

std::vector<child_info> supervisor_core::list() const {
  std::vector<child_info> all;
  for (const child& each : children) {
    child_info info;
    info.id = each.id;
    info.kind = each.kind;
    info.state = each.state;
    info.restart = each.how.restart;
    info.restarts = each.restarts;
    info.last_end = each.last_end;
    info.key = each.key();
    if (const actor_base* actor = each.actor()) {
      info.inbox = actor->inbox_size();
      info.handled = actor_access::handled(*actor);
    }
    if (each.alive())
      if (const wait_record* wait = each.body->waiting_on())
        info.waits_in = wait->what;
    if (each.tree) info.children = each.tree->children();
    all.push_back(std::move(info));
  }
  return all;
}

} // namespace greenroom
