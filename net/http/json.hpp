#pragma once

// For those who use nlohmann's JSON; nothing else needs it.

#include <greenroom/http/error.hpp>
#include <greenroom/http/request.hpp>
#include <greenroom/http/response.hpp>

#include <nlohmann/json.hpp>

namespace greenroom::http {

/// The body, as JSON. Throws `error` 400 when it is none.
inline nlohmann::json read_json(request& asked) {
  auto value = nlohmann::json::parse(asked.body(), nullptr, false);
  if (value.is_discarded()) throw error(400, "the body is no JSON");
  return value;
}

/// Bytes in it that are no UTF-8 become U+FFFD.
inline void send_json(response& answer, const nlohmann::json& value) {
  answer.send(
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
      "application/json");
}

} // namespace greenroom::http
