#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/udp_endpoint.hpp>
#include <greenroom/io/unix_address.hpp>
#include <greenroom/net/listen_address.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

namespace greenroom {

/// Who sent a datagram, and where an answer goes.
using datagram_sender = std::variant<udp_endpoint, unix_address>;

/// "127.0.0.1:5000", "unix:/run/client"; "unix:" for a socket without a name,
/// which cannot be answered.
std::string to_string(const datagram_sender& sender);

struct datagram_server_options {
  /// In bytes. Longer datagrams are dropped, and counted; none of UDP is.
  std::size_t longest = 65536;
  /// Handled at a time. With 1, they are handled in the order in which they
  /// came; when full, the kernel keeps what comes, as long as it has room.
  std::size_t most_handlers = 1;
  bool reuse_address = false; ///< as in `udp_options`
};

/// Receives datagrams, of UDP or of a Unix socket, and handles each in a
/// greenlet of its own.
///
/// Ownership  Owns the socket and the handlers' greenlets. Destroyed while
///            started, it stops as a `stream_server` does.
/// Thread     Its hub's thread only.
/// Waits      `serve_forever`, `stop`, its destructor; `send_to`; `start` for
///            the lookup of a name.
/// Errors     A failed bind names the address. What a handler throws is
///            logged; the server goes on. When receiving fails, it logs,
///            pauses 10 ms, doubling to 1 s, and goes on; unless the socket is
///            unusable: then it is closed, and `serve_forever` throws.
/// Source     gevent.server.DatagramServer; GEVENT.md 1.11.
///
///     datagram_server server{{"127.0.0.1", 5000},
///                            [&](std::string_view data,
///                                const datagram_sender& from) {
///                              server.send_to(data, from);
///                            }};
///     server.serve_forever();
class datagram_server {
public:
  /// The data is there until the handler returns.
  using handler =
      std::function<void(std::string_view data, const datagram_sender& from)>;

  datagram_server(listen_address at, handler handle,
                  datagram_server_options options = {});
  datagram_server(const datagram_server&) = delete;
  datagram_server& operator=(const datagram_server&) = delete;
  ~datagram_server();

  /// Binds, if need be, and begins to receive. The same port again, when it
  /// was started before.
  void start();

  /// Receives no more, lets handlers finish until `grace` has passed, as those
  /// of a `stream_server`, then closes the socket.
  void stop(deadline grace = {std::chrono::seconds(1)});

  /// Starts if need be and waits until another greenlet has called `stop` and
  /// every handler has ended. When it is interrupted (a kill, a signal),
  /// stops, then lets that pass on.
  void serve_forever();

  /// From the server's own socket. Any number of greenlets may send; they wait
  /// for each other.
  void send_to(std::string_view bytes, const datagram_sender& to,
               deadline until = {});
  void send_to(std::string_view bytes, const datagram_sender& to,
               deadline until, std::error_code& failed);

  bool started() const;
  /// Where it listens, with the real port; empty if that is no UDP address.
  udp_address local() const;
  /// The same for a log, of any kind: "127.0.0.1:5000", "unix:/run/service".
  std::string local_name() const;
  /// Datagrams being handled.
  std::size_t handling() const;
  /// Datagrams that were dropped, as they were too long.
  std::uint64_t too_long() const;

private:
  struct core;
  std::shared_ptr<core> core_; // shared with its greenlets; never null
};

} // namespace greenroom
