#pragma once

// Private to the zmq room: what is behind a socket.

#include "errors.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/zmq/socket.hpp>

#include <asio/io_context.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom::zmq {

/// Shared with the calls that wait on it, which may outlive the socket.
///
/// libzmq tells by one descriptor that *something* has happened: it becomes
/// readable when a command has come for the socket, and any call on the socket
/// may take that command away. What it was about is told by ZMQ_EVENTS. So:
/// an operation is tried first; who then has to wait has seen all commands,
/// and the descriptor tells of later ones; and after an operation of anybody
/// else, while somebody waits, the events are looked at again (`look_later`),
/// once for all that a greenlet does in its turn.
class socket::core final : public std::enable_shared_from_this<core>,
                           private runnable,
                           private hub_end_link {
public:
  core(const context& in, socket_type kind);
  core(const core&) = delete;
  core& operator=(const core&) = delete;
  ~core();

  /// What libzmq does without waiting: 0, or its error.
  using attempt = int (*)(void* socket, void* argument);

  /// Until `what` has been done or has failed.
  void operate(bool sending, attempt what, void* argument, deadline until,
               std::error_code& failed) {
    const int status = begin(what, argument);
    if (status == 0) [[likely]]
      failed.clear();
    else
      finish(status, {sending, what, argument}, until, failed);
  }
  /// The same; throws in the name of `call`.
  void operate(bool sending, attempt what, void* argument, deadline until,
               const char* call) {
    const int status = begin(what, argument);
    if (status != 0) [[unlikely]]
      finish(status, {sending, what, argument}, until, call);
  }
  /// False when it would have to wait; throws other failures.
  bool operate_now(bool sending, attempt what, void* argument);

  /// On any thread.
  void let_go();
  void close();
  void* handle() const { return handle_; }
  /// While it is open.
  const context& in() const { return *context_; }
  void* checked_handle(const char* what) const;
  /// For error texts: "send on push socket tcp://127.0.0.1:5000".
  std::string named(const char* call) const;

  std::string last_endpoint() const;

  bool ready(bool sending);
  wait_list& watchers(bool sending);
  /// After a call on the socket that is none of the above.
  void touched() {
    if (somebody_waits()) look_later();
  }

  void set(int option, const void* value, std::size_t size, const char* name);
  void set(int option, int value, const char* name) {
    set(option, &value, sizeof value, name);
  }
  void set(int option, std::string_view value, const char* name) {
    set(option, value.data(), value.size(), name);
  }
  /// zmq_bind and its like.
  void call(int (*function)(void*, const char*), const std::string& at,
            std::error_code& failed);

  const socket_type kind;
  std::chrono::nanoseconds send_timeout{0}; // of calls without a deadline
  std::chrono::nanoseconds receive_timeout{0};
  std::size_t most_frames = 1000;
  std::string endpoint; // the last one
  readiness readable{this, false};
  readiness writable{this, true};

private:
  static constexpr unsigned operations_in_a_row = 64;

  // Not a number of libzmq's: others must have their turn first.
  static constexpr int turn_over = -1;

  struct waiting;
  struct operation {
    bool sending;
    attempt what;
    void* argument;
  };

  int begin(attempt what, void* argument) {
    home_.check_wait("a call of a zmq::socket");
    if (++operations_ % operations_in_a_row == 0) [[unlikely]]
      return turn_over;
    if (!handle_) [[unlikely]]
      return ENOTSOCK;
    const int status = what(handle_, argument);
    if (status != EAGAIN) touched();
    return status;
  }
  void finish(int status, const operation& of, deadline until,
              std::error_code& failed);
  void finish(int status, const operation& of, deadline until,
              const char* call);
  void end();
  int wait_for(const operation& of, deadline until);
  int try_again(const operation& of);
  bool wait_turn(bool sending, deadline until, bool again);
  int events() const;
  int likely_events() const;
  bool somebody_waits() const { return !readers_.empty() || !writers_.empty(); }
  void look(bool signalled);
  void look_later();
  void watch();
  void rest();
  static void take_turn(runnable& self);
  static void hub_ended(hub_end_link& self) noexcept;

  using descriptor =
      asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;

  // Constant after construction.
  hub& home_;
  const hub_address home_address_;
  // Whether ZMQ_EVENTS says little of sends: they wait for one of many peers.
  const bool vague_;

  // Hub thread only.
  std::optional<context> context_;    // until it is closed
  void* handle_;                      // null: closed
  std::optional<descriptor> signals_; // ZMQ_FD, once somebody has waited
  bool watching_ = false;             // the descriptor
  bool queued_ = false;               // itself in the ready queue, to look
  unsigned operations_ = 0;
  wait_list readers_;
  wait_list writers_;
};

} // namespace greenroom::zmq
