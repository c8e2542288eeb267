#include <greenroom/actors/imap.hpp>

#include <greenroom/actors/group.hpp>
#include <greenroom/hub/timeout.hpp>

#include <utility>

namespace greenroom {

imap_base::task::task(imap_base& in, const any_greenlet& greenlet)
    : greenlet_link(&task_ended), owner(in), target(greenlet) {
}

imap_base::feeder_link::feeder_link(imap_base& in)
    : greenlet_link(&feeder_ended), owner(in) {
}

/// A reader that waits: it counts as one more item that is wanted.
struct imap_base::asking {
  explicit asking(imap_base& of) : job(of) {
    ++job.asking_;
    job.wake_feeder();
  }
  asking(const asking&) = delete;
  asking& operator=(const asking&) = delete;
  ~asking() { --job.asking_; }

  imap_base& job;
};

imap_base::imap_base(group& workers, imap_order order, std::size_t max_ahead)
    : max_ahead_(max_ahead), order_(order), workers_(workers),
      feeder_link_(*this) {
}

// --- the feeder ------------------------------------------------------------

void imap_base::begin() {
  feeder_ = spawn([self = shared_from_this()] { self->run_feeder(); });
  feeder_->add_link(feeder_link_);
}

/// What the range throws is for the reader, not for the log.
void imap_base::run_feeder() {
  try {
    feed();
  } catch (const greenlet_exit&) {
    throw;
  } catch (...) {
    error_ = std::current_exception();
  }
}

void imap_base::feeder_ended(greenlet_link& link, greenlet_base& target) {
  imap_base& self = static_cast<feeder_link&>(link).owner;
  self.fed_ = true;
  if (!self.error_) self.error_ = target.exception();
  if (!self.error_ && target.killed())
    self.error_ = std::make_exception_ptr(
        std::system_error(errc::killed, "imap: what reads the range"));
  self.arrivals_.wake_all();
}

bool imap_base::wanted() const {
  const std::size_t unread = tasks_.size() + ended_.size();
  return unread < asking_ || unread - asking_ < max_ahead_;
}

bool imap_base::wait_until_wanted() {
  while (!closed_ && !wanted())
    wanted_.wait({}, "imap: its reader", this);
  return !closed_;
}

void imap_base::wake_feeder() {
  if (wanted()) wanted_.wake_all();
}

void imap_base::add(const any_greenlet& made) {
  std::list<task> fresh;
  fresh.emplace_back(*this, made);
  workers_.on("imap").start(*made);
  task& started = fresh.front();
  started.place = fresh.begin();
  tasks_.splice(tasks_.end(), fresh);
  made->add_link(started);
  if (closed_) made->kill_soon(); // closed while it waited for room
}

// --- the reader ------------------------------------------------------------

void imap_base::task_ended(greenlet_link& link, greenlet_base&) {
  auto& self = static_cast<task&>(link);
  imap_base& job = self.owner;
  if (job.closed_) {
    job.tasks_.erase(self.place);
    return;
  }
  self.ended = true;
  if (job.order_ == imap_order::of_completion)
    job.ended_.splice(job.ended_.end(), job.tasks_, self.place);
  job.arrivals_.wake_all();
}

std::list<imap_base::task>& imap_base::in_order() {
  return order_ == imap_order::of_range ? tasks_ : ended_;
}

bool imap_base::arrived() {
  const std::list<task>& next = in_order();
  return !next.empty() && next.front().ended;
}

any_greenlet imap_base::take_next() {
  any_greenlet taken = std::move(in_order().front().target);
  in_order().pop_front();
  wake_feeder();
  return taken;
}

any_greenlet imap_base::next(deadline until, std::error_code& failed) {
  failed.clear();
  const auto kept = shared_from_this();
  const asking one_more{*this};
  bool again = false;
  while (closed_ || !arrived()) {
    if (closed_) throw_error(errc::closed, "imap");
    if (fed_ && tasks_.empty()) {
      if (error_) std::rethrow_exception(std::exchange(error_, {}));
      return {};
    }
    if (!arrivals_.wait_turn(until, "imap", this, again)) {
      failed = errc::timed_out;
      return {};
    }
    again = true;
  }
  return take_next();
}

// --- the end ---------------------------------------------------------------

void imap_base::close() noexcept {
  if (closed_) return;
  closed_ = true;
  const auto kept = shared_from_this();
  arrivals_.wake_all();
  ended_.clear();
  std::erase_if(tasks_, [](const task& each) { return each.ended; });
  end_helpers();
  forget_helpers();
}

void imap_base::end_helpers() {
  feeder_->kill_soon();
  for (const task& each : tasks_)
    each.target->kill_soon();
  try {
    const shield guard;
    join_or_force();
  } catch (const std::exception&) {
    // Nobody may wait here. They end later, and keep what they need.
  }
}

/// As a nursery ends its children.
void imap_base::join_or_force() {
  try {
    join_helpers();
  } catch (const loop_exit&) { // they refused, and now wait for ever
    feeder_->kill_brutally();
    for (const task& each : tasks_)
      each.target->kill_brutally();
    [this]() noexcept { join_helpers(); }();
  }
}

/// Each is taken off by its link, which is called before `join` returns.
void imap_base::join_helpers() {
  while (!fed_)
    any_greenlet(feeder_).join();
  while (!tasks_.empty())
    any_greenlet(tasks_.front().target).join();
}

void imap_base::forget_helpers() {
  if (!fed_) feeder_->remove_link(feeder_link_);
  for (task& each : tasks_)
    each.target->remove_link(each);
  tasks_.clear();
  feeder_ = {};
}

} // namespace greenroom
