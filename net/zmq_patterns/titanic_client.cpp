#include <greenroom/zmq_patterns/titanic_client.hpp>

#include "parts.hpp"

#include <utility>

namespace greenroom::zmq {
namespace {

[[noreturn]] void refused(std::string_view what, std::errc why) {
  throw std::system_error(std::make_error_code(why), std::string(what));
}

} // namespace

/// What came with status 200 or 300.
message titanic_client::ask(std::string_view what, message body,
                            deadline until) {
  message answer = client_.request(what, body, until);
  if (answer.empty()) refused(what, std::errc::protocol_error);
  if (answer[0] == "500") refused(what, std::errc::no_space_on_device);
  if (answer[0] == "400") refused(what, std::errc::invalid_argument);
  return answer;
}

std::string titanic_client::request(std::string_view service,
                                    const message& body, deadline until) {
  message sent{service};
  append(sent, message{body});
  const message answer = ask("titanic.request", std::move(sent), until);
  if (answer.size() < 2) refused("titanic.request", std::errc::protocol_error);
  return answer[1].text();
}

std::optional<message> titanic_client::reply(const std::string& id,
                                             deadline until) {
  message answer = ask("titanic.reply", {id}, until);
  if (!(answer[0] == "200")) return {};
  return from(std::move(answer), 1);
}

void titanic_client::close(const std::string& id, deadline until) {
  ask("titanic.close", {id}, until);
}

} // namespace greenroom::zmq
