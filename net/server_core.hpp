#pragma once

// Private to the net room: how servers serve and end.

#include "handler_set.hpp"

#include <greenroom/hub/address.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/wait.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <system_error>

namespace greenroom {

/// What is behind a server, shared with its greenlets: one that lets in what
/// comes, and the handlers.
class server_core : public std::enable_shared_from_this<server_core> {
public:
  server_core(const char* kind, const char* stopping);
  server_core(const server_core&) = delete;
  server_core& operator=(const server_core&) = delete;
  virtual ~server_core() = default;

  virtual void start() = 0;
  virtual bool started() const = 0;
  virtual std::string name() const = 0; // where it listens

  /// Nothing more is let in; what was, is handled.
  void keep_out();
  void stop(deadline grace);
  void serve_forever();
  /// By a server's destructor.
  static void end(std::shared_ptr<server_core> last) noexcept;

  // Hub thread only.
  handler_set handlers;

protected:
  /// Nothing more is let in, and handlers are told. Does not wait.
  virtual void begin_to_stop() = 0;
  /// What handlers need until their end.
  virtual void let_go() noexcept {}

  /// The one who lets in, when that is not possible any more.
  void give_up(const std::string& what, const std::error_code& failed);
  bool is_letting_in() const { return doorman && !doorman.dead(); }
  /// Where `start` has waited, for the lookup of a name.
  void check_alive() const;

  any_greenlet doorman; // the one who lets in

private:
  void end_here();

  const char* kind_;
  hub_address home_;

  // Hub thread only.
  bool is_over_ = false;     // the server was destroyed
  std::error_code unusable_; // what it listens on
  std::string unusable_what_;
  wait_list stopped_;  // who waits in serve_forever
  unsigned stops_ = 0; // so far
};

/// Between attempts at what failed: 10 ms, doubling to 1 s.
class growing_pause {
public:
  void reset() { last_ = std::chrono::milliseconds(0); }
  /// Logs, and waits.
  void after(const std::string& what, const std::error_code& failed);

private:
  std::chrono::milliseconds last_{0};
};

/// The descriptor is no socket any more that anything could come from.
bool is_fatal(const std::error_code& failed);

} // namespace greenroom
