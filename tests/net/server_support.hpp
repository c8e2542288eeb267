#pragma once

// A server, its handlers and its visitors.

#include <greenroom/net/stream_server.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>

namespace test {

using namespace std::chrono_literals;
using greenroom::stream;
using greenroom::stream_server;
using greenroom::stream_server_options;
using greenroom::tcp_socket;

inline const greenroom::tcp_address anywhere{"127.0.0.1", 0};

/// Everything until the end of the stream, or until the peer resets.
inline std::string read_all(stream& from) {
  std::string text;
  std::array<char, 4096> piece;
  std::error_code failed;
  while (const std::size_t bytes = from.read_some(piece, {}, failed))
    text.append(piece.data(), bytes);
  return text;
}

inline void greet(stream& peer) {
  peer.write("hello");
}

/// Until the peer is gone.
inline void listen_to(stream& peer) {
  read_all(peer);
}

/// Stopped at the end of the test, also when a check fails.
class served {
public:
  explicit served(stream_server::handler handle,
                  stream_server_options options = {})
      : server(anywhere, std::move(handle), options) {
    server.start();
  }
  served(const served&) = delete;
  served& operator=(const served&) = delete;
  ~served() { server.stop(0s); }

  tcp_socket visit() const { return tcp_socket::connect(server.local()); }

  stream_server server;
};

} // namespace test
