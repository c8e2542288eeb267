#include "pool_core.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/log.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace greenroom {
namespace {

using namespace std::chrono_literals;

/// Before it tries again to start a worker that could not be started.
constexpr std::chrono::nanoseconds growth_pause = 1s;

std::string named(const pool_options& pool) {
  return "actor pool '" + pool.name + "'";
}

void check_size(const pool_options& pool, std::size_t least, std::size_t most) {
  if (most == 0 || least > most)
    throw std::invalid_argument(named(pool) + ": from " +
                                std::to_string(least) + " to " +
                                std::to_string(most) + " workers");
}

supervisor_options supervision(const pool_options& pool) {
  return {.max_restarts = pool.max_restarts,
          .within = pool.within,
          .children = pool.workers,
          .name = pool.name};
}

} // namespace

void inside::check_pool(const pool_options& options) {
  check_size(options, options.least, options.most);
  if (options.capacity == 0)
    throw std::invalid_argument(named(options) + ": a capacity of 0 messages");
  if (options.workers.restart != permanent)
    throw std::invalid_argument(named(options) +
                                ": its workers have to be permanent");
  if (options.idle_for < 0ns)
    throw std::invalid_argument(named(options) + ": `idle_for` is negative");
}

pool_core::pool_core(actor_base& front, pool_options limits,
                     inside::worker_maker make)
    : options_(std::move(limits)),
      make_(std::make_shared<const inside::worker_maker>(std::move(make))),
      tree_(std::make_shared<supervisor_core>(dynamic, supervision(options_))),
      front_(&front), least_(options_.least), most_(options_.most),
      tree_end_(*this), timer_(*this) {
  tree_->is_child = true;
}

pool_core::~pool_core() {
  close();
  supervisor_core::end(tree_);
}

// --- its life ---------------------------------------------------------------

void pool_core::start() {
  tree_->start();
  tree_->by_runner(
      [self = shared_from_this()](supervisor_core&) { self->grow_to_least(); });
  tree_->greenlet()->add_link(tree_end_);
  open_ = true; // for the turn in which this is called
}

/// The supervisor gave up.
void pool_core::end_link::ended(greenlet_link& link, greenlet_base& target) {
  pool_core& pool = static_cast<end_link&>(link).of;
  actor_access::end_for(*pool.front_, exit_reason_of(target), false);
}

void pool_core::end() {
  close();
  tree_->stop(exit_kind::shutdown);
}

void pool_core::destroyed(std::shared_ptr<pool_core> last,
                          any_greenlet front) noexcept {
  pool_core& pool = *last;
  if (!pool.address_.is_here()) {
    const hub_address home = pool.address_;
    (void)post_to(home, [core = std::move(last), kept = std::move(front)] {
      log_error(named(core->options_) + " was destroyed on another thread than "
                                        "its own; it is ended there");
      spawn([core, kept] { destroyed(core, kept); });
    });
    return;
  }
  if (!pool.closed_ && pool.front_) {
    pool.close();
    actor_access::end_for(*pool.front_, exit_kind::shutdown, false);
  }
  supervisor_core::end(pool.tree_);
}

void pool_core::check_thread() const {
  if (!address_.is_here())
    throw wrong_hub(named(options_) + " belongs to the hub of another thread, "
                                      "or of one that has ended");
}

void pool_core::check_no_worker(const char* call) const {
  check_thread();
  const greenlet_base* const self = tree_->home.running();
  const bool own =
      self && std::any_of(seats_.begin(), seats_.end(), [&](const auto& each) {
        return each->worker.local() == self;
      });
  if (own)
    throw std::system_error(
        std::make_error_code(std::errc::resource_deadlock_would_occur),
        "worker '" + self->name() + "' would wait for its own pool in " + call);
}

