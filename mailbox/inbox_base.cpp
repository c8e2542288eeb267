#include <greenroom/mailbox/inbox_base.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <stdexcept>

namespace greenroom {

/// Bound, waiters, and the mail that has a list of its own.
struct inbox_base::extras : runnable {
  explicit extras(inbox_base& owner);
  extras(const extras&) = delete;
  extras& operator=(const extras&) = delete;
  ~extras();

  void recount();
  void join(search& getter);
  void leave(search& getter);
  search* next_getter();
  [[nodiscard]] bool has_news_for(const search& getter) const;
  void mail_added();
  void mail_left(const envelope& gone, envelope* before);
  void forget_seen();
  void wake_everybody();
  static void hand_on(runnable& step);
  void hand_on_later();

  inbox_base& of;
  mail_list system;
  mail_list stash;
  mail_list calls;   // no messages; given out ahead of them
  bool held = false; // the messages, not the calls
  std::shared_ptr<const take_hook> on_take;
  std::size_t stashed = 0;
  std::size_t capacity = unbounded;
  std::size_t counted = 0; // messages in the inbox that are not exempt
  std::size_t dropped = 0;
  when_full policy = when_full::wait;
  std::shared_ptr<const drop_hook> on_drop;
  std::optional<std::uint32_t> receiver; // the id of the one that takes
  envelope* kept = nullptr; // all mail up to and including it is exempt
  wait_list putters;
  wait_list watchers;
  ring getters;               // the searches that wait, oldest first
  ring* turn = &getters;      // who is looked at next; the ring itself: nobody
  std::size_t choosy = 0;     // those of the getters that do not take anything
  bool queued = false;        // itself in the ready queue, to hand on
  bool putter_served = false; // so a getter is next, if there is one
  unsigned served = 0;        // since it was made ready
};

inbox_base::extras::extras(inbox_base& owner) : runnable(&hand_on), of(owner) {
  recount();
}

void inbox_base::extras::recount() {
  counted = 0;
  kept = nullptr;
  for (envelope* each = of.mail_.after(nullptr); each; each = each->next)
    counted += !each->exempt();
}

inbox_base::extras::~extras() {
  if (queued) putters.home().take_back(*this);
  while (getters.next != &getters) {
    auto& getter = static_cast<search&>(*getters.next);
    leave(getter);
    getter.place.reset(); // which tells it, waiting or woken
  }
}

// --- who takes --------------------------------------------------------------

void inbox_base::extras::join(search& getter) {
  getter.place.emplace();
  getter.among = this;
  getter.next = &getters;
  getter.previous = getters.previous;
  getter.previous->next = &getter;
  getters.previous = &getter;
  if (getter.wants) ++choosy;
}

void inbox_base::extras::leave(search& getter) {
  if (turn == &getter) turn = getter.next;
  getter.previous->next = getter.next;
  getter.next->previous = getter.previous;
  getter.among = nullptr;
  if (getter.wants) --choosy;
}

void inbox_base::search::leave() {
  among->leave(*this);
}

bool inbox_base::extras::has_news_for(const search& getter) const {
  if (held) return false;
  if (!getter.wants) return !of.empty();
  return system.after(getter.seen_system) || of.mail_.after(getter.seen_mail);
}

/// The oldest that waits and has mail to look at. Those passed over have seen
/// all there is, and are not asked again before there is more.
inbox_base::search* inbox_base::extras::next_getter() {
  for (; turn != &getters; turn = turn->next) {
    auto& getter = static_cast<search&>(*turn);
    if (!getter.place->empty() && has_news_for(getter)) return &getter;
  }
  return nullptr;
}

void inbox_base::extras::mail_added() {
  turn = getters.next;
  if (turn != &getters) hand_on_later();
  watchers.wake_all();
}

void inbox_base::extras::mail_left(const envelope& gone, envelope* before) {
  if (!gone.exempt()) {
    --counted;
    if (!putters.empty()) hand_on_later();
  }
  if (kept == &gone) kept = before;
  if (choosy == 0) return;
  for (ring* each = getters.next; each != &getters; each = each->next) {
    auto& getter = static_cast<search&>(*each);
    if (getter.seen_mail == &gone) getter.seen_mail = before;
    if (getter.seen_system == &gone) getter.seen_system = before;
  }
}

void inbox_base::extras::forget_seen() {
  for (ring* each = getters.next; each != &getters; each = each->next) {
    auto& getter = static_cast<search&>(*each);
    getter.seen_mail = nullptr;
    getter.seen_system = nullptr;
  }
}

void inbox_base::extras::wake_everybody() {
  for (ring* each = getters.next; each != &getters; each = each->next)
    static_cast<search&>(*each).place->wake_all();
  putters.wake_all();
  watchers.wake_all();
}

void inbox_base::extras::hand_on_later() {
  if (queued) return;
  queued = true;
  served = 0;
  putters.home().make_ready(*this);
}

/// In the drain after a put or get: whoever can go on does so here and now, a
/// putter and a getter in turn, oldest first. Each looks, takes or adds itself
/// when it runs, right after this: mail that nobody took is still there for
/// the next.
void inbox_base::extras::hand_on(runnable& step) {
  auto& self = static_cast<extras&>(step);
  hub& here = self.putters.home();
  const bool putter = !self.of.full() && !self.putters.empty();
  search* const getter = self.next_getter();
  self.queued = putter || getter;
  if (!self.queued) return;
  const bool serve_getter = getter && (self.putter_served || !putter);
  self.putter_served = !serve_getter;
  constexpr int in_a_row = 64; // then others have their turn
  if (++self.served % in_a_row == 0)
    here.make_ready(self);
  else
    here.make_ready_next(self);
  if (!serve_getter) {
    self.putters.wake_one_next();
    return;
  }
  self.turn = getter->next;
  getter->place->wake_one_next();
}

// --- the inbox --------------------------------------------------------------

inbox_base::inbox_base() = default;

inbox_base::inbox_base(std::size_t capacity, when_full policy) {
  more().capacity = capacity;
  more().policy = policy;
}

/// Whoever waits is told first; what the messages' destructors do finds an
/// inbox that is closed and empty.
inbox_base::~inbox_base() {
  closed_ = true;
  size_ = 0;
  const mail_list mail = std::move(mail_);
  if (!more_) return;
  const mail_list system = std::move(more_->system);
  const mail_list stash = std::move(more_->stash);
  const mail_list calls = std::move(more_->calls);
  more_.reset();
}

void inbox_base::refuse_capacity(const std::string& capacity) {
  throw std::invalid_argument("inbox: a capacity of " + capacity + " messages");
}

inbox_base::extras& inbox_base::more() {
  if (!more_) more_ = std::make_unique<extras>(*this);
  return *more_;
}

/// Only in debug builds, where calls that do not wait are concerned.
void inbox_base::check_thread() const {
#ifndef NDEBUG
  if (more_) more_->putters.home().check_thread("an inbox");
#endif
}

void inbox_base::check_no_predicate(const char* call) const {
  if (looking_)
    throw std::logic_error(std::string(call) +
                           " within the predicate of inbox::get_if");
}

std::size_t inbox_base::capacity() const {
  return more_ ? more_->capacity : unbounded;
}

bool inbox_base::full() const {
  return more_ && more_->counted >= more_->capacity;
}

when_full inbox_base::policy() const {
  return more_ ? more_->policy : when_full::wait;
}

std::size_t inbox_base::dropped() const {
  return more_ ? more_->dropped : 0;
}

std::size_t inbox_base::stashed() const {
  return more_ ? more_->stashed : 0;
}

wait_list& inbox_base::watchers() {
  return more().watchers;
}

void inbox_base::taken_by(const greenlet_base& receiver) {
  more().receiver = receiver.id();
}

void inbox_base::set_bound(std::size_t capacity, when_full policy) {
  more().capacity = capacity;
  more_->policy = policy;
}

void inbox_base::inherit(inbox_base& other) {
  other.unstash_all();
  size_ += std::exchange(other.size_, 0);
  mail_.push_front(std::move(other.mail_));
  if (other.more_ && !other.more_->system.empty())
    more().system.push_front(std::move(other.more_->system));
  if (other.more_ && !other.more_->calls.empty())
    more().calls.push_front(std::move(other.more_->calls));
  other.shutdown_now();
  if (!more_) return;
  more_->recount();
  if (size_ > 0) more_->mail_added();
}

void inbox_base::shutdown() {
  check_thread();
  closed_ = true;
  if (more_) more_->wake_everybody();
}

void inbox_base::shutdown_now() {
  check_no_predicate("inbox::shutdown_now");
  shutdown();
  size_ = 0;
  const mail_list mail = std::move(mail_);
  if (!more_) return;
  const mail_list system = std::move(more_->system);
  const mail_list stash = std::move(more_->stash);
  const mail_list calls = std::move(more_->calls);
  more_->counted = 0;
  more_->stashed = 0;
  more_->kept = nullptr;
  more_->forget_seen();
}

// --- putting ----------------------------------------------------------------

inbox_base::admission inbox_base::try_admit(std::error_code& failed) {
  check_thread();
  failed.clear();
  if (closed_) {
    failed = errc::closed;
    return admission::refused;
  }
  if (!full()) return admission::let_in;
  switch (more_->policy) {
  case when_full::drop_oldest:
    check_no_predicate("inbox::put into a full inbox");
    return admission::let_in; // the oldest will leave
  case when_full::drop_newest:
    return admission::dropped;
  case when_full::refuse:
    failed = errc::full;
    return admission::refused;
  case when_full::wait:
    break;
  }
  return admission::must_wait;
}

inbox_base::admission inbox_base::admit(deadline until,
                                        std::error_code& failed) {
  const admission now = try_admit(failed);
  return now == admission::must_wait ? wait_for_room(until, failed) : now;
}

inbox_base::admission inbox_base::wait_for_room(deadline until,
                                                std::error_code& failed) {
  wait_list& putters = more_->putters;
  putters.home().check_thread("an inbox");
  const greenlet_base* const putter = putters.home().running();
  if (putter && putter->id() == more_->receiver) {
    failed = std::make_error_code(std::errc::resource_deadlock_would_occur);
    return admission::refused;
  }
  bool again = false; // keeps its place if others were quicker
  do {
    if (!putters.wait_turn(until, "inbox::put", this, again)) {
      failed = errc::timed_out;
      return admission::refused;
    }
    if (closed_) {
      failed = errc::closed;
      return admission::refused;
    }
    again = true;
  } while (full());
  return admission::let_in;
}

void inbox_base::add(std::unique_ptr<envelope> mail) {
  std::unique_ptr<envelope> oldest;
  if (full()) oldest = unlink_oldest();
  mail_.push_back(*mail.release());
  ++size_;
  if (!more_) return;
  ++more_->counted;
  more_->mail_added();
  if (oldest) drop(std::move(oldest));
}

void inbox_base::check_open(const char* what) const {
  check_thread();
  if (closed_) throw_error(errc::closed, what);
}

void inbox_base::add_system(std::unique_ptr<envelope> mail,
                            system_order order) {
  mail_list& to = order == system_order::first ? more().system : mail_;
  to.push_back(*mail.release());
  ++size_;
  if (more_) more_->mail_added();
}

/// The oldest that the bound counts, of which there is one.
std::unique_ptr<envelope> inbox_base::unlink_oldest() {
  envelope*& kept = more_->kept;
  while (mail_.after(kept)->exempt())
    kept = mail_.after(kept);
  return unlink(mail_, kept);
}

std::unique_ptr<envelope> inbox_base::unlink(mail_list& from,
                                             envelope* before) {
  std::unique_ptr<envelope> gone = from.take_after(before);
  --size_;
  if (more_) more_->mail_left(*gone, before);
  return gone;
}

// --- what was dropped or put aside ------------------------------------------

void inbox_base::drop(std::unique_ptr<envelope> mail) {
  count_drop();
  const auto hook = more_->on_drop; // which may change it, or end the inbox
  if (hook) (*hook)(*mail);
}

void inbox_base::count_drop() {
  ++more_->dropped;
}

bool inbox_base::shows_dropped() const {
  return more_->on_drop != nullptr;
}

void inbox_base::on_drop(drop_hook hook) {
  more().on_drop =
      hook ? std::make_shared<const drop_hook>(std::move(hook)) : nullptr;
}

void inbox_base::stash(std::unique_ptr<envelope> mail) {
  check_thread();
  mail_list& aside = more().stash;
  aside.push_back(*mail.release());
  ++more_->stashed;
}

void inbox_base::unstash_all() {
  check_thread();
  check_no_predicate("inbox::unstash_all");
  if (stashed() == 0) return;
  size_ += static_cast<std::uint32_t>(more_->stashed);
  more_->stashed = 0;
  mail_.push_front(std::move(more_->stash));
  more_->forget_seen();
  more_->mail_added();
}

// --- taking -----------------------------------------------------------------

bool inbox_base::find(search& wanted, deadline until, const char* what,
                      std::error_code& failed) {
  failed.clear();
  if (try_find(wanted)) return true;
  if (!is_over()) {
    more().putters.home().check_thread("an inbox");
    more().join(wanted);
  }
  while (!is_over()) {
    if (!wanted.place->wait_turn(until, what, this)) {
      failed = errc::timed_out;
      return false;
    }
    if (look(wanted)) return true;
  }
  failed = errc::closed;
  return false;
}

bool inbox_base::try_find(search& wanted) {
  check_thread();
  check_no_predicate("inbox::get");
  return look(wanted);
}

bool inbox_base::remove(search& wanted) {
  check_thread();
  check_no_predicate("inbox::get");
  const bool found = look_at_all(wanted);
  if (found) unlink(*wanted.list, wanted.before);
  return found;
}

envelope* inbox_base::take_next_of_all() {
  if (envelope* call = more_->calls.take_front()) return call;
  search next;
  if (!try_find(next)) return nullptr;
  envelope* const taken = unlink(*next.list, next.before).release();
  tell_taken(*taken);
  return taken;
}

bool inbox_base::look(search& wanted) {
  return !held() && look_at_all(wanted);
}

bool inbox_base::look_at_all(search& wanted) {
  if (empty()) return false;
  return (more_ && look_in(more_->system, wanted.seen_system, wanted)) ||
         look_in(mail_, wanted.seen_mail, wanted);
}

namespace {

/// While a predicate is being asked.
struct asking {
  explicit asking(bool& raised) : flag(raised) { flag = true; }
  asking(const asking&) = delete;
  asking& operator=(const asking&) = delete;
  ~asking() { flag = false; }

