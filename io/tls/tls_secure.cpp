#include <greenroom/tls/tls_secure.hpp>

#include <greenroom/tls/tls_socket.hpp>

#include <memory>
#include <string>
#include <utility>

namespace greenroom {

secure_acceptor tls_acceptor(const tls_context& with) {
  return [with](socket_stream&& accepted, deadline until) {
    return std::make_unique<tls_socket>(
        tls_socket::server(with, std::move(accepted), until));
  };
}

secure_connector tls_connector(const tls_context& with) {
  return [with](socket_stream&& connected, const std::string& server_name,
                deadline until) {
    return std::make_unique<tls_socket>(tls_socket::client(
        with, std::move(connected), {.server_name = server_name}, until));
  };
}

} // namespace greenroom
