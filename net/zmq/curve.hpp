#pragma once

#include <string>

namespace greenroom::zmq {

/// A pair of keys for CURVE, by which sockets encrypt and know each other: see
/// `socket::set_curve_server`. As text (Z85), 40 characters each.
///
///     const auto keys = zmq::curve_keys::make();
///     server.set_curve_server(keys);
///     client.set_curve_client(keys.public_key);
struct curve_keys {
  std::string public_key;
  std::string secret_key;

  /// New ones. `std::errc::operation_not_supported` when libzmq was built
  /// without CURVE.
  static curve_keys make();
  /// With the public key that belongs to a secret one.
  static curve_keys of(const std::string& secret_key);
};

} // namespace greenroom::zmq
