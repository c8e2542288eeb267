#include <greenroom/hub/greenlet.hpp>

#include "extras.hpp"

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/hub/timeout.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

namespace greenroom {
namespace {

enum class link_kind : std::uint8_t { any, value, exception };

/// A callback given to `link`: spawned at the end, if that fits.
struct callback_link : greenlet_link {
  callback_link(link_kind which, std::function<void(greenlet_base&)> function)
      : greenlet_link(&at_end_of), id(next_id()), kind(which),
        callback(std::move(function)) {}

  /// Never the same twice, so that an old name does not fit a newer link.
  static link_id next_id() {
    static thread_local std::uintptr_t last = 0;
    return static_cast<link_id>(++last);
  }

  /// The callback that `entry` is, if it goes by that name.
  static callback_link* named(greenlet_link& entry, link_id name) {
    if (entry.at_end != &at_end_of) return nullptr;
    auto* callback = static_cast<callback_link*>(&entry);
    return callback->id == name ? callback : nullptr;
  }

  static void at_end_of(greenlet_link& link, greenlet_base& ended) {
    std::unique_ptr<callback_link> self{static_cast<callback_link*>(&link)};
    const bool fits = self->kind == link_kind::any ||
                      (self->kind == link_kind::value) == ended.successful();
    if (fits)
      spawn({.order = start_order::next},
            [call = std::move(self->callback), &ended,
             kept = greenlet_access::kept(ended)] { call(ended); });
  }

  link_id id;
  link_kind kind;
  std::function<void(greenlet_base&)> callback;
};

link_id add_callback(greenlet_base& target, link_kind kind,
                     std::function<void(greenlet_base&)> callback) {
  auto made = std::make_unique<callback_link>(kind, std::move(callback));
  target.add_link(*made); // throws on the wrong thread
  return made.release()->id;
}

/// A greenlet that waits for the end of another.
struct join_wait : greenlet_link, wait_record {
  explicit join_wait(greenlet_base& awaited)
      : greenlet_link(&ended), wait_record("join", &awaited, &give_up),
        target(awaited) {}

  static void ended(greenlet_link& link, greenlet_base& target) {
    target.home().wake(static_cast<join_wait&>(link), wake_cause::notified);
  }

  static void give_up(wait_record& record, wake_cause cause) {
    auto& self = static_cast<join_wait&>(record);
    self.target.remove_link(self);
    self.target.home().wake(self, cause);
  }

