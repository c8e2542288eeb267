#include <greenroom/actors/actor_pool.hpp>

#include "pool_core.hpp"

#include <exception>
#include <system_error>

namespace greenroom {

actor_pool_base::actor_pool_base(parts made)
    : front_(*made.front), key_(actor_access::key(*made.front)),
      core_(std::move(made.core)) {
  greenlet_access::share(*made.front);
  made.front->name(name());
  core_->stand_alone();
  const auto started = actor_access::start(*made.front);
  try {
    started.get();
  } catch (const std::system_error& error) {
    front_.join();
    if (error.code() != errc::dead) throw;
    if (reason().exception()) std::rethrow_exception(reason().exception());
    throw start_failure("actor pool '" + name() +
                        "' failed to start: " + to_string(reason()));
  } catch (...) {
    front_.kill_soon();
    throw;
  }
}

actor_pool_base::~actor_pool_base() {
  pool_core::destroyed(std::move(core_), std::move(front_));
}

void actor_pool_base::set_size(std::size_t least, std::size_t most) {
  core_->resize(least, most);
}

void actor_pool_base::stop(exit_reason why) {
  core_->check_no_worker("stop");
  stop_soon(std::move(why));
  join();
}

void actor_pool_base::stop_soon(exit_reason why) {
  core_->check_thread();
  if (running()) static_cast<actor_base&>(*front_).stop(std::move(why));
}

bool actor_pool_base::kill(deadline until) {
  core_->check_thread();
  return front_.kill(until);
}

bool actor_pool_base::join(deadline until) const {
  core_->check_no_worker("join");
  return front_.join(until);
}

exit_reason actor_pool_base::reason() const {
  return running() ? exit_reason{} : exit_reason_of(*front_);
}

std::vector<reference_key> actor_pool_base::worker_keys() const {
  return core_->workers();
}

std::size_t actor_pool_base::size() const {
  return core_->size();
}

std::size_t actor_pool_base::free() const {
  return core_->free();
}

std::size_t actor_pool_base::waiting() const {
  return core_->waiting();
}

std::vector<child_info> actor_pool_base::children() const {
  return core_->children();
}

const std::string& actor_pool_base::name() const {
  return core_->name();
}

std::string to_string(const actor_pool_base& pool) {
  std::string text = pool.name() + "  actor pool  " +
                     (pool.running() ? "running  " : "stopped  ") +
                     std::to_string(pool.waiting()) + " waiting  " +
                     std::to_string(pool.free()) + " free\n";
  write(text, pool.children(), 1);
  return text;
}

// --- what is inside ---------------------------------------------------------

namespace inside {

std::shared_ptr<pool_core> make_pool(actor_base& front, pool_options options,
                                     worker_maker make) {
  check_pool(options);
  return std::make_shared<pool_core>(front, std::move(options),
                                     std::move(make));
}

void start_pool(pool_core& core) {
  core.start();
}

void end_pool(pool_core& core) {
  core.end();
}

void leave_pool(pool_core& core) noexcept {
  core.front_gone();
}

void first_turn(pool_core& core) {
  core.turn(true);
}

void next_turn(pool_core& core) {
  core.turn(false);
}

} // namespace inside
} // namespace greenroom
