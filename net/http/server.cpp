#include <greenroom/http/server.hpp>

#include <utility>

namespace greenroom::http {

server::server(listen_address at, handler handle, server_options options)
    : handle_(std::move(handle)), service_(std::move(options.service)),
      connections_(
          std::move(at),
          [this](stream& peer) {
            serve(peer, handle_, service_, connections_.stopping());
          },
          std::move(options.connections)) {
}

} // namespace greenroom::http
