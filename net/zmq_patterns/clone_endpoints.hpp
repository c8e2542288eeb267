#pragma once

#include <cstdint>
#include <string>

namespace greenroom::zmq {

/// Where a clone server listens.
struct clone_endpoints {
  std::string snapshots = "tcp://*:5556"; ///< a router's
  std::string updates = "tcp://*:5557";   ///< a pub's
  std::string collector = "tcp://*:5558"; ///< of clients' updates
};

/// The kind of socket that collects clients' updates.
enum class clone_collector : std::uint8_t {
  pull, ///< the guide's: clients wait for a server that has no room
  sub   ///< RFC 12's: what there is no room for is dropped
};

} // namespace greenroom::zmq
