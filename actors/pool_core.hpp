#pragma once

// Private to the actors room: a pool of actors at work.

#include "supervisor_core.hpp"

#include <greenroom/actors/actor_pool.hpp>
#include <greenroom/hub/timer.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace greenroom {

/// A worker's place in its pool, through all its restarts.
struct pool_seat {
  reference_key worker;
  pool_core* pool = nullptr; // null: it belongs to none any more
  bool at_rest = false;      // is among the pool's `resting_`
  bool retiring = false;     // goes when it is at rest
  steady_time idle_since{};  // while it is at rest
};

/// What a pool's front, its handle and its workers share.
///
/// The front keeps all mail in its inbox, so that the inbox's bound is that of
/// the pool. A worker that comes to rest takes the oldest message; a message
/// that comes while workers are free gives the front a turn, to hand it over.
/// What has to wait, to start a worker and to end one, the greenlet of the
/// workers' supervisor does.
class pool_core : public std::enable_shared_from_this<pool_core> {
public:
  pool_core(actor_base& front, pool_options limits, inside::worker_maker make);
  pool_core(const pool_core&) = delete;
  pool_core& operator=(const pool_core&) = delete;
  ~pool_core();

  // --- by its front ---------------------------------------------------------

  void start();
  void turn(bool first);
  void end();
  /// Has no workers from here on, nor hears from those there were.
  void close() noexcept;
  void front_gone() noexcept;

  // --- by its handle --------------------------------------------------------

  /// It is no part of a tree: `hub::shutdown` is to stop it.
  void stand_alone() { tree_->is_child = false; }
  /// As that of a supervisor.
  static void destroyed(std::shared_ptr<pool_core> last,
                        any_greenlet front) noexcept;
  void check_thread() const;
  /// Throws when one of its workers calls, who would wait for itself.
  void check_no_worker(const char* call) const;
  void resize(std::size_t least, std::size_t most);
  std::size_t size() const { return seats_.size() - retiring_; }
  std::size_t free() const;
  std::size_t waiting() const;
  std::vector<reference_key> workers() const;
  std::vector<child_info> children() const { return tree_->list(); }
  const std::string& name() const { return options_.name; }

private:
  struct no_mail : inbox_base {};
  struct end_link : greenlet_link {
    explicit end_link(pool_core& pool) : greenlet_link(&ended), of(pool) {}
    static void ended(greenlet_link& link, greenlet_base& target);
    pool_core& of;
  };
  struct pool_timer : timer {
    explicit pool_timer(pool_core& pool) : timer(&fired), of(pool) {}
    static void fired(timer& due);
    pool_core& of;
  };

  static void first_worker_turn(runnable& turn);
  static void next_worker_turn(runnable& turn);
  static void worker_turn(runnable& turn, bool first);

  inbox_base& mail() const { return actor_access::inbox_of(*front_); }
  bool has_mail() const;
  static bool can_take(const pool_seat& seat);
  pool_seat* next_free() const;
  void attend();
  void rested(pool_seat& seat);
  void leave_rest(pool_seat& seat);

  bool wants_more() const;
  void grow_soon();
  void grow();
  void grow_to_least();
  void add_worker();
  void leave(pool_seat& seat);
  void retire(pool_seat& seat);
  void retire_one();
  void keep_retiring();
  void retire_idle();
  void await_idle();
  void arm(deadline when);
  /// Has the supervisor's greenlet call `function`; errors are logged.
  void order(std::function<void(pool_core&)> function);

  const pool_options options_;
  const hub_address address_ = hub::current().address(); // it may have ended
  const std::shared_ptr<const inside::worker_maker> make_;
  const std::shared_ptr<supervisor_core> tree_; // dynamic; of the workers

  // Hub thread only.
  actor_base* front_;    // null when it is gone
  no_mail turns_;        // closed when the front has no more to do
  bool open_ = false;    // mail is handed out
  bool closed_ = false;  // has no workers any more
  bool growing_ = false; // that is ordered
  std::size_t least_;
  std::size_t most_;
  std::size_t retiring_ = 0;                      // of the seats
  std::vector<std::shared_ptr<pool_seat>> seats_; // oldest first
  std::vector<pool_seat*> resting_;               // the longest first
  steady_time no_growth_before_{};
  end_link tree_end_;
  pool_timer timer_;
};

} // namespace greenroom
