#include "handshake.hpp"

#include <greenroom/http/error.hpp>

#include <string_view>

namespace greenroom::ws {
namespace {

bool is_of_own_host(const http::request& asked, std::string_view origin) {
  const std::size_t host = origin.find("://");
  return host != std::string_view::npos &&
         http::same_word(origin.substr(host + 3), asked.host());
}

void check_origin(const http::request& asked, const options& how) {
  const std::string_view origin = asked.header("Origin");
  if (origin.empty() || is_of_own_host(asked, origin)) return;
  for (const std::string& each : how.origins)
    if (each == "*" || http::same_word(each, origin)) return;
  throw http::error(403, "a page of another host");
}

/// 16 bytes in base64.
bool is_key(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "abcdefghijklmnopqrstuvwxyz0123456789+/";
  return text.size() == 24 && text.ends_with("==") &&
         text.find_first_not_of(digits) == 22;
}

void check_upgrade(const http::request& asked) {
  const http::fields& headers = asked.headers();
  if (asked.method() != "GET" || asked.version() < 11 ||
      !headers.lists("Connection", "upgrade") ||
      !headers.lists("Upgrade", "websocket"))
    throw http::error(426, "this is a WebSocket", {{"Upgrade", "websocket"}});
  if (asked.header("Sec-WebSocket-Version") != "13")
    throw http::error(426, "WebSocket version 13 is spoken here",
                      {{"Sec-WebSocket-Version", "13"}});
  if (!is_key(asked.header("Sec-WebSocket-Key")))
    throw http::error(400, "bad Sec-WebSocket-Key");
}

} // namespace

void check_handshake(const http::request& asked, const options& how) {
  check_upgrade(asked);
  check_origin(asked, how);
}

std::string choose_protocol(const http::request& asked, const options& how) {
  for (const std::string& each : how.subprotocols)
    if (asked.headers().lists("Sec-WebSocket-Protocol", each)) return each;
  return {};
}

} // namespace greenroom::ws
