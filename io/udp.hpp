#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/udp_endpoint.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

struct udp_options {
  /// Several sockets bind the same port: all get what comes to a group.
  bool reuse_address = false;
};

/// A UDP socket whose calls wait only the calling greenlet.
///
/// Ownership  Owns the socket; moved, not copied. Destroying or closing it
///            wakes a greenlet that waits on it, with `errc::closed`.
/// Thread     Its hub's thread only.
/// Waits      `receive`, `receive_from` for a datagram; `send`, `send_to` for
///            room, and now and then to let others run; `connect`, `send_to`
///            and binding for the host's lookup, where it is no number. One
///            greenlet may receive while another sends; a second one in the
///            same direction gets `errc::busy`.
/// Errors     These calls in two forms, as in Asio; options throw. A datagram
///            that does not fit: `std::errc::message_size`. One that the system
///            dropped while it was sent: `std::errc::no_buffer_space`. A kill
///            or timeout loses no datagram.
/// Source     Asio's sockets; gevent.socket, GEVENT.md 1.10.
///
///     udp_socket door{{"127.0.0.1", 5000}};
///     char text[1500];
///     auto [bytes, from] = door.receive_from(text);
///     door.send_to({text, bytes}, from);
class udp_socket {
public:
  struct received {
    std::size_t bytes = 0;
    udp_endpoint from;
  };

  /// Opened by the first `connect` or `send_to`, and has a free port then.
  udp_socket();
  /// Bound. An empty host means every address of this machine, of both kinds;
  /// a port of 0 asks for a free one.
  explicit udp_socket(const udp_address& at, udp_options options = {});
  udp_socket(udp_socket&&) noexcept;
  udp_socket& operator=(udp_socket&&) noexcept;
  ~udp_socket();

  /// From now on `send` goes to this peer, and only what comes from there is
  /// received. If nobody listens there, a later call may fail with
  /// `std::errc::connection_refused`.
  void connect(const udp_address& to, deadline until = {});
  void connect(const udp_address& to, deadline until, std::error_code& failed);

  void send(std::string_view bytes, deadline until = {});
  void send(std::string_view bytes, deadline until, std::error_code& failed);

  void send_to(std::string_view bytes, const udp_endpoint& to,
               deadline until = {});
  void send_to(std::string_view bytes, const udp_endpoint& to, deadline until,
               std::error_code& failed);
  /// The host may be a name, which is then looked up each time.
  void send_to(std::string_view bytes, const udp_address& to,
               deadline until = {});
  void send_to(std::string_view bytes, const udp_address& to, deadline until,
               std::error_code& failed);

  /// One datagram, which may be of 0 bytes. Of a longer one than `into`, which
  /// is `std::errc::message_size`, the begin is there, and the number returned
  /// is what came.
  std::size_t receive(std::span<char> into, deadline until = {});
  std::size_t receive(std::span<char> into, deadline until,
                      std::error_code& failed);
  received receive_from(std::span<char> into, deadline until = {});
  received receive_from(std::span<char> into, deadline until,
                        std::error_code& failed);

  /// May send to broadcast addresses.
  void set_broadcast(bool allowed);
  /// What is sent to `group` is received. `interface` is a name, such as
  /// "eth0"; empty leaves it to the system.
  void join_group(const std::string& group, const std::string& interface = {});
  void leave_group(const std::string& group, const std::string& interface = {});
  /// How many routers what is sent to a group may pass; 1 unless set: none.
  void set_multicast_ttl(int hops);
  /// Groups joined on this machine get what is sent from it; so unless set.
  void set_multicast_loop(bool enabled);
  /// Where what is sent to groups goes out.
  void set_multicast_interface(const std::string& interface);
  /// In bytes. The system may round, and doubles what it is told.
  void set_receive_buffer_size(int bytes);
  void set_send_buffer_size(int bytes);
  int receive_buffer_size() const;
  int send_buffer_size() const;

  void close();
  bool is_open() const;
  /// Empty when it is not open.
  udp_address local() const;
  /// Empty when it is not connected.
  udp_address peer() const;
  int native_handle() const;

private:
  struct state;
  std::shared_ptr<state> state_; // never null, but when moved from
};

} // namespace greenroom
