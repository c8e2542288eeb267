#pragma once

// Private to the net room: the greenlets that work for a server.

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/wait.hpp>

#include <cstddef>
#include <list>
#include <utility>

namespace greenroom {

/// The greenlets that handle what comes to a server, and how they end. A
/// handler may stop its own server: then neither it, nor others that do the
/// same, are waited for.
///
/// Ownership  Those that still run when it is destroyed live on.
/// Thread     Its hub's thread only.
/// Waits      `stop`, `wait_for_end`.
class handler_set {
public:
  explicit handler_set(const char* stopping) : stopping_(stopping) {}
  handler_set(const handler_set&) = delete;
  handler_set& operator=(const handler_set&) = delete;
  ~handler_set();

  /// Runs `body` in a greenlet of its own.
  template <class Body>
  void spawn(Body&& body) {
    std::list<handler> made; // kept when nothing can fail
    handler& entry = made.emplace_back(*this);
    entry.place = made.begin();
    entry.greenlet = greenroom::spawn(std::forward<Body>(body));
    entry.greenlet->add_link(entry);
    all_.splice(all_.end(), made);
  }

  std::size_t size() const { return all_.size(); }
  bool has_caller() const { return of_caller() != nullptr; }

  /// Waits until one has ended, or somebody calls `wake`; false when `until`
  /// passed.
  bool wait_for_end(deadline until, const char* what, const void* on) {
    return ends_.wait_turn(until, what, on);
  }
  void wake() { ends_.wake_all(); }

  /// Lets them finish until `grace` has passed, then kills the rest; those
  /// that swallow that are killed brutally 1 s later.
  void stop(deadline grace);
  // Where nobody can wait for it.
  void kill_brutally();
  void kill_soon(); // all but the caller

private:
  struct handler : greenlet_link {
    explicit handler(handler_set& set) : greenlet_link(&ended), of(set) {}
    static void ended(greenlet_link& link, greenlet_base&);

    handler_set& of;
    any_greenlet greenlet;
    std::list<handler>::iterator place;
    bool is_stopping = false; // the server
  };

  const handler* of_caller() const;
  handler* of_caller();
  bool wait_for_all(deadline until, bool by_handler);
  template <class End>
  void end_all(bool by_handler, End&& end);

  const char* stopping_; // for listings, who waits where
  std::list<handler> all_;
  std::size_t stoppers_ = 0; // of them, who stop the server
  wait_list ends_;
};

} // namespace greenroom
