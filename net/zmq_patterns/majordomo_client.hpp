#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq_patterns/reliable_client.hpp>

#include <string_view>
#include <system_error>

namespace greenroom::zmq {

/// Requests of services behind a `majordomo_broker`, one at a time, asked again
/// where no reply comes: a `reliable_client` of brokers.
///
/// Ownership  As `reliable_client`, as the rest.
/// Waits      `request`, `is_served`.
/// Errors     `std::errc::protocol_error` for an answer of somebody else than a
///            broker.
/// Source     RFC 7 and 8 of ZeroMQ (MDP 0.1, MMI).
///
///     zmq::majordomo_client client{{.endpoints = {"tcp://10.0.0.1:5555"}}};
///     zmq::message sum = client.request("sum", {"1", "2"});
class majordomo_client {
public:
  explicit majordomo_client(reliable_client_options how);
  majordomo_client(const context& in, reliable_client_options how);

  message request(std::string_view service, const message& body,
                  deadline until = {});
  message request(std::string_view service, const message& body, deadline until,
                  std::error_code& failed);

  /// Whether the service has workers.
  bool is_served(std::string_view service, deadline until = {});
  bool is_served(std::string_view service, deadline until,
                 std::error_code& failed);

  const reliable_client_counts& counts() const { return client_.counts(); }

private:
  reliable_client client_;
};

} // namespace greenroom::zmq
