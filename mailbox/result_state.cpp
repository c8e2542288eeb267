#include <greenroom/mailbox/result_state.hpp>

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/mailbox/distant_read.hpp>

#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace greenroom {
namespace {

/// Held to count drops of results whose home has ended.
std::mutex& stranded_lock() {
  static auto* lock = new std::mutex; // outlives every result
  return *lock;
}

} // namespace

void result_state::check_readable(const char* what) const {
  if (!is_here() && home_.visit([](hub&) {}))
    throw wrong_hub(std::string(what) +
                    " is for the result's own hub: use get or wait");
}

std::exception_ptr result_state::failure(errc why) noexcept {
  try {
    throw std::system_error(make_error_code(why));
  } catch (...) {
    return std::current_exception();
  }
}

std::exception_ptr result_state::failure_of(const greenlet_base& ended) {
  if (ended.exception()) return ended.exception();
  if (!ended.killed()) return nullptr;
  return std::make_exception_ptr(std::system_error(
      make_error_code(errc::killed), "greenlet '" + ended.name() + "'"));
}

std::exception_ptr result_state::other_type(const greenlet_base& ended) {
  return std::make_exception_ptr(std::invalid_argument(
      "async_result: greenlet '" + ended.name() +
      "', which it is linked to, returns something else"));
}

/// Looks whether one that is to set a result waits, over others or itself, for
/// a result that `self`, which is about to wait, is to set.
struct result_state::circle_search {
  struct debtor {
    const greenlet_base* who;
    const debtor* asked_by; // the one before; null: by `self`
  };

  void look(const result_state& awaited, const debtor* asker = nullptr) {
    const greenlet_base* const next = awaited.debtor();
    if (!next) return;
    const debtor found{next, asker};
    if (next == &self) refuse(found);
    if (--steps < 0) return; // a circle of others, or a crowd
    const wait_record* const wait = next->waiting_on();
    if (!wait || !wait->on) return;
    if (wait->what == wait_name)
      look(*static_cast<const result_state*>(wait->on), &found);
    else if (wait->what == result_group::wait_name)
      for (const result_state* each :
           static_cast<const result_group*>(wait->on)->members)
        if (!each->ready()) look(*each, &found);
  }

  [[noreturn]] void refuse(const debtor& last) const {
    std::string chain;
    for (const debtor* each = &last; each; each = each->asked_by)
      chain = " asks '" + each->who->name() + "'" + chain;
    throw std::system_error(
        std::make_error_code(std::errc::resource_deadlock_would_occur),
        "a circle of asks: '" + self.name() + "'" + chain);
  }

  const greenlet_base& self;
  int steps = 1000;
};

void result_state::check_circle() const {
  if (const greenlet_base* const self = waiters_.home().running())
    circle_search{*self}.look(*this);
}

void result_group::check_circles() const {
  for (const result_state* each : members)
    if (!each->ready()) each->check_circle();
}

wait_list& result_state::watchers() {
  waiters_.home().check_thread("an async_result that is watched");
  return waiters_;
}

/// A value wins, whenever it comes.
void result_state::fail(std::exception_ptr error) {
  if (!error) throw std::invalid_argument("async_result: no exception to set");
  error_ = std::move(error);
  became(successful() ? result_outcome::value : result_outcome::error);
}

void result_state::fail_for_want_of_value(std::exception_ptr error) {
  error_ = std::move(error);
  became(result_outcome::error);
}

// --- handles ----------------------------------------------------------------

/// Acquires: as a task it was last used before home took off what was noted.
/// Releases: all use of the handle comes before that.
bool result_state::note_drop() noexcept {
  return dropped_elsewhere_.fetch_add(1, std::memory_order_acq_rel) == 0;
}

bool result_state::take_off_noted() noexcept {
  const std::uint32_t noted =
      dropped_elsewhere_.exchange(0, std::memory_order_acq_rel);
  const auto unanswered =
      static_cast<errc>(unanswered_.load(std::memory_order_relaxed));
  if (unanswered != errc{} && !ready()) fail(failure(unanswered));
  copies_ -= noted;
  return handles() == 0;
}

/// One that an abandoned greenlet still stands at stays for ever.
bool result_state::take_off_stranded() noexcept {
  const std::lock_guard held{stranded_lock()};
  copies_ -= dropped_elsewhere_.exchange(0, std::memory_order_acq_rel);
  return handles() == 0 && readers_ == 0 && waiters_.empty();
}

void result_state::give_up() {
  while (wait_record* oldest = waiters_.front()) {
    waiters_.take_off(*oldest);
    waiters_.home().wake(*oldest, wake_cause::destroyed);
  }
  while (distant_read* oldest = distant_) {
    let_go(*oldest);
    oldest->give_up();
  }
}

// --- who waits elsewhere ----------------------------------------------------

void result_state::serve_distant() {
  while (distant_read* oldest = distant_) {
    let_go(*oldest);
    oldest->serve(*this);
  }
}

/// Its handle is lent for as long as it stands here.
void result_state::enlist(distant_read& call) {
  --copies_;
  ++readers_;
  if (!distant_) {
    distant_ = call.previous_ = call.next_ = &call;
  } else {
    call.next_ = distant_;
    call.previous_ = distant_->previous_;
    distant_->previous_->next_ = &call;
    distant_->previous_ = &call;
  }
  call.listed_ = true;
  waiters_.home().add_end_link(call);
}

void result_state::unlist(distant_read& call) {
  ++copies_;
  --readers_;
  if (call.next_ == &call) {
    distant_ = nullptr;
  } else {
    call.previous_->next_ = call.next_;
    call.next_->previous_ = call.previous_;
    if (distant_ == &call) distant_ = call.next_;
  }
  call.listed_ = false;
}

void result_state::let_go(distant_read& call) {
  unlist(call);
  waiters_.home().remove_end_link(call);
}

} // namespace greenroom