  bool& flag;
  no_wait guard;
};

} // namespace

/// Goes on after what it has `seen`.
bool inbox_base::look_in(mail_list& list, envelope*& seen, search& wanted) {
  if (wanted.wants) {
    const asking now{looking_};
    for (envelope* each = list.after(seen); each; each = list.after(seen)) {
      if (wanted.wants(wanted, *each)) break;
      seen = each;
    }
  }
  if (!list.after(seen)) return false;
  wanted.list = &list;
  wanted.before = seen;
  return true;
}

void inbox_base::discard(const search& found) {
  tell_taken(*unlink(*found.list, found.before));
}

// --- what is done to it from outside ----------------------------------------

bool inbox_base::is_held() const {
  return more_->held;
}

bool inbox_base::has_call() const {
  return !more_->calls.empty();
}

bool inbox_base::has_next_of_all() const {
  return has_call() || (!empty() && !more_->held);
}

void inbox_base::add_call(std::unique_ptr<envelope> call) {
  more().calls.push_back(*call.release());
}

void inbox_base::drop_calls() {
  const mail_list dropped = std::move(more_->calls);
}

void inbox_base::hold(bool held) {
  if (held == this->held()) return;
  more().held = held;
  if (!held && !empty()) more_->mail_added();
}

void inbox_base::on_take(take_hook hook) {
  if (hook)
    more().on_take = std::make_shared<const take_hook>(std::move(hook));
  else if (more_)
    more_->on_take.reset();
}

void inbox_base::tell_taken(const envelope& taken) {
  if (!more_) return;
  if (const auto hook = more_->on_take) (*hook)(taken); // which may change it
}

} // namespace greenroom
