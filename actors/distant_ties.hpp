#pragma once

// Private to the actors room: monitors and links between hubs.

#include "actor_extras.hpp"

#include <greenroom/hub/address.hpp>

#include <memory>
#include <utility>

namespace greenroom {

/// A monitor on an actor of another hub: the watcher holds this, and an entry
/// stands there among the actor's links. News travel behind the mail that the
/// actor sent before.
///
/// Each half is touched by its own hub's thread only. A request that finds its
/// hub ended says so itself, by its destructor, wherever that runs.
struct actor_base::distant_monitor
    : std::enable_shared_from_this<distant_monitor> {
  using hear_function = void (*)(void* whom, down&& news);

  distant_monitor(monitor_id name, const reference_key& on, void* listener,
                  hear_function how);

  /// To the hub of its target.
  static void send(std::shared_ptr<distant_monitor> made);
  ~distant_monitor();
  distant_monitor(const distant_monitor&) = delete;
  distant_monitor& operator=(const distant_monitor&) = delete;
  /// Nothing is heard any more. At home.
  void end();

  /// On its way to the hub of the target. Lost, it says so.
  struct request {
    explicit request(std::shared_ptr<distant_monitor> monitor)
        : of(std::move(monitor)) {}
    request(request&&) = default;
    request& operator=(request&&) = delete;
    ~request() {
      if (of) of->tell_no_connection();
    }
    void operator()() {
      of->arrive();
      of.reset();
    }
    std::shared_ptr<distant_monitor> of;
  };

private:
  struct entry;

  void heard(down&& news);
  void arrive();
  void tell(down&& news) noexcept;
  void tell_no_connection() noexcept;

  // Constant.
  const hub_address home_;
  const monitor_id id_;
  const reference_key target_;

  // At home.
  void* whom_; // null: nobody
  hear_function hear_;

  // Where the target is.
  std::unique_ptr<entry> there_;
};

/// What stands among the links of one end of a link between hubs.
struct actor_base::distant_half : greenlet_link, hub_end_link {
  distant_half(distant_link& link, const reference_key& actor);

  distant_half& peer() const;
  void stand_at(actor_base& actor);
  void leave() noexcept;
  /// Ends the link without a signal.
  void cut();
  void tell_peer(const exit_reason& why) noexcept;
  void signalled(const exit_reason& why);

  static void ended(greenlet_link& link, greenlet_base& actor);
  static void hub_ends(hub_end_link& link) noexcept;

  // Constant.
  distant_link& of;
  const reference_key at;

  // Of its own hub.
  actor_base* here = nullptr; // null: it does not stand
  std::shared_ptr<distant_link> kept;

private:
  /// Runs `function(peer)` on the other hub.
  template <class Function>
  void at_peer(Function function) noexcept;
};

/// A link between actors of two hubs. The first of them to end, or whose hub
/// ends, tells the other, if that half still stands when the news come.
struct actor_base::distant_link : std::enable_shared_from_this<distant_link> {
  distant_link(const reference_key& one, const reference_key& other)
      : home(hub::current().address()), near(*this, one), far(*this, other) {}

  static void begin(actor_base& here, const reference_key& there);

  const hub_address home; // of `near`
  distant_half near;
  distant_half far;

private:
  struct request;
};

struct actor_access::watch_request : actor_base::distant_monitor::request {
  using request::request;
};

} // namespace greenroom
