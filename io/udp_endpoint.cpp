#include <greenroom/io/udp_endpoint.hpp>

#include "socket_address.hpp"
#include "udp_endpoints.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <system_error>

namespace greenroom {

udp_endpoint::udp_endpoint() : udp_endpoint(from_asio({})) {
}

udp_endpoint::udp_endpoint(const udp_address& numeric) {
  std::error_code failed;
  *this = from_asio(numeric_endpoint(numeric, failed));
  if (failed)
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "endpoint " + numeric.text());
}

udp_endpoint::udp_endpoint(const sockaddr& raw, socklen_t size) {
  std::memcpy(&raw_, &raw, std::min<std::size_t>(size, sizeof raw_));
}

socklen_t udp_endpoint::size() const {
  return raw().sa_family == AF_INET6 ? sizeof(sockaddr_in6)
                                     : sizeof(sockaddr_in);
}

udp_address udp_endpoint::address() const {
  return tcp_address_of(&raw());
}

std::strong_ordering operator<=>(const udp_endpoint& one,
                                 const udp_endpoint& other) {
  const udp::endpoint a = to_asio(one);
  const udp::endpoint b = to_asio(other);
  if (a == b) return std::strong_ordering::equal;
  return a < b ? std::strong_ordering::less : std::strong_ordering::greater;
}

} // namespace greenroom
