#include <greenroom/hub/timeout.hpp>

#include <greenroom/hub/hub.hpp>

#include <cstdio>

namespace greenroom {

std::string timeout_expired::text() const {
  const double seconds = std::chrono::duration<double>(limit_).count();
  char text[64];
  std::snprintf(text, sizeof text, "%g second%s", seconds,
                seconds == 1 ? "" : "s");
  return text;
}

timeout::alarm::alarm(timeout& target)
    : timer(&timeout::expire, true), owner(target) {
}

timeout::timeout(std::chrono::nanoseconds limit)
    : limit_(limit), alarm_(*this) {
}

void timeout::start() {
  if (pending())
    throw_error(errc::already_started,
                "timeout of " + timeout_expired{*this, limit_}.text());
  attach();
  owner_->home().arm(alarm_, deadline{limit_});
}

void timeout::attach() {
  greenlet_base& here = current();
  owner_ = &here;
  expired_ = 0;
  previous_ = nullptr;
  next_ = here.timeouts_;
  if (next_) next_->previous_ = this;
  here.timeouts_ = this;
}

void timeout::cancel() {
  alarm_.unlink();
  if (owner_) leave_owner();
}

void timeout::leave_owner() {
  if (next_) next_->previous_ = previous_;
  (previous_ ? previous_->next_ : owner_->timeouts_) = next_;
  owner_ = nullptr;
}

void timeout::expire(timer& fired) {
  timeout& self = static_cast<alarm&>(fired).owner;
  self.expire_now(self.reason_);
}

void timeout::expire_now(std::exception_ptr reason) {
  static thread_local std::uint64_t expiries = 0;
  reason_ = std::move(reason);
  expired_ = ++expiries;
  if (owner_) owner_->disturb_wait();
}

void timeout::deliver() {
  const std::exception_ptr reason = reason_;
  const timeout_expired expired{*this, limit_};
  leave_owner();
  if (reason) std::rethrow_exception(reason);
  throw expired;
}

/// Throws the timeout that expired first, if any has.
void greenlet_base::throw_pending_timeout() {
  timeout* first = nullptr;
  for (timeout* each = timeouts_; each; each = each->next_)
    if (each->expired_ && (!first || each->expired_ < first->expired_))
      first = each;
  if (first) first->deliver();
}

/// The greenlet has ended: its timeouts, which may live elsewhere, are over.
void greenlet_base::drop_timeouts() noexcept {
  while (timeouts_)
    timeouts_->cancel();
}

shield::shield() : protected_(current()) {
  ++protected_.shields_;
}

shield::~shield() {
  --protected_.shields_;
}

} // namespace greenroom
