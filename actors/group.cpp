#include <greenroom/actors/group.hpp>

#include <greenroom/hub/hub.hpp>

#include <stdexcept>
#include <string>

namespace greenroom {

// --- calls under way -------------------------------------------------------

group_call::group_call(group& on) : on_(&on) {
  on.check_thread();
  next_ = on.calls_;
  if (next_) next_->previous_ = this;
  on.calls_ = this;
}

group_call::~group_call() {
  if (next_) next_->previous_ = previous_;
  if (previous_)
    previous_->next_ = next_;
  else if (on_)
    on_->calls_ = next_;
}

group& group_call::on(const char* what) const {
  if (!on_) throw_error(errc::destroyed, what);
  return *on_;
}

// --- members ---------------------------------------------------------------

group::member::member(group& in, any_greenlet greenlet)
    : greenlet_link(&member_ended), owner(in), target(std::move(greenlet)) {
}

group::group() = default;

group::group(std::span<const any_greenlet> list) : group() {
  for (const any_greenlet& each : list)
    enter(each, {});
}

group::~group() {
  while (oldest_) {
    member& next = *oldest_;
    next.target->remove_link(next);
    oldest_ = next.newer;
  }
  for (group_call* each = calls_; each; each = each->next_)
    each->on_ = nullptr;
}

void group::check_thread() const {
  home().check_thread("a group");
}

bool group::wait_for_room(deadline) {
  return true;
}

/// False when `until` passed while it was full.
bool group::enter(const any_greenlet& greenlet, deadline until) {
  check_thread();
  if (!greenlet) throw std::invalid_argument("group::add: an empty handle");
  if (contains(*greenlet)) return true;
  if (full() && !wait_for_room(until)) return false;
  if (!contains(*greenlet)) insert(greenlet); // others were here meanwhile
  return true;
}

void group::insert(const any_greenlet& greenlet) {
  const auto place = members_.try_emplace(&*greenlet, *this, greenlet).first;
  member& added = place->second;
  try {
    greenlet->add_link(added); // throws on the wrong thread
  } catch (...) {
    members_.erase(place);
    throw;
  }
  added.older = newest_;
  (newest_ ? newest_->newer : oldest_) = &added;
  newest_ = &added;
  for (group_call* each = calls_; each; each = each->next_)
    if (each->kills_) return strike(added, each->kill_reason_);
}

group::members::node_type group::take_out(members::iterator place) {
  member& gone = place->second;
  (gone.older ? gone.older->newer : oldest_) = gone.newer;
  (gone.newer ? gone.newer->older : newest_) = gone.older;
  auto node = members_.extract(place);
  if (members_.empty()) emptied_.wake_all();
  room_made();
  return node;
}

void group::member_ended(greenlet_link& link, greenlet_base& ended) {
  group& self = static_cast<member&>(link).owner;
  if (const std::exception_ptr error = ended.exception())
    for (group_call* each = self.calls_; each; each = each->next_)
      if (!each->first_error_) each->first_error_ = error;
  self.take_out(self.members_.find(&ended));
}

bool group::discard(const greenlet_base& greenlet) {
  check_thread();
  const auto place = members_.find(&greenlet);
  if (place == members_.end()) return false;
  member& leaving = place->second;
  leaving.target->remove_link(leaving);
  take_out(place); // what drops the last handle goes last
  return true;
}

// By value: the caller's handle may be another one after the wait.
void group::add(any_greenlet greenlet, deadline until) {
  if (!enter(greenlet, until)) throw_error(errc::full, "pool::add");
}

bool group::add(any_greenlet greenlet, deadline until,
                std::error_code& failed) {
  failed.clear();
  if (enter(greenlet, until)) return true;
  failed = errc::full;
  return false;
}

bool group::try_add(const any_greenlet& greenlet) {
  const bool no_room = full() && greenlet && !contains(*greenlet);
  return !no_room && enter(greenlet, {});
}

void group::start(greenlet_base& greenlet, deadline until) {
  if (!enter(greenlet, until)) throw_error(errc::full, "pool::start");
  greenlet.start();
}

bool group::start(greenlet_base& greenlet, deadline until,
                  std::error_code& failed) {
  if (!add(greenlet, until, failed)) return false;
  greenlet.start();
  return true;
}

/// It may be dead already: the group is being killed.
void group::begin(greenlet_base& entered, spawn_options&& options) {
  if (entered.state() == greenlet_state::unstarted)
    greenlet_access::start(entered, std::move(options));
}

void group::start_task(greenlet_base& task, deadline until) {
  if (!enter(task, until)) throw_error(errc::timed_out, "group::map");
  task.start();
}

group::iterator group::begin() const {
  std::vector<any_greenlet> all;
  all.reserve(size());
  for (const member* each = oldest_; each; each = each->newer)
    all.push_back(each->target);
  return iterator{std::move(all)};
}

// --- their end -------------------------------------------------------------

bool group::is_own_member_running() const {
  const greenlet_base* self = home().running();
  return self && contains(*self);
}

bool group::wait_until_empty(deadline until, const char* what) {
  return empty() || emptied_.wait(until, what, this);
}

bool group::join(deadline until) {
  check_thread();
  if (is_own_member_running())
    throw std::system_error(
        std::make_error_code(std::errc::resource_deadlock_would_occur),
        "greenlet '" + current().name() + "' would join its own group");
  return wait_until_empty(until, "group::join");
}

bool group::join_or_throw(deadline until) {
  const group_call call{*this};
  const bool emptied = join(until);
  if (call.first_error()) std::rethrow_exception(call.first_error());
  return emptied;
}

void group::strike(member& one, const std::exception_ptr& reason) {
  one.dying = true;
  one.target->kill_soon(reason);
}

void group::kill_soon(std::exception_ptr reason) {
  check_thread();
  for (const any_greenlet& each : *this) { // a kill may call what the user made
    const auto place = members_.find(&*each);
    if (place != members_.end() && !place->second.dying)
      strike(place->second, reason);
  }
}

bool group::kill_with(std::exception_ptr reason, deadline until) {
  group_call call{*this};
  call.kills_ = true;
  call.kill_reason_ = reason;
  kill_soon(std::move(reason));
  if (empty()) return true;
  if (!is_own_member_running()) return wait_until_empty(until, "group::kill");
  home().throw_pending(); // kills itself here, unless that must wait
  return false;
}

bool group::kill_one(greenlet_base& greenlet, deadline until) {
  check_thread();
  const auto place = members_.find(&greenlet);
  if (place == members_.end()) return true;
  const any_greenlet kept{greenlet};
  if (!std::exchange(place->second.dying, true)) return kept.kill(until);
  return kept.join(until);
}

// --- work ------------------------------------------------------------------

/// A task that has no room yet. It is started or killed: whoever waits for it
/// is not forgotten.
struct group::delayed_task {
  delayed_task(group& workers, any_greenlet delayed)
      : call(workers), task(std::move(delayed)) {}
  delayed_task(const delayed_task&) = delete;
  delayed_task& operator=(const delayed_task&) = delete;

  ~delayed_task() {
    if (waits()) task->kill_soon();
  }

  bool waits() const { return task->state() == greenlet_state::unstarted; }

  void start() {
    try {
      group& workers = call.on("group::apply_async");
      workers.wait_for_room({});
      if (waits()) workers.start(*task);
    } catch (const greenlet_exit&) {
      throw;
    } catch (...) {
      task->kill_soon(std::current_exception());
    }
  }

  group_call call;
  any_greenlet task;
};

void group::start_soon(any_greenlet task) {
  if (!full()) return start(*task);
  auto delayed = std::make_unique<delayed_task>(*this, std::move(task));
  greenroom::spawn([kept = std::move(delayed)] { kept->start(); });
}

} // namespace greenroom
