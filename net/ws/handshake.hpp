#pragma once

// Private to the ws room: whether a request may become a WebSocket.

#include <greenroom/http/request.hpp>
#include <greenroom/ws/socket.hpp>

#include <string>

namespace greenroom::ws {

/// Throws `http::error` when it may not.
/// Source     RFC 6455, 4.2 and 10.2.
void check_handshake(const http::request& asked, const options& how);

/// Empty when they have none in common.
std::string choose_protocol(const http::request& asked, const options& how);

} // namespace greenroom::ws
