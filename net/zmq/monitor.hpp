#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/zmq/socket.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace greenroom::zmq {

enum class monitor_event_kind : std::uint16_t {
  connected = 0x0001,
  connect_delayed = 0x0002,
  connect_retried = 0x0004, ///< `value`: milliseconds until the next attempt
  listening = 0x0008,
  bind_failed = 0x0010,
  accepted = 0x0020,
  accept_failed = 0x0040,
  closed = 0x0080,
  close_failed = 0x0100,
  disconnected = 0x0200,
  handshake_failed = 0x0800,
  handshake_succeeded = 0x1000,
  /// The peer does not speak the protocol, or has a wrong key; `value`: a
  /// ZMQ_PROTOCOL_ERROR of zmq.h.
  handshake_refused = 0x2000,
  authentication_failed = 0x4000 ///< `value`: the status, 300, 400 or 500
};

struct monitor_event {
  monitor_event_kind kind;
  std::uint32_t value;
  std::string endpoint;

  /// Of a kind that has one (`..._failed`): of the system.
  std::error_code error() const;
};

/// What happens to the connections of a socket, from now on. One for a socket.
///
/// Ownership  Its own; shares the socket.
/// Thread     The socket's.
/// Waits      `next`. Events that nobody takes pile up, a few
///            hundred bytes each: libzmq's thread would wait at a limit.
/// Errors     As a socket's `receive`.
/// Source     zmq_socket_monitor.
///
///     zmq::monitor watching{server};
///     while (const auto event = watching.next())
///       if (event->kind == monitor_event_kind::handshake_refused) ...
class monitor {
public:
  explicit monitor(socket& of);
  monitor(const monitor&) = delete;
  monitor& operator=(const monitor&) = delete;
  ~monitor();

  /// Nothing when the socket is closed.
  std::optional<monitor_event> next(deadline until = {});
  std::optional<monitor_event> next(deadline until, std::error_code& failed);

private:
  std::shared_ptr<socket::core> of_;
  std::optional<socket> events_;
  bool ended_ = false;
};

} // namespace greenroom::zmq