void pool_core::close() noexcept {
  open_ = false;
  closed_ = true;
  if (tree_end_.next) tree_->greenlet()->remove_link(tree_end_);
  if (timer_.linked()) timer_.unlink();
  for (const auto& each : seats_) {
    each->pool = nullptr;
    each->at_rest = false;
  }
  resting_.clear();
  seats_.clear();
  retiring_ = 0;
}

void pool_core::front_gone() noexcept {
  close();
  front_ = nullptr;
}

// --- mail to workers --------------------------------------------------------

/// The front's. Its own mail is not for it: it only ends, if it has to.
void pool_core::turn(bool first) {
  const any_greenlet kept{*front_};
  if (first)
    actor_access::first_turn(*front_, turns_);
  else
    actor_access::mail_turn(*front_, turns_);
  if (kept->state() == greenlet_state::idle) attend();
}

/// Hands mail to those who are free, as long as there is both.
void pool_core::attend() {
  if (!open_) return;
  while (has_mail()) {
    pool_seat* const next = next_free();
    if (!next) return grow_soon();
    leave_rest(*next);
    actor_access::hand_over(*front_, *next->worker.local());
  }
  if (!mail().drained() || resting_.size() < seats_.size()) return;
  turns_.shutdown();
  actor_access::wake(*front_);
}

bool pool_core::has_mail() const {
  return inbox_access::has_next(mail());
}

/// Not one at rest that is suspended, or has been killed.
bool pool_core::can_take(const pool_seat& seat) {
  actor_base* const worker = seat.worker.local();
  return worker && worker->state() == greenlet_state::idle &&
         !actor_access::inbox_of(*worker).held();
}

pool_seat* pool_core::next_free() const {
  for (auto each = resting_.rbegin(); each != resting_.rend(); ++each)
    if (can_take(**each)) return *each;
  return nullptr;
}

void pool_core::first_worker_turn(runnable& turn) {
  turn.on_turn = &next_worker_turn;
  worker_turn(turn, true);
}

void pool_core::next_worker_turn(runnable& turn) {
  worker_turn(turn, false);
}

/// As an actor's, and then its pool hears that it has come to rest.
void pool_core::worker_turn(runnable& turn, bool first) {
  auto& worker = static_cast<actor_base&>(turn);
  const any_greenlet kept{worker};
  pool_seat& seat = actor_access::seat_of(worker);
  if (seat.at_rest) seat.pool->leave_rest(seat);
  inbox_base& inbox = actor_access::inbox_of(worker);
  if (first)
    actor_access::first_turn(worker, inbox);
  else
    actor_access::mail_turn(worker, inbox);
  if (seat.pool && worker.state() == greenlet_state::idle)
    seat.pool->rested(seat);
}

void pool_core::rested(pool_seat& seat) {
  if (seat.retiring) return retire(seat);
  seat.at_rest = true;
  resting_.push_back(&seat);
  attend();
  if (!seat.at_rest || least_ == most_) return;
  seat.idle_since = now();
  await_idle();
}

void pool_core::leave_rest(pool_seat& seat) {
  if (!std::exchange(seat.at_rest, false)) return;
  if (resting_.back() == &seat)
    resting_.pop_back();
  else
    std::erase(resting_, &seat);
}

// --- more workers -----------------------------------------------------------

bool pool_core::wants_more() const {
  return open_ && has_mail() && !next_free() && size() < most_;
}

void pool_core::grow_soon() {
  if (growing_ || !wants_more()) return;
  if (now() < no_growth_before_) return arm(no_growth_before_);
  growing_ = true;
  order(&pool_core::grow);
}

/// In the supervisor's greenlet, as the next two.
void pool_core::grow() {
  growing_ = false;
  if (!wants_more()) return;
  no_growth_before_ = now() + growth_pause; // unless it succeeds
  add_worker();
  no_growth_before_ = {};
  attend();
}

void pool_core::grow_to_least() {
  while (!closed_ && size() < least_)
    add_worker();
}

