#pragma once

#include <greenroom/http/request.hpp>
#include <greenroom/http/response.hpp>
#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/secure.hpp>
#include <greenroom/io/stream.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace greenroom::ws {

struct message {
  std::string data;
  bool is_text = true; ///< and then valid UTF-8; else bytes
};

struct options {
  std::size_t most_bytes = 1024 * 1024; ///< of a message; 1009
  bool compress = false;                ///< permessage-deflate, if both want it
  /// After such a silence the peer is asked whether it is there (ping), and
  /// after another it is given up. 0: never.
  std::chrono::nanoseconds ping_time{std::chrono::seconds(30)};
  /// For a message to come in whole, once it has begun.
  std::chrono::nanoseconds message_time{std::chrono::seconds(30)};
  std::chrono::nanoseconds write_time{std::chrono::seconds(30)};
  /// Of a server those it speaks, the best first; of a client those it offers.
  std::vector<std::string> subprotocols = {};
  /// Pages of other hosts that may connect, as in "https://example.org"; "*":
  /// any. Pages of the server's own host always may, and who is no browser.
  std::vector<std::string> origins = {};
};

/// Of RFC 6455, 7.4.
namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t bad_payload = 1007;
inline constexpr std::uint16_t policy_error = 1008;
inline constexpr std::uint16_t too_big = 1009;
inline constexpr std::uint16_t internal_error = 1011;
} // namespace close_code

/// A WebSocket.
///
/// Ownership  `accept` borrows the connection of the request, for the time of
///            the handler; `client` owns the stream. Moved, not copied.
///            Destroyed, it says no goodbye; call `close`.
/// Thread     Its hub's thread only.
/// Waits      Every call, only the calling greenlet, until its deadline. One
///            greenlet may receive while others send; whole messages go out
///            one after the other. Pings are answered by `receive`, so somebody
///            should always be in it.
/// Errors     Both forms: `errc::closed` for one that is closed, `errc::busy`
///            for a second receiver, `errc::timed_out`;
///            `std::errc::protocol_error`, `std::errc::message_size` and
///            `std::errc::illegal_byte_sequence` for what a peer may not send,
///            who is told so by a close; those of the stream. After
///            `timed_out` from `receive` it can be used on. A send that failed
///            or was killed halfway has closed it.
/// Many       What is said to many must wait for none: each has a `queue` of a
///            few messages, from which a greenlet of its own sends; whoever's
///            is full is dropped, by a kill of that greenlet. The messages may
///            be shared.
/// Source     RFC 6455; gevent-websocket, GEVENT.md 1.15; Go's gorilla.
///
///     routes.get("/echo", [](http::request& asked, http::response& answer) {
///       auto peer = ws::socket::accept(asked, answer);
///       while (const auto came = peer.receive()) peer.send(came->data);
///     });
class socket {
public:
  /// Answers a request to become a WebSocket. Throws `http::error` for one
  /// that is none (426 for another version, 400), or comes from a page of
  /// another host (403).
  static socket accept(http::request& asked, http::response& answer,
                       const options& how = {});

  /// Connects to "ws://host:80/path", or to "wss:" by `secure`
  /// (`tls_connector` of greenroom::tls).
  static socket connect(std::string_view url, deadline until = {},
                        const options& how = {},
                        const secure_connector& secure = {});

  /// The client's side of the handshake, over a connected stream.
  static socket client(std::unique_ptr<stream> over, const std::string& host,
                       const std::string& target = "/", const options& how = {},
                       deadline until = {});

  socket(socket&&) noexcept;
  socket& operator=(socket&&) noexcept;
  ~socket();

  /// The next message; nothing when the peer has closed.
  std::optional<message> receive(deadline until = {});
  std::optional<message> receive(deadline until, std::error_code& failed);

  void send(std::string_view text, deadline until = {});
  void send(std::string_view text, deadline until, std::error_code& failed);
  void send_bytes(std::string_view bytes, deadline until = {});
  void send_bytes(std::string_view bytes, deadline until,
                  std::error_code& failed);
  void ping(deadline until = {});

  /// Says goodbye, waits for the peer's, a second at most, and closes. Does
  /// nothing when it is closed.
  void close(std::uint16_t code = close_code::normal,
             std::string_view reason = {});

  bool is_open() const;
  /// With which the peer has closed; 0: it has not, or without one.
  std::uint16_t peer_close_code() const;
  std::string peer_close_reason() const;
  /// That both speak; empty when none was agreed on.
  const std::string& subprotocol() const;

private:
  struct core;
  explicit socket(std::shared_ptr<core> made);

  // Shared with the calls that wait; never null, but when moved from.
  std::shared_ptr<core> core_;
};

} // namespace greenroom::ws
