#pragma once

#include <greenroom/io/secure.hpp>
#include <greenroom/tls/tls_context.hpp>

namespace greenroom {

/// What a server is given to speak TLS: each connection shakes hands as
/// `tls_socket::server`, and the handler's stream is a `tls_socket`.
///
///     stream_server server{{"127.0.0.1", 5000}, handle,
///                          {.secure = tls_acceptor(context)}};
secure_acceptor tls_acceptor(const tls_context& with);

/// The same for a client, with whom it expects: `tls_socket::client`.
secure_connector tls_connector(const tls_context& with);

} // namespace greenroom
