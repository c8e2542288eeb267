#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/socket_stream.hpp>
#include <greenroom/io/stream.hpp>

#include <functional>
#include <memory>
#include <string>

namespace greenroom {

/// What servers and clients are given to make a connection a secure one, by a
/// handshake, so that they need not know how; for TLS, `tls_acceptor` and
/// `tls_connector` make them.
///
/// Null refuses the connection.
///
/// Waits      Until the deadline.
/// Errors     `std::system_error`; the connection is closed then.
using secure_acceptor = std::function<std::unique_ptr<stream>(
    socket_stream&& accepted, deadline until)>;
/// `server_name` is whom to expect at the other end.
using secure_connector = std::function<std::unique_ptr<stream>(
    socket_stream&& connected, const std::string& server_name, deadline until)>;

} // namespace greenroom
