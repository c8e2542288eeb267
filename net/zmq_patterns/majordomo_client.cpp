#include <greenroom/zmq_patterns/majordomo_client.hpp>

#include "majordomo.hpp"
#include "parts.hpp"

#include <string>
#include <utility>

namespace greenroom::zmq {

majordomo_client::majordomo_client(reliable_client_options how)
    : client_(std::move(how)) {
}

majordomo_client::majordomo_client(const context& in,
                                   reliable_client_options how)
    : client_(in, std::move(how)) {
}

message majordomo_client::request(std::string_view service, const message& body,
                                  deadline until) {
  std::error_code failed;
  message reply = request(service, body, until, failed);
  if (failed)
    throw std::system_error(failed, "zmq::majordomo_client::request of " +
                                        std::string(service) + " at " +
                                        client_.endpoint());
  return reply;
}

message majordomo_client::request(std::string_view service, const message& body,
                                  deadline until, std::error_code& failed) {
  message sent{majordomo::client_header, service};
  append(sent, message{body});
  message reply = client_.request(sent, until, failed);
  if (failed) return {};
  if (reply.size() >= 2 && reply[0] == majordomo::client_header &&
      reply[1] == service)
    return from(std::move(reply), 2);
  failed = std::make_error_code(std::errc::protocol_error);
  return {};
}

bool majordomo_client::is_served(std::string_view service, deadline until) {
  const message reply = request("mmi.service", {service}, until);
  return !reply.empty() && reply[0] == "200";
}

bool majordomo_client::is_served(std::string_view service, deadline until,
                                 std::error_code& failed) {
  const message reply = request("mmi.service", {service}, until, failed);
  return !reply.empty() && reply[0] == "200";
}

} // namespace greenroom::zmq
