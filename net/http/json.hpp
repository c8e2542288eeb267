#pragma once

// For those who use nlohmann's JSON; nothing else needs it.

#include <greenroom/http/error.hpp>
#include <greenroom/http/request.hpp>
#include <greenroom/http/response.hpp>

#include <nlohmann/json.hpp>

namespace greenroom::http {

/// The body, as JSON. Throws `error` 400 when it is none, or nested more than
/// 100 deep.
inline nlohmann::json read_json(request& asked) {
  const auto refuse_depth = [](int depth, auto, auto&) {
    if (depth > 100) throw error(400, "the JSON is nested too deeply");
    return true;
  };
  auto value = nlohmann::json::parse(asked.body(), refuse_depth, false);
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
