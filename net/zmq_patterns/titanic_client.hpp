#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/zmq/context.hpp>
#include <greenroom/zmq_patterns/majordomo_client.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom::zmq {

/// Leaves requests with a `titanic`, and fetches the replies, which may be
/// much later, and by another.
///
/// Ownership  As `majordomo_client`, as the rest.
/// Waits      Every call, for the titanic.
/// Errors     `std::errc::no_space_on_device` of a request that is refused,
///            `std::errc::invalid_argument` of an id that is not known.
/// Note       A `request` whose answer is lost is asked again, and then stored
///            twice.
/// Source     RFC 9 of ZeroMQ (TSP).
///
///     zmq::titanic_client client{{.endpoints = {"tcp://10.0.0.1:5555"}}};
///     const std::string id = client.request("sum", {"1", "2"});
///     while (!(reply = client.reply(id))) sleep(1s);
///     client.close(id);
class titanic_client {
public:
  explicit titanic_client(reliable_client_options how)
      : client_(std::move(how)) {}
  titanic_client(const context& in, reliable_client_options how)
      : client_(in, std::move(how)) {}

  /// The id under which it was stored.
  std::string request(std::string_view service, const message& body,
                      deadline until = {});
  /// Nothing while there is none.
  std::optional<message> reply(const std::string& id, deadline until = {});
  /// Has it forgotten.
  void close(const std::string& id, deadline until = {});

  const reliable_client_counts& counts() const { return client_.counts(); }

private:
  message ask(std::string_view what, message body, deadline until);

  majordomo_client client_;
};

} // namespace greenroom::zmq
