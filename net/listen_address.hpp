#pragma once

#include <greenroom/io/tcp.hpp>
#include <greenroom/io/tcp_address.hpp>
#include <greenroom/io/udp.hpp>
#include <greenroom/io/unix.hpp>
#include <greenroom/io/unix_address.hpp>
#include <greenroom/io/unix_datagram.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace greenroom {

/// Where a server listens: made from whatever says so.
///
///     stream_server{5000, handle};               // every address of this machine
///     stream_server{{"127.0.0.1", 5000}, handle};
///     stream_server{"[::1]:5000", handle};       // also "*:5000", "host:5000"
///     stream_server{"unix:/run/service", handle};
///     stream_server{tcp_listener::adopt(3), handle};
///
/// Ownership  Owns a ready listener or socket; moved, not copied.
/// Errors     `std::errc::invalid_argument` for a text, or a port, that means
///            no address, and for a ready one of the other kind than the
///            server needs; it names it.
class listen_address {
public:
  listen_address(tcp_address at) : at_(std::move(at)) {}
  listen_address(std::string host, std::uint16_t port)
      : at_(tcp_address{std::move(host), port}) {}
  template <std::integral Port>
  listen_address(Port port)
      : at_(tcp_address{
            "", checked_port(port, std::in_range<std::uint16_t>(port))}) {}
  listen_address(unix_address at) : at_(std::move(at)) {}
  template <std::convertible_to<std::string_view> Text>
  listen_address(const Text& text) : at_(parse(text)) {}
  listen_address(tcp_listener&& ready) : at_(std::move(ready)) {}
  listen_address(unix_listener&& ready) : at_(std::move(ready)) {}
  listen_address(udp_socket&& ready) : at_(std::move(ready)) {}
  listen_address(unix_datagram_socket&& ready) : at_(std::move(ready)) {}

  /// Of TCP or UDP, with the real port once it was opened; else empty.
  tcp_address tcp() const;
  /// "127.0.0.1:5000", "unix:/run/service".
  std::string text() const;

  using listener = std::variant<tcp_listener, unix_listener>;
  /// Listens there; again, it is on the same port. A ready listener, which the
  /// options do not change, is given away, and its address taken over.
  listener open(const listen_options& options);

  using datagram_socket = std::variant<udp_socket, unix_datagram_socket>;
  /// The same for datagrams.
  datagram_socket bind(udp_options options);

private:
  using place = std::variant<tcp_address, unix_address, tcp_listener,
                             unix_listener, udp_socket, unix_datagram_socket>;

  static place parse(std::string_view text);
  template <class Ready>
  Ready take();
  static std::uint16_t checked_port(long long port, bool fits);

  place at_;
};

} // namespace greenroom
