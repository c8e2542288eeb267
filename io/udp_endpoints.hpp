#pragma once

// Private to the io room: addresses of datagrams as Asio has them.

#include <greenroom/io/udp_endpoint.hpp>

#include <asio/ip/udp.hpp>

#include <cstring>
#include <system_error>

namespace greenroom {

using asio::ip::udp;

inline udp_endpoint from_asio(const udp::endpoint& endpoint) {
  return {*endpoint.data(), static_cast<socklen_t>(endpoint.size())};
}

inline udp::endpoint to_asio(const udp_endpoint& endpoint) {
  udp::endpoint made;
  std::memcpy(made.data(), &endpoint.raw(), endpoint.size());
  made.resize(endpoint.size());
  return made;
}

/// Of a host that is a number.
inline udp::endpoint numeric_endpoint(const udp_address& name,
                                      std::error_code& failed) {
  return {asio::ip::make_address(name.host, failed), name.port};
}

} // namespace greenroom
