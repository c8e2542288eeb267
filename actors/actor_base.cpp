#include <greenroom/actors/actor_base.hpp>

#include "actor_extras.hpp"

#include <greenroom/actors/mail.hpp>
#include <greenroom/actors/notices.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>

#include <stdexcept>
#include <utility>

namespace greenroom {

actor_base::actor_base(step_function first)
    : greenlet_base(first), place_(reference_key::enter(*this)) {
}

actor_base::~actor_base() {
  drop_monitors();
  reference_key::leave(place_, *this);
}

actor_base::actor_extras& actor_base::own_extras() {
  if (!part()) part(std::make_unique<actor_extras>());
  return static_cast<actor_extras&>(*part());
}

actor_base::actor_extras* actor_base::extras_if_any() const noexcept {
  return static_cast<actor_extras*>(part());
}

// --- its turns --------------------------------------------------------------

void actor_base::start_up() {
  begun_ = true;
  on_start();
  if (actor_extras* own = extras_if_any(); own && own->when_started)
    std::exchange(own->when_started, std::nullopt)->set();
}

void actor_base::first_turn(inbox_base& inbox) {
  execute([&] {
    start_up();
    open_mail(inbox);
  });
  rest_or_end(inbox);
}

void actor_base::mail_turn(inbox_base& inbox) {
  execute([&] { open_mail(inbox); });
  rest_or_end(inbox);
}

/// For one that takes its mail itself. Told to stop, it may leave its loop by
/// the error that the empty inbox then throws.
void actor_base::loop_turn() {
  execute([&] {
    start_up();
    try {
      run();
    } catch (const std::system_error& error) {
      if (!own_inbox().closed() || error.code() != errc::closed) throw;
    }
  });
  end_actor();
}

/// Handles mail until there is none, or others must have their turn.
void actor_base::open_mail(inbox_base& inbox) {
  hub& here = home();
  do {
    if (kill_is_pending()) [[unlikely]]
      here.throw_pending();
    envelope* next = inbox_access::take_next(inbox);
    if (!next) return;
    ++handled_;
    if (!next->open(*this)) [[unlikely]]
      open_sealed(std::unique_ptr<envelope>(next));
  } while (here.another_item());
}

/// On the dispatcher's stack again: rests without one, or ends.
void actor_base::rest_or_end(const inbox_base& inbox) {
  const bool has_mail = !inbox.empty();
  if (is_ending() || (!has_mail && inbox.closed()))
    end_actor();
  else if (rest_is_special_) [[unlikely]]
    rest_specially(inbox);
  else if (has_mail || kill_is_pending())
    go_on_later();
  else
    go_idle();
}

/// For one that is timed, called or held.
void actor_base::rest_specially(const inbox_base& inbox) {
  if (inbox_access::has_next(inbox) || kill_is_pending()) return go_on_later();
  go_idle();
  const actor_extras* own = extras_if_any();
  const bool timed = own && own->rest;
  rest_is_special_ = timed || inbox.held();
  if (timed) note_rest();
}

void actor_base::end_actor() noexcept {
  if (begun_) execute([&] { on_stop(ended_for()); });
  {
    const shield guard; // what the mail's destructors do is not interrupted
    end_inbox();
    drop_monitors();
    drop_timers();
  }
  finish();
}

/// One that is to be restarted goes on to collect mail, for the next.
void actor_base::end_inbox() noexcept {
  if (actor_extras* own = extras_if_any()) {
    if (own->when_started) own->when_started->abandon(errc::dead);
    own->state_timeout.cancel(); // it is not the next one's
  }
  if (keeps_inbox_ == inbox_keeping::unless_orderly && !exception() &&
      ended_for().orderly())
    keeps_inbox_ = inbox_keeping::no;
  if (keeps_inbox_ == inbox_keeping::no)
    close_inbox();
  else
    inbox_access::reopen(own_inbox()); // it may have been stopped
}

/// From here on, mail to it is dead, and what it has is dropped.
void actor_base::close_inbox() noexcept {
  reference_key::leave(place_, *this);
  inbox_base& inbox = own_inbox();
  inbox.shutdown();
  inbox_access::drop_calls(inbox);
  if (inbox.empty() && inbox.stashed() == 0) return; // as most are
  inbox_access::hold(inbox, false);
  if (lost_letters_are_told()) {
    inbox.unstash_all();
    while (
        const std::unique_ptr<envelope> unread{inbox_access::take_next(inbox)})
      lose_letter(key(), *unread, "unread at its end");
  }
  for (std::size_t left = inbox.size() + inbox.stashed(); left > 0; --left)
    count_dead_letter();
  inbox.shutdown_now();
}

void actor_base::set_inbox_bound(std::size_t capacity, when_full policy) {
  inbox_access::set_bound(own_inbox(), capacity, policy);
  own_inbox().taken_by(*this);
}

// --- mail -------------------------------------------------------------------

void actor_base::add_system(std::unique_ptr<envelope> message) {
  if (!message || own_inbox().closed()) return;
  inbox_access::add_system(own_inbox(), std::move(message));
  wake_for_mail();
}

void actor_base::stop(exit_reason why) {
  if (why.kind() != exit_kind::normal)
    own_extras().stopped_for = std::move(why);
  own_inbox().shutdown();
  wake_for_mail();
}

namespace {

void lose(const reference_key& to, const envelope& mail) {
  lose_letter(to, mail,
              to.local() ? "its inbox is closed" : "the actor is dead");
}

} // namespace

bool actor_access::put(const reference_key& to, std::unique_ptr<envelope> mail,
                       deadline until, std::error_code& failed) {
  failed.clear();
  while (actor_base* const target = to.local()) {
    inbox_base& inbox = target->own_inbox();
    if (inbox.full()) tell_overload(to, *target, inbox);
    auto answer = inbox_access::admission::refused;
    try {
      answer = inbox_access::admit(inbox, until, failed);
    } catch (const std::system_error& error) {
      if (error.code() != errc::destroyed) throw;
      continue; // it ended meanwhile; another may have taken its place
    }
    if (answer != inbox_access::admission::refused) {
      target->take_in(std::move(mail), answer);
      return true;
    }
    if (failed != errc::closed) return false;
    if (to.local() == target) break;
  }
  failed.clear();
  lose(to, *mail);
  return true;
}

bool actor_access::try_put(const reference_key& to,
                           std::unique_ptr<envelope> mail) {
  std::error_code failed;
  actor_base* const target = to.local();
  if (!target || target->own_inbox().closed()) {
    lose(to, *mail);
    return true;
  }
  if (target->own_inbox().full())
    tell_overload(to, *target, target->own_inbox());
  const auto answer = inbox_access::try_admit(target->own_inbox(), failed);
  if (answer == inbox_access::admission::refused ||
      answer == inbox_access::admission::must_wait)
    return false;
  target->take_in(std::move(mail), answer);
  return true;
}

void actor_access::put_anyhow(const reference_key& to,
                              std::unique_ptr<envelope> mail) {
  std::error_code failed;
  actor_base* const target = to.local();
  if (!target) return lose(to, *mail);
  inbox_base& inbox = target->own_inbox();
  if (inbox_access::plain(inbox))
    return deliver(*target, inbox, *mail.release());
  if (inbox.closed()) return lose(to, *mail);
  if (inbox.full()) tell_overload(to, *target, inbox);
  switch (const auto answer =
              inbox_access::try_admit(target->own_inbox(), failed)) {
  case inbox_access::admission::must_wait:
    target->add_system(std::move(mail));
    return;
  case inbox_access::admission::refused:
    return lose_letter(to, *mail, "its inbox is full");
  default:
    target->take_in(std::move(mail), answer);
  }
}

void actor_base::take_in(std::unique_ptr<envelope> message,
                         inbox_access::admission how) {
  if (how == inbox_access::admission::dropped)
    return inbox_access::drop(own_inbox(), std::move(message));
  inbox_access::add(own_inbox(), std::move(message));
  wake_for_mail();
}

namespace {

reference_key key_here(distant_item item) {
  return reference_key{
      reference_key::half{static_cast<std::uint32_t>(item.to >> 32),
                          static_cast<std::uint32_t>(item.to)}};
}

/// Mail on its way to an actor of another hub.
constexpr distant_kind distant_mail{
    [](distant_item item) {
      actor_access::put_anyhow(
          key_here(item),
          std::unique_ptr<envelope>{static_cast<envelope*>(item.what)});
    },
    [](distant_item item) noexcept {
      const std::unique_ptr<envelope> mail{static_cast<envelope*>(item.what)};
      lose({}, *mail);
    }};

} // namespace

namespace inside {

void send_slowly(const reference_key& to, envelope& mail, deadline until) {
  std::unique_ptr<envelope> message{&mail};
  if (to.local()) {
    std::error_code failed;
    if (!actor_access::put(to, std::move(message), until, failed))
      throw std::system_error(failed, "send to " + to_string(to));
  } else if (to.is_elsewhere() && hub::current_if_any()) {
    to.send_there(distant_mail, *message);
    (void)message.release();
  } else if (!to.visit_elsewhere([&](hub& home) {
               home.post([to, kept = std::move(message)]() mutable {
                 actor_access::put_anyhow(to, std::move(kept));
               });
             })) {
    lose(to, *message);
  }
}

bool try_send(const reference_key& to, envelope& mail) {
  std::unique_ptr<envelope> message{&mail};
  if (to.local()) return actor_access::try_put(to, std::move(message));
  send_slowly(to, *message.release(), {});
  return true;
}

} // namespace inside

// --- for supervisors --------------------------------------------------------

async_result<void> actor_access::start(actor_base& child) {
  async_result<void> started;
  if (child.dead()) { // killed by its own constructor
    async_result<void>{started}.abandon(errc::dead);
    return started;
  }
  child.own_extras().when_started = started;
  child.start();
  return started;
}

/// Once `child` is made: takes over the place that it was made for and, from
/// the one that ended there, mail and monitors.
void actor_access::take_over(actor_base& child, actor_base* ended) {
  if (ended) {
    inbox_access::move_all(ended->own_inbox(), child.own_inbox());
    ended->keeps_inbox_ = inbox_keeping::no;
    ended->move_monitors(child);
    child.rest_is_special_ = true; // there may be calls among the mail
  }
  reference_key::occupy(child.place_, child);
  if (ended) ended->own_extras().next.wake_all();
}

void actor_access::keep_inbox(actor_base& child, inbox_keeping when) {
  child.keeps_inbox_ = when;
}

/// It is not restarted after all.
void actor_access::give_up(actor_base& ended) {
  if (ended.keeps_inbox_ == inbox_keeping::no) return;
  ended.keeps_inbox_ = inbox_keeping::no;
  ended.close_inbox();
  ended.drop_told();
  ended.own_extras().next.wake_all();
}

bool actor_access::join_next(actor_base& ended, deadline until) {
  return ended.own_extras().next.wait(until, "join", &ended);
}

void actor_access::end_for(actor_base& child, exit_reason why, bool brutally) {
  child.end_for(std::move(why));
  if (brutally) child.kill_brutally();
}

// --- for pools --------------------------------------------------------------

void actor_access::enter_pool(actor_base& worker,
                              std::shared_ptr<pool_seat> seat) {
  worker.own_extras().seat = std::move(seat);
}

pool_seat& actor_access::seat_of(const actor_base& worker) {
  return *worker.extras_if_any()->seat;
}

void actor_access::hand_over(actor_base& from, actor_base& to) {
  const bool call = inbox_access::has_call(from.own_inbox());
  std::unique_ptr<envelope> next{inbox_access::take_next(from.own_inbox())};
  if (call) { // no message
    inbox_access::add_call(to.own_inbox(), std::move(next));
    rest_anew(to);
  } else {
    ++from.handled_;
    to.take_in(std::move(next), inbox_access::admission::let_in);
  }
}

// --- behaviour --------------------------------------------------------------

void actor_base::set_behaviour(std::shared_ptr<behaviour_base> next) {
  if (actor_extras* own = extras_if_any()) own->state_timeout.cancel();
  has_behaviour_ = next != nullptr;
  own_extras().behaviour = std::move(next);
}

std::shared_ptr<behaviour_base> actor_base::own_behaviour() const {
  return extras_if_any()->behaviour;
}

// --- its own time limits ----------------------------------------------------

void actor_base::set_rest_limit(std::chrono::nanoseconds limit,
                                make_mail make) {
  if (limit < std::chrono::nanoseconds{})
    throw std::invalid_argument("actor '" + name() +
                                "': a negative receive timeout");
  own_extras().rest.reset();
  constexpr std::chrono::hours century{24 * 365 * 100};
  if (limit == std::chrono::nanoseconds{} || limit > century) return;
  rest_is_special_ = true;
  own_extras().rest = std::make_unique<rest_timer>(*this, limit, make);
}

/// The timer is left as it is when mail comes, and looks when it fires.
void actor_base::note_rest() {
  rest_timer& timer = *own_extras().rest;
  timer.since = now();
  if (!timer.linked() && own_inbox().empty())
    home().arm(timer, deadline{timer.since + timer.longest});
}

void actor_base::rest_timer::fired(timer& due) {
  auto& self = static_cast<rest_timer&>(due);
  const bool rests = self.of.state() == greenlet_state::idle;
  if (!rests || !self.of.own_inbox().empty()) return; // until it rests again
  const steady_time end = self.since + self.longest;
  if (now() < end)
    self.of.home().arm(self, deadline{end});
  else
    self.of.add_system(self.make());
}

void actor_base::set_state_timeout(const delayed_send& next) {
  delayed_send& own = own_extras().state_timeout;
  own.cancel();
  own = next;
}

void actor_base::drop_timers() noexcept {
  if (actor_extras* own = extras_if_any()) own->rest.reset();
}

// --- exit reasons and signals -----------------------------------------------

exit_reason actor_base::ended_for() const {
  if (const auto error = exception()) return exit_reason(error);
  const actor_extras* own = extras_if_any();
  if (is_ending())
    return own && own->killed_for ? *own->killed_for : exit_kind::killed;
  return own && own->stopped_for ? *own->stopped_for : exit_kind::normal;
}

exit_reason exit_reason_of(const greenlet_base& ended) {
  if (const auto* actor = dynamic_cast<const actor_base*>(&ended))
    return actor_access::ended_for(*actor);
  if (ended.exception()) return exit_reason(ended.exception());
  return ended.killed() ? exit_kind::killed : exit_kind::normal;
}

void actor_base::exit(const exit_reason& why) {
  home().check_thread("an actor");
  own_extras().killed_for = why;
  throw greenlet_exit{*this};
}

/// The first reason counts.
void actor_base::end_for(exit_reason why) {
  if (dead()) return;
  if (!own_extras().killed_for) own_extras().killed_for = std::move(why);
  kill_soon();
}

/// A `kill` that comes over a link can be trapped, as in Erlang.
void actor_base::exit_signalled(const reference_key& from,
                                const exit_reason& why) {
  if (dead()) return;
  if (traps_exits_)
    add_system(wrap_exit(exit_signal{from, why}));
  else if (why.kind() != exit_kind::normal)
    end_for(why);
}

/// Erlang's exit/2.
void actor_access::exit(actor_base& target, const reference_key& from,
                        const exit_reason& why) {
  if (why.kind() == exit_kind::kill) {
    if (target.dead()) return;
    target.own_extras().killed_for = exit_kind::killed;
    target.kill_brutally();
  } else if (from == target.key() && !target.traps_exits_) {
    target.exit(why);
  } else {
    target.exit_signalled(from, why);
  }
}

} // namespace greenroom
