#pragma once

// Private to the zmq_patterns room: what the components have in common.

#include <greenroom/hub/deadline.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq/socket.hpp>
#include <greenroom/zmq_patterns/handler.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>

namespace greenroom::zmq {

/// One message in so many is followed by everybody else's turn.
inline constexpr int messages_in_a_row = 64;

/// What is unsent at its end is dropped: who needed it asks again.
socket make_socket(const context& in, socket_type kind,
                   const socket_setup& setup);

/// A router that says when a peer is gone or full.
socket make_router(const context& in, const socket_setup& setup);

/// Without waiting, but where it fails: then others have their turn.
bool send_now(socket& to, message&& what, std::error_code& failed);

/// The next message, without waiting. Those with too many frames are counted
/// and passed over: a stranger ends no component.
std::optional<message> take(socket& from, std::uint64_t& refused);

/// The same, waiting for it.
message wait_and_take(socket& from, std::uint64_t& refused);

/// The frames from `begin` on.
message from(message&& of, std::size_t begin);
void append(message& to, message&& what);
std::size_t bytes_of(const message& frames);

/// Of a call that one greenlet at a time may use.
class in_use {
public:
  /// Throws `errc::busy`.
  in_use(bool& flag, const char* what);
  in_use(const in_use&) = delete;
  in_use& operator=(const in_use&) = delete;
  ~in_use() { flag_ = false; }

private:
  bool& flag_;
};

} // namespace greenroom::zmq
