#pragma once

#include <greenroom/io/tcp_address.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <compare>

namespace greenroom {

/// Host and port.
using udp_address = tcp_address;

/// An address and a port as the system has them: what `receive_from` tells can
/// be sent to, compared and kept without going through text.
class udp_endpoint {
public:
  /// "0.0.0.0:0"
  udp_endpoint();
  /// Of a numeric host, else `std::errc::invalid_argument`.
  explicit udp_endpoint(const udp_address& numeric);
  udp_endpoint(const sockaddr& raw, socklen_t size);

  udp_address address() const;
  const sockaddr& raw() const {
    return reinterpret_cast<const sockaddr&>(raw_);
  }
  socklen_t size() const;

  friend bool operator==(const udp_endpoint& one, const udp_endpoint& other) {
    return (one <=> other) == 0;
  }
  friend std::strong_ordering operator<=>(const udp_endpoint& one,
                                          const udp_endpoint& other);

private:
  sockaddr_in6 raw_{}; // or a sockaddr_in
};

} // namespace greenroom