void pool_core::add_worker() {
  const auto seat = std::make_shared<pool_seat>();
  seat->pool = this;
  auto& added = tree_->add_nameless();
  added.make = [seat, make = make_](const reference_key& place) {
    actor_base* const made = (*make)(place);
    seat->worker = place;
    actor_access::enter_pool(*made, seat);
    made->on_turn = &first_worker_turn;
    return made;
  };
  seats_.push_back(seat);
  resting_.reserve(seats_.size());
  try {
    tree_->start_in_place(added);
  } catch (...) {
    if (seat->pool) leave(*seat);
    throw;
  }
}

/// It is none of the pool's any more.
void pool_core::leave(pool_seat& seat) {
  leave_rest(seat);
  seat.pool = nullptr;
  retiring_ -= seat.retiring;
  std::erase_if(seats_, [&](const auto& each) { return each.get() == &seat; });
  attend();
}

// --- fewer workers ----------------------------------------------------------

void pool_core::retire(pool_seat& seat) {
  const reference_key worker = seat.worker;
  leave(seat);
  order([worker](pool_core& pool) {
    pool.tree_->terminate(pool.tree_->by_key(worker), true);
  });
}

/// Who has been at rest longest, or else the youngest when it has done.
void pool_core::retire_one() {
  if (!resting_.empty()) return retire(*resting_.front());
  for (auto each = seats_.rbegin(); each != seats_.rend(); ++each)
    if (!(*each)->retiring) {
      (*each)->retiring = true;
      ++retiring_;
      return;
    }
}

/// As many as are needed again of those that were to go.
void pool_core::keep_retiring() {
  for (const auto& each : seats_)
    if (each->retiring && size() < least_) {
      each->retiring = false;
      --retiring_;
    }
}

void pool_core::retire_idle() {
  while (size() > least_ && !resting_.empty() &&
         now() - resting_.front()->idle_since >= options_.idle_for)
    retire(*resting_.front());
  await_idle();
}

void pool_core::await_idle() {
  if (timer_.linked() || resting_.empty() || size() <= least_) return;
  if (options_.idle_for == infinity) return;
  arm(options_.idle_for - (now() - resting_.front()->idle_since));
}

void pool_core::arm(deadline when) {
  if (timer_.linked()) timer_.unlink();
  tree_->home.arm(timer_, when);
}

void pool_core::pool_timer::fired(timer& due) {
  pool_core& pool = static_cast<pool_timer&>(due).of;
  pool.attend();
  pool.retire_idle();
}

void pool_core::resize(std::size_t least, std::size_t most) {
  check_thread();
  check_size(options_, least, most);
  if (closed_) throw_error(errc::dead, "actor pool '" + name() + "'");
  least_ = least;
  most_ = most;
  while (size() > most_)
    retire_one();
  keep_retiring();
  for (pool_seat* each : resting_)
    each->idle_since = now();
  await_idle();
  attend();
  if (size() < least_)
    tree_->by_runner([self = shared_from_this()](supervisor_core&) {
      self->grow_to_least();
    });
}

void pool_core::order(std::function<void(pool_core&)> function) {
  tree_->order([weak = weak_from_this(), function = std::move(function)] {
    const auto self = weak.lock();
    if (!self || self->closed_) return;
    try {
      function(*self);
    } catch (const std::exception& error) {
      log_warning(named(self->options_) + ": " + error.what());
    }
  });
}

// --- what there is ----------------------------------------------------------

std::size_t pool_core::free() const {
  return static_cast<std::size_t>(
      std::count_if(resting_.begin(), resting_.end(),
                    [](const pool_seat* each) { return can_take(*each); }));
}

std::size_t pool_core::waiting() const {
  return front_ ? mail().size() : 0;
}

std::vector<reference_key> pool_core::workers() const {
  std::vector<reference_key> all;
  for (const auto& each : seats_)
    if (!each->retiring) all.push_back(each->worker);
  return all;
}

} // namespace greenroom
