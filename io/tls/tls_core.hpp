#pragma once

// Private to the tls room: what is behind a TLS connection.

#include "context_state.hpp"
#include "openssl.hpp"
#include "shared_wait.hpp"
#include "socket_bio.hpp"

#include <greenroom/tls/tls_socket.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

/// Shared with the calls that wait on it, which may outlive the socket.
///
/// No call of OpenSSL ever waits inside, so one greenlet may read while
/// another writes, without a lock.
struct tls_socket::core : std::enable_shared_from_this<core> {
  core();
  core(const tls_context& with, socket_stream&& over, std::string name);

  void begin_as_client(const tls_connect_options& options,
                       std::error_code& failed);
  void begin_as_server(std::error_code& failed);
  void handshake(deadline until, std::error_code& failed);

  std::size_t receive(std::span<char> into, std::size_t at_least,
                      deadline until, std::error_code& failed);
  std::size_t send(std::span<const std::string_view> parts, deadline until,
                   std::error_code& failed);
  void shutdown(deadline until, std::error_code& failed);
  void shutdown_write();
  void shutdown_read();
  void close();
  tls_session session() const;

  /// One of the two directions, as a program sees them.
  struct direction {
    bool taken = false;     // by a greenlet
    std::error_code broken; // for good
  };

  // Constant after the handshake.
  tls_context context;
  socket_stream lower;
  socket_bio wire;
  std::string who;         // the peer, for error texts
  std::string server_name; // that a client expects
  ssl_session_ptr ticket;  // the newest from the server
  ssl_ptr ssl; // null until a handshake was begun; ends before what it uses

private:
  enum class outcome { done, read_first, write_first, ended, failed };

  void begin(std::error_code& failed);
  bool may_begin(const direction& which, std::error_code& failed) const;
  template <class Call>
  outcome call(Call&& step, direction& which, std::error_code& failed);
  template <class Call>
  outcome complete(Call&& step, direction& which, deadline until,
                   std::error_code& failed);
  void wait_readable(deadline until, std::error_code& failed);
  void wait_writable(deadline until, std::error_code& failed);
  bool has_nothing_to_read() const;
  std::error_code explained(int why) const;
  void give_way_at_times(deadline until, std::error_code& failed);
  outcome read_once(std::span<char> into, std::size_t& bytes, deadline until,
                    std::error_code& failed);
  std::size_t write_record(std::string_view record, deadline until,
                           std::error_code& failed);
  bool say_goodbye();
  void take_tickets();
  void send_kept(deadline until, std::error_code& failed);
  void send_kept_later();

  // Hub thread only.
  shared_wait readable;
  shared_wait writable;
  direction in;
  direction out;
  unsigned calls = 0;
  bool shaken = false; // the handshake is done
  bool goodbye_said = false;
  bool sending_kept = false; // a greenlet is at it
};

} // namespace greenroom