  greenlet_base& target;
};

} // namespace

greenlet_base::greenlet_base() : greenlet_base(&begin_step) {
}

greenlet_base::greenlet_base(step_function first)
    : runnable(first), home_(&hub::current()), id_(home_->next_id_++) {
  const greenlet_base* const maker = home_->running_;
  if (!maker) return; // a hub callback makes it
  spawner_ = maker->id_;
  if (maker->extras_ && maker->extras_->tree) [[unlikely]]
    rare_parts().tree = maker->extras_->tree;
}

greenlet_base::~greenlet_base() {
  const bool abandoned = started() || links_due_; // or else a mistake
  if (abandoned && !home_->is_closed())
    refuse_end("before its end: join it or kill it first");
  while (links_) {
    greenlet_link& entry = *links_;
    const bool callback = entry.at_end == &callback_link::at_end_of;
    if (!callback && !home_->is_closed())
      refuse_end("while another waits for its end");
    remove_link(entry); // nobody is told any more
    if (callback && !abandoned) delete static_cast<callback_link*>(&entry);
  }
  if (!abandoned) drop_locals(); // else it is a static object
}

/// As std::thread does with a thread that nobody joined.
void greenlet_base::refuse_end(const char* why) const {
  log_error("greenlet '" + name() + "' was destroyed " + why);
  std::terminate();
}

greenlet_base::extras& greenlet_base::rare_parts() {
  if (!extras_)
    extras_ = std::make_unique<extras>([](timer& fired) {
      auto& delay = static_cast<extras::delayed_start&>(fired);
      delay.target->make_ready();
    });
  return *extras_;
}

greenlet_part* greenlet_base::part() const noexcept {
  return extras_ ? extras_->part.get() : nullptr;
}

void greenlet_base::part(std::unique_ptr<greenlet_part> given) {
  rare_parts().part = std::move(given);
}

void greenlet_base::check_home() const {
  home_->check_thread("a greenlet");
}

// --- start ----------------------------------------------------------------

void greenlet_base::start() {
  check_home();
  if (state_ != greenlet_state::unstarted) return;
  enter_hub();
  make_ready();
  home_->tell_start(*this);
}

/// Known to its hub, which keeps it until its end.
void greenlet_base::enter_hub() {
  state_ = greenlet_state::started;
  home_->add(*this);
  add_reference();
}

void greenlet_base::start_later(std::chrono::nanoseconds delay) {
  check_home();
  if (state_ != greenlet_state::unstarted) return;
  extras& own = rare_parts();
  own.delay.target = this;
  enter_hub();
  home_->arm(own.delay, deadline{delay});
  home_->tell_start(*this);
}

void greenlet_access::start(greenlet_base& target, spawn_options&& options) {
  if (!options.name.empty()) target.name(std::move(options.name));
  if (options.stack_size > 0)
    target.rare_parts().stack_size = options.stack_size;
  if (options.order == start_order::last) {
    target.start();
    return;
  }
  target.enter_hub();
  target.home_->make_ready_next(target);
  target.home_->tell_start(target);
}

// --- run and end ----------------------------------------------------------

void greenlet_base::begin_step(runnable& self) {
  auto& greenlet = static_cast<greenlet_base&>(self);
  if (greenlet.moved_to_own_stack()) return;
  greenlet.execute([&] { greenlet.run(); });
  greenlet.finish();
}

std::size_t greenlet_base::stack_size() const {
  return extras_ ? extras_->stack_size : 0;
}

bool greenlet_base::moved_to_own_stack() {
  const std::size_t size = stack_size();
  return size > 0 && home_->moved_to_own_stack(*this, size);
}

/// Logs the error, and keeps it if it is the first.
void greenlet_base::ended_by(std::exception_ptr error) {
  log_error("greenlet '" + name() + "' failed with " + describe(error));
  if (!error_) error_ = std::move(error);
}

void greenlet_base::finish() noexcept {
  if (extras_) {
    ++shields_; // what the locals' destructors do is not interrupted
    drop_locals();
    extras_->tree.reset();
  }
  drop_timeouts();
  home_->running_ = nullptr;
  state_ = greenlet_state::dead;
  home_->remove(*this);
  if (links_) {
    schedule_links();
    make_ready();
  } else {
    drop_reference();
  }
}

/// For one that never began.
void greenlet_base::end_as_killed(std::exception_ptr reason) {
  if (reason)
    ended_by(std::move(reason));
  else
    killed_ = true;
  state_ = greenlet_state::dead;
  never_begun();
  if (extras_) extras_->tree.reset();
}

void greenlet_base::drop_reference() noexcept {
  if (--references_ == 0 && shared_) delete this;
}

// --- links ----------------------------------------------------------------

/// Its next turns in the ready queue call the links, one each. The caller
/// enqueues it, and holds a reference until the last one.
void greenlet_base::schedule_links() {
  links_due_ = true;
  on_turn = &links_step;
}

void greenlet_base::links_step(runnable& self) {
  static_cast<greenlet_base&>(self).run_links();
}

/// Calls the oldest link. The next one comes after what this one spawns: that
/// may remove it.
void greenlet_base::run_links() {
  greenlet_link* const entry = links_;
  if (entry) remove_link(*entry);
  links_due_ = links_ != nullptr;
  const bool last = !links_due_;
  if (!last) home_->make_ready_next(*this);
  try {
    if (entry) entry->at_end(*entry, *this);
  } catch (const std::bad_alloc&) {
    log_error("no memory to call a link of greenlet '" + name() + "'");
  }
  if (last) drop_reference();
}

void greenlet_base::add_link(greenlet_link& entry) {
  check_home();
  if (!links_) {
    links_ = entry.previous = entry.next = &entry;
  } else {
    entry.next = links_;
    entry.previous = links_->previous;
    links_->previous->next = &entry;
    links_->previous = &entry;
  }
  if (dead() && !links_due_) {
    add_reference();
    schedule_links();
    make_ready();
  }
}

void greenlet_base::remove_link(greenlet_link& entry) {
  if (entry.next == &entry) {
    links_ = nullptr;
  } else {
    entry.previous->next = entry.next;
    entry.next->previous = entry.previous;
    if (links_ == &entry) links_ = entry.next;
  }
  entry.previous = entry.next = nullptr;
}

link_id greenlet_base::link(std::function<void(greenlet_base&)> callback) {
  return add_callback(*this, link_kind::any, std::move(callback));
}

link_id
greenlet_base::link_value(std::function<void(greenlet_base&)> callback) {
  return add_callback(*this, link_kind::value, std::move(callback));
}

link_id
greenlet_base::link_exception(std::function<void(greenlet_base&)> callback) {
  return add_callback(*this, link_kind::exception, std::move(callback));
}

void greenlet_base::unlink(link_id id) {
  check_home();
  greenlet_link* entry = links_;
  if (!entry) return;
  do {
    if (callback_link* found = callback_link::named(*entry, id)) {
      remove_link(*found);
      delete found;
      return;
    }
    entry = entry->next;
  } while (entry != links_);
}

// --- join -----------------------------------------------------------------

bool greenlet_base::join(deadline until) {
  check_home();
  while (!dead() || links_due_) { // its links are called first
    if (home_->running() == this)
      throw std::system_error(
          std::make_error_code(std::errc::resource_deadlock_would_occur),
          "greenlet '" + name() + "' would join itself");
    join_wait wait{*this};
    home_->begin_wait(wait);
    add_link(wait);
    home_->park(wait, until);
    if (wait.cause == wake_cause::notified) return true;
    if (wait.cause == wake_cause::timed_out) return false;
    home_->throw_pending();
  }
  return true;
}

void greenlet_access::check_got(const greenlet_base& target, bool ended) {
  if (!ended) throw_error(errc::timed_out, "greenlet '" + target.name() + "'");
  if (target.error_) std::rethrow_exception(target.error_);
  if (target.killed_)
    throw_error(errc::killed, "greenlet '" + target.name() + "'");
}

// --- kill -----------------------------------------------------------------

bool greenlet_base::kill(deadline until) {
  return kill_with({}, until);
}

bool greenlet_base::kill_with(std::exception_ptr reason, deadline until) {
  check_home();
  kill_soon(std::move(reason));
  if (home_->running() != this) return join(until);
  throw_pending(); // kills itself here, unless that must wait
  return false;
}

void greenlet_base::kill_soon(std::exception_ptr reason) {
  check_home();
  switch (state_) {
  case greenlet_state::dead:
    return;
  case greenlet_state::unstarted:
    end_as_killed(std::move(reason));
    if (links_) {
      add_reference();
      schedule_links();
      make_ready();
    }
    return;
  case greenlet_state::started:
    cancel_start(std::move(reason));
    return;
  case greenlet_state::idle:
  case greenlet_state::running:
    if (!kill_pending_ && reason) rare_parts().kill_reason = std::move(reason);
    kill_pending_ = true;
    disturb_wait();
    return;
  }
}

/// Started but not begun: it never runs; its turn calls the links instead.
void greenlet_base::cancel_start(std::exception_ptr reason) {
  const any_greenlet kept{*this}; // what `never_begun` drops may wait
  const bool delayed = extras_ && extras_->delay.linked();
  if (delayed) extras_->delay.unlink();
  home_->remove(*this);
  schedule_links();
  if (delayed) make_ready();
  end_as_killed(std::move(reason));
}

void greenlet_base::kill_brutally() {
  kill_soon();
  if (dead()) return;
  kill_again_ = true;
  if (extras_) extras_->kill_reason = {};
}

/// Something is to be thrown in it: ends its wait, if it may be disturbed.
void greenlet_base::disturb_wait() {
  if (wait_ && wait_->interruptible)
    wait_->cancel(*wait_, wake_cause::interrupted);
  else if (state_ == greenlet_state::idle) {
    state_ = greenlet_state::running;
    make_ready();
  }
}

bool greenlet_base::may_interrupt() const {
  return shields_ == 0 && !home_->unwinding();
}

void greenlet_base::throw_pending() {
  if (!kill_pending_ && !timeouts_) return;
  if (!may_interrupt()) return;
  if (kill_pending_) {
    kill_pending_ = kill_again_;
    if (extras_ && extras_->kill_reason)
      std::rethrow_exception(std::exchange(extras_->kill_reason, {}));
    throw greenlet_exit{*this};
  }
  throw_pending_timeout();
}

// --- names ----------------------------------------------------------------

any_greenlet greenlet_base::spawner() const {
  check_home();
  greenlet_base* each = home_->first_;
  while (each && each->id_ != spawner_)
    each = each->next_;
  return each ? any_greenlet{*each} : any_greenlet{};
}

std::string greenlet_base::name() const {
  if (extras_ && !extras_->name.empty()) return extras_->name;
  return "Greenlet-" + std::to_string(id_);
}

void greenlet_base::name(std::string text) {
  rare_parts().name = std::move(text);
}

void greenlet_base::name_to(char* text, std::size_t size) const noexcept {
  if (extras_ && !extras_->name.empty()) {
    const std::size_t length = std::min(size - 1, extras_->name.size());
    std::memcpy(text, extras_->name.data(), length);
    text[length] = '\0';
    return;
  }
  std::snprintf(text, size, "Greenlet-%u", id_);
}

} // namespace greenroom
