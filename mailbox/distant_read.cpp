#include <greenroom/mailbox/distant_read.hpp>

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/result_state.hpp>

#include <mutex>
#include <utility>

namespace greenroom {

/// The wait of the greenlet that called.
struct distant_read::waiting : wait_record {
  waiting(distant_read& message, const void* object)
      : wait_record("async_result", object, &end_early), call(message) {}

  /// Not when it was served: it is on its way here, which ends the wait.
  static void end_early(wait_record& record, wake_cause cause) {
    distant_read& call = static_cast<waiting&>(record).call;
    if (!call.claim()) return;
    call.withdraw();
    hub::current().wake(record, cause);
  }

  distant_read& call;
};

distant_read::distant_read() : hub_end_link(&home_ends) {
}

// --- on the hub of the call -------------------------------------------------

distant_read::end distant_read::travel(deadline until, const char* what) {
  hub& here = hub::current();
  waiting record{*this, &target()};
  here.begin_wait(record);
  const work_guard outside{here};
  asker_ = here.address();
  waiter_ = &record;
  run = &arrived;
  drop = &stranded;
  add_reference(); // the message's
  if (!target().home().post(*this)) {
    drop_reference();
    return end::stranded;
  }
  here.park(record, until);
  if (record.cause == wake_cause::timed_out) return end::timed_out;
  if (record.cause == wake_cause::interrupted) {
    here.throw_pending();
    return end::try_again;
  }
  if (in_vain_) throw_error(errc::destroyed, what);
  if (error_) std::rethrow_exception(error_);
  return end::served;
}

/// What is loaded may hold results that are loaded, too: hence recursive.
void distant_read::load_stranded() {
  static auto* lock = new std::recursive_mutex; // outlives every result
  const std::lock_guard held{*lock};
  const no_wait guard;
  load(target());
}

void distant_read::withdraw() noexcept {
  waiter_ = nullptr;
  withdrawal_.call = this;
  withdrawal_.run = &withdrawn;
  withdrawal_.drop = &withdrawal_dropped;
  add_reference(); // the withdrawal's
  if (!target().home().post(withdrawal_)) drop_reference();
}

void distant_read::came_back(remote_task& task) {
  auto& self = static_cast<distant_read&>(task);
  if (self.waiter_)
    hub::current().wake(*std::exchange(self.waiter_, nullptr),
                        wake_cause::notified);
  self.drop_reference();
}

void distant_read::dropped(remote_task& task) {
  static_cast<distant_read&>(task).drop_reference();
}

void distant_read::withdrawal_dropped(remote_task& task) {
  static_cast<withdrawal&>(task).call->drop_reference();
}

// --- at home ----------------------------------------------------------------

void distant_read::arrived(remote_task& task) {
  static_cast<distant_read&>(task).arrive();
}

void distant_read::enter(result_state& at) {
  if (at.ready()) return serve(at);
  at.enlist(*this);
  if (at.handles() == 0) at.give_up(); // only calls like this are left
}

/// What loading throws goes to the caller. If claimed by the caller, it is
/// withdrawn, and nothing is taken.
void distant_read::serve(result_state& from) noexcept {
  if (!claim()) return drop_reference();
  try {
    const no_wait guard;
    load(from);
  } catch (...) {
    error_ = std::current_exception();
  }
  go_back();
}

void distant_read::give_up() noexcept {
  if (!claim()) return drop_reference();
  in_vain_ = true;
  go_back();
}

/// After this it belongs to the hub of the call, and may be gone.
void distant_read::go_back() noexcept {
  run = &came_back;
  drop = &dropped;
  const hub_address to = asker_;
  if (!to.post(*this)) drop_reference();
}

/// Sent, but home ended before it came.
void distant_read::stranded(remote_task& task) {
  static_cast<distant_read&>(task).give_up();
}

/// Home still counts the handle, so that is put right first.
void distant_read::home_ends(hub_end_link& link) noexcept {
  auto& self = static_cast<distant_read&>(link);
  self.target().unlist(self);
  self.give_up();
}

/// It stands at home unless it was served, or was found withdrawn.
void distant_read::withdrawn(remote_task& task) {
  distant_read& self = *static_cast<withdrawal&>(task).call;
  if (self.listed_) {
    self.target().let_go(self);
    self.drop_reference(); // the message's
  }
  self.drop_reference();
}

} // namespace greenroom
