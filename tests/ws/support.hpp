#pragma once

// The two ends of a WebSocket, in one hub.

#include "hub/support.hpp"

#include <greenroom/http/router.hpp>
#include <greenroom/http/service.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/unix.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/ws/socket.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace test {

using greenroom::spawn;
using greenroom::ws::message;
namespace http = greenroom::http;
namespace ws = greenroom::ws;

/// A server on the far end of a stream, whose every request becomes a
/// WebSocket that `handle` gets.
class served {
public:
  explicit served(std::function<void(ws::socket&)> handle, ws::options how = {})
      : served(greenroom::socketpair(), std::move(handle), std::move(how)) {}
  served(const served&) = delete;
  served& operator=(const served&) = delete;
  ~served() { serving_.kill(); }

  /// Before the handshake.
  std::unique_ptr<greenroom::stream> stream() { return std::move(near_); }
  ws::socket client(const ws::options& how = {},
                    const std::string& target = "/") {
    return ws::socket::client(stream(), "server.test", target, how);
  }
  void join() { serving_.join(); }

private:
  using ends = std::pair<greenroom::unix_socket, greenroom::unix_socket>;

  served(ends both, std::function<void(ws::socket&)> handle, ws::options how)
      : near_(std::make_unique<greenroom::unix_socket>(std::move(both.first))),
        far_(std::make_unique<greenroom::unix_socket>(std::move(both.second))),
        serving_(spawn([this, handle, how] {
          http::serve(*far_, [&](http::request& asked, http::response& answer) {
            auto peer = ws::socket::accept(asked, answer, how);
            handle(peer);
          });
          far_->close();
        })) {}

  std::unique_ptr<greenroom::unix_socket> near_;
  std::unique_ptr<greenroom::unix_socket> far_;
  greenroom::greenlet<void> serving_;
};

inline void echo(ws::socket& peer) {
  while (const auto came = peer.receive()) {
    if (came->is_text)
      peer.send(came->data);
    else
      peer.send_bytes(came->data);
  }
}

/// A frame of a client, masked by nothing.
inline std::string frame(int first, const std::string& payload) {
  std::string made{static_cast<char>(first)};
  if (payload.size() < 126) {
    made += static_cast<char>(0x80 | payload.size());
  } else {
    made += static_cast<char>(0x80 | 126);
    made += static_cast<char>(payload.size() >> 8);
    made += static_cast<char>(payload.size() & 0xff);
  }
  return made + std::string(4, '\0') + payload;
}

inline const std::string handshake =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// What the server sends to these bytes, after its answer to the handshake.
inline std::string answer_to_frames(const std::string& frames,
                                    ws::options how = {}) {
  served server{echo, std::move(how)};
  const auto peer = server.stream();
  peer->write(handshake + frames);
  peer->shutdown_write();
  std::string all;
  std::array<char, 4096> piece;
  while (const std::size_t bytes = peer->read_some(piece))
    all.append(piece.data(), bytes);
  const std::size_t end = all.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  return all.substr(end + 4);
}

/// A close frame of a server.
inline std::string goodbye(int code) {
  return {static_cast<char>(0x88), 2, static_cast<char>(code >> 8),
          static_cast<char>(code & 0xff)};
}

} // namespace test
