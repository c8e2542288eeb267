#pragma once

// Private to the actors room: the parts of an actor that few actors need.

#include <greenroom/actors/actor_base.hpp>
#include <greenroom/actors/delayed_send.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/timer.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace greenroom {

/// One call of `monitor`: stands among the links of the one it watches.
struct actor_base::monitor_entry : greenlet_link {
  monitor_entry(monitor_id name, const reference_key& place)
      : greenlet_link(&ended), id(name), key(place) {}
  virtual ~monitor_entry() = default;

  void stand_at(greenlet_base& on);
  void leave();
  static void ended(greenlet_link& link, greenlet_base& target);
  /// Of the last one it destroys itself.
  virtual void tell(down&& news) = 0;

  monitor_id id;
  greenlet_base* target = nullptr; // null: it is to be restarted
  reference_key key;
};

/// Of an actor of the same hub, which owns it.
struct actor_base::near_monitor final : monitor_entry {
  near_monitor(actor_base& of, monitor_id name, const reference_key& place)
      : monitor_entry(name, place), watcher(of) {}

  void tell(down&& news) override;

  actor_base& watcher;
};

/// Sends it `receive_timeout` when it has rested for so long.
struct actor_base::rest_timer : timer {
  rest_timer(actor_base& resting, std::chrono::nanoseconds limit, make_mail how)
      : timer(&fired, true), of(resting), longest(limit), make(how) {}
  ~rest_timer() {
    if (linked()) unlink();
  }

  static void fired(timer& due);

  actor_base& of;
  std::chrono::nanoseconds longest;
  make_mail make;
  steady_time since{};
};

struct actor_base::actor_extras : greenlet_part {
  std::optional<exit_reason> killed_for;  // counts if a kill ended it
  std::optional<exit_reason> stopped_for; // else
  std::shared_ptr<behaviour_base> behaviour;
  std::unique_ptr<rest_timer> rest;
  delayed_send state_timeout;
  std::unordered_map<monitor_id, std::unique_ptr<near_monitor>> monitors;
  std::unordered_map<monitor_id, std::shared_ptr<distant_monitor>> elsewhere;

  // Of one that a supervisor looks after.
  std::optional<async_result<void>> when_started; // set after `on_start`
  std::vector<monitor_entry*> told; // monitors that wait for the next start
  wait_list next;                   // who waits for that, or for none to come
  std::shared_ptr<pool_seat> seat;  // of a pool's worker
};

} // namespace greenroom
