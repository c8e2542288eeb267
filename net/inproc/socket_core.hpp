#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/wait.hpp>
#include <greenroom/inproc/error.hpp>
#include <greenroom/inproc/lane.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>
#include <unordered_map>
#include <vector>

namespace greenroom::inproc {

enum class socket_type : std::uint8_t {
  pub,
  sub,
  req,
  rep,
  dealer,
  router,
  pull,
  push
};

std::string_view name_of(socket_type kind);

class directory;
class socket_core;

/// One direction of a socket, to be waited on with others: `wait`, `iwait`,
/// `when` of a `select`. A socket that is closed is ready.
class readiness {
public:
  readiness(socket_core& core, bool sending) : core_(core), sending_(sending) {}
  readiness(const readiness&) = delete;
  readiness& operator=(const readiness&) = delete;

  bool ready() const;
  wait_list& watchers();

private:
  socket_core& core_;
  bool sending_;
};

/// What is behind a socket, without its messages: who it is connected to, who
/// waits. Shared with the calls that wait, which may outlive the socket.
///
/// Each direction of a connection is a `lane` of messages. A socket sends on
/// the lanes that have room, one after the other, and receives from those that
/// have messages, one after the other; both are rings, so that it costs the
/// same with one peer or ten thousand. One reader is woken for each message
/// that comes, one writer for each that is taken; the woken one looks for
/// itself, and waits again if somebody was quicker.
class socket_core final : public std::enable_shared_from_this<socket_core> {
public:
  /// What the typed socket is.
  struct profile {
    socket_type kind;
    const std::type_info& sends;
    const std::type_info& receives;
    std::shared_ptr<connection> (*connect)();
  };

  template <socket_type Kind, class Out, class In>
  static const profile& profile_of() {
    static const profile only{
        Kind, typeid(Out), typeid(In), []() -> std::shared_ptr<connection> {
          return std::make_shared<connection_of<Out, In>>();
        }};
    return only;
  }

  explicit socket_core(const profile& what);
  socket_core(const socket_core&) = delete;
  socket_core& operator=(const socket_core&) = delete;
  ~socket_core();

  void bind(const std::string& endpoint, std::error_code& failed);
  void unbind(const std::string& endpoint, std::error_code& failed);
  void connect(const std::string& endpoint, std::error_code& failed);
  void disconnect(const std::string& endpoint, std::error_code& failed);
  void close();

  /// For error texts: "send on push socket inproc://jobs".
  std::string named(const char* call) const;
  [[noreturn]] void fail(std::error_code why, const char* call) const;

  void subscribe(std::string_view prefix);
  void unsubscribe(std::string_view prefix);
  bool wants(std::string_view topic) const;

  /// Of a router: where it sends to its peer of that name, or null.
  lane_base* lane_to(std::string_view peer);

  // --- for the typed sockets, at each message -------------------------------

  /// Counts a call; false when it has to take the long way, for the socket is
  /// closed, or others must have their turn. Throws `wrong_hub`.
  bool may_go_on() {
    home.check_thread("a socket of inproc");
    return ++operations_ % operations_in_a_row != 0 && !closed_;
  }

  /// Of one that may have to wait: if it was woken, and then neither sends nor
  /// receives, the next is woken in its place.
  class turn {
  public:
    turn(socket_core& of, bool sending) : of_(of), sending_(sending) {}
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    ~turn() {
      if (woken_) sending_ ? of_.call_writer() : of_.call_reader();
    }
    void done() { woken_ = false; }

  private:
    friend class socket_core;
    socket_core& of_;
    bool sending_;
    bool woken_ = false;
  };

  /// Until `attempt(failed)` has done it, or has failed: waits as long as it
  /// has neither. The caller shares the core.
  template <class Attempt>
  bool operate(turn& mine, deadline until, std::error_code& failed,
               Attempt attempt) {
    failed.clear();
    if (operations_ % operations_in_a_row == 0) give_way();
    for (bool again = false;; again = true) {
      if (closed_) failed = greenroom::errc::closed;
      if (failed) return false;
      if (attempt(failed)) {
        mine.done();
        return true;
      }
      if (!failed && !wait(mine, until, again))
        failed = greenroom::errc::timed_out;
    }
  }
  /// The same without waiting.
  template <class Attempt>
  bool operate_now(const char* call, Attempt attempt) {
    home.check_thread("a socket of inproc");
    std::error_code failed;
    if (closed_) failed = greenroom::errc::closed;
    const bool done = !failed && attempt(failed);
    if (failed) fail(failed, call);
    return done;
  }
  void give_way();

  /// A message was added to, or taken from, `where`. Neither throws.
  void sent(lane_base& where) {
    ++where.size;
    if (where.size == where.limit)
      writable.remove(where);
    else
      writable.rotate();
    if (socket_core* const peer = where.to) {
      if (where.size == 1) peer->readable.append(where);
      if (!peer->readers.empty()) peer->call_reader();
    }
  }
  void taken(lane_base& where) {
    const bool was_full = where.size == where.limit;
    if (--where.size == 0)
      readable.remove(where);
    else
      readable.rotate();
    if (socket_core* const peer = where.from) [[likely]] {
      if (was_full) peer->writable.append(where);
      if (!peer->writers.empty()) peer->call_writer();
    } else {
      taken_from_gone(where);
    }
  }

  bool is_open() const { return !closed_; }
  bool can_receive() const { return closed_ || readable.front(); }
  bool can_send() const {
    return closed_ || writable.front() || what.kind == socket_type::pub ||
           what.kind == socket_type::rep || what.kind == socket_type::router;
  }

  const profile& what;
  hub& home;
  lane_ring<&lane_base::writable> writable;
  lane_ring<&lane_base::readable> readable;
  wait_list readers;
  wait_list writers;
  readiness receivable{*this, false};
  readiness sendable{*this, true};
  std::vector<std::shared_ptr<connection>> connections;

  connection* partner = nullptr; // req: who was asked; rep: who has asked
  bool between = false;          // a req that expects, a rep that owes a reply
  bool mandatory = false;
  std::string routing_id;
  std::size_t send_limit = 1000; // 0: none
  std::size_t receive_limit = 1000;
  std::size_t dropped = 0;
  std::string endpoint; // the last one

private:
  friend class directory;

  static constexpr unsigned operations_in_a_row = 64;

  struct hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  bool wait(turn& mine, deadline until, bool again);
  void call_reader();
  void call_writer();
  void taken_from_gone(lane_base& where);
  std::error_code check(const std::string& at) const;
  void attach(const std::shared_ptr<connection>& made);
  void adopt(connection& made);
  void hang_up(connection& made);
  void leave_as_connecter(connection& made);
  void leave_as_binder(const std::shared_ptr<connection>& made);
  void lost(connection& made);
  void forget(connection& made);

  const std::shared_ptr<directory> directory_; // of the hub's endpoints
  std::vector<std::string> bound_;
  std::unordered_map<std::string, connection*, hash, std::equal_to<>> peers_;
  std::map<std::string, unsigned, std::less<>> wanted_; // prefixes, of a sub
  std::uint32_t last_name_ = 0;
  unsigned operations_ = 0;
  bool closed_ = false;
};

inline bool readiness::ready() const {
  return sending_ ? core_.can_send() : core_.can_receive();
}

inline wait_list& readiness::watchers() {
  return sending_ ? core_.writers : core_.readers;
}

} // namespace greenroom::inproc
