#include <greenroom/actors/delayed_send.hpp>

#include <greenroom/actors/actor_base.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>
#include <greenroom/mailbox/inbox_base.hpp>

#include <exception>
#include <stdexcept>
#include <string>

namespace greenroom {

std::optional<std::chrono::nanoseconds> delayed_send::cancel() const {
  return state_ ? state_->cancel() : std::nullopt;
}

bool delayed_send::pending() const {
  return state_ && state_->pending();
}

void delayed_send::check_period(std::chrono::nanoseconds period) {
  if (period.count() <= 0)
    throw std::invalid_argument("send_every: a period of " +
                                std::to_string(period.count()) + " ns");
}

delayed_send::state::state(const reference_key& to,
                           std::chrono::nanoseconds period)
    : timer(&fire), home_(hub::current()), to_(to), period_(period.count()) {
}

void delayed_send::state::begin(std::shared_ptr<state> self,
                                std::chrono::nanoseconds delay) {
  const deadline first{delay};
  if (delay.count() < 0 || first.is_never())
    throw std::invalid_argument("send_after: a delay of " +
                                std::to_string(delay.count()) + " ns");
  if (!actor_end_.stand_at(to_)) return; // dead
  due_ = static_cast<std::uint64_t>(first.nanoseconds());
  self_ = std::move(self);
  home_.arm(*this, first);
}

/// Nothing more is to come.
void delayed_send::state::end() {
  unlink();
  actor_end_.leave();
  const auto last = std::move(self_);
}

void delayed_send::state::end_of_actor::ended(reference_end_link& link) {
  static_cast<end_of_actor&>(link).timed.end();
}

namespace {

/// Finds the mail of one sender.
template <class Mark, class Sender>
struct mail_from : inbox_access::search {
  explicit mail_from(const Sender& of) : search(&is_wanted), sender(of) {}
  static bool is_wanted(search& self, const envelope& mail) {
    const auto* const mark = dynamic_cast<const Mark*>(&mail);
    return mark && mark->is_from(static_cast<mail_from&>(self).sender);
  }
  const Sender& sender;
};

} // namespace

std::optional<std::chrono::nanoseconds> delayed_send::state::cancel() {
  if (!pending()) return std::nullopt;
  home_.check_thread("a delayed_send");
  const std::uint64_t now = home_.nanoseconds();
  const std::int64_t left = linked() && due_ > now && waiting == 0
                                ? static_cast<std::int64_t>(due_ - now)
                                : 0;
  const auto kept = self_;
  bool stopped = linked();
  end();
  while (actor_base* const target = waiting > 0 ? to_.local() : nullptr) {
    mail_from<sent_mark, state> mine{*this};
    if (!inbox_access::remove(actor_access::inbox_of(*target), mine)) break;
    stopped = true;
  }
  if (!stopped) return std::nullopt; // a pool has handed it to a worker
  return std::chrono::nanoseconds(left);
}

void delayed_send::state::fire(timer& due) {
  auto& self = static_cast<state&>(due);
  const std::shared_ptr<state> kept = self.self_;
  try {
    actor_access::put_anyhow(self.to_, self.next_mail(kept));
  } catch (...) {
    log_error("a message to " + to_string(self.to_) +
              " at a later time: " + describe(std::current_exception()));
    return self.end();
  }
  if (!self.repeats()) return self.end();
  if (!self.self_) return; // it was cancelled by what it caused
  self.due_ += static_cast<std::uint64_t>(self.period_);
  self.home_.arm(self, steady_time{std::chrono::nanoseconds(self.due_)});
}

} // namespace greenroom
