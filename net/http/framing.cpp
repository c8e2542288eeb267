#include "framing.hpp"
#include "character_set.hpp"

#include <greenroom/http/error.hpp>

#include <charconv>
#include <optional>

namespace greenroom::http {
namespace {

void require(bool fact, const char* otherwise) {
  if (!fact) throw error(400, otherwise);
}

bool is_digit(char each) {
  return each >= '0' && each <= '9';
}

/// Nothing, or a number of digits only.
std::optional<std::uint64_t> content_length(const message_head& head) {
  if (head.of.content_length == 0) return std::nullopt;
  require(head.of.content_length == 1, "several Content-Length");
  const std::string_view text = head.headers.get("Content-Length");
  std::uint64_t length = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, length);
  require(!text.empty() && is_digit(text.front()) && parsed.ptr == end &&
              parsed.ec == std::errc(),
          "bad Content-Length");
  return length;
}

/// Whether the body is chunked, with what must hold then.
bool is_chunked(const message_head& head) {
  if (head.of.transfer_encoding == 0) return false;
  require(head.of.transfer_encoding == 1, "several Transfer-Encoding");
  require(same_word(head.headers.get("Transfer-Encoding"), "chunked"),
          "a transfer coding other than chunked");
  require(head.version == 11, "Transfer-Encoding in HTTP/1.0");
  require(head.of.content_length == 0,
          "Content-Length beside Transfer-Encoding");
  return true;
}

constexpr character_set in_host{digits_and_letters, "-._~:[]%!$&'()*+,;="};

void check_host(const message_head& head) {
  const unsigned count = head.of.host;
  require(count == 1 || (count == 0 && head.version == 10),
          count == 0 ? "no Host" : "several Host");
  const std::string_view host = head.headers.get("Host");
  require(in_host.has_all(host), "bad Host");
}

/// As of RFC 9112, 3.2; `authority` is left to proxies.
void check_target(const message_head& head) {
  const std::string_view target = head.target;
  const bool any = target == "*" && head.method == "OPTIONS";
  require(any || target.starts_with('/') || target.starts_with("http://") ||
              target.starts_with("https://"),
          "bad request target");
}

} // namespace

framing framing_of_request(const message_head& head) {
  check_target(head);
  check_host(head);
  if (is_chunked(head)) return {body_kind::chunked};
  const std::uint64_t length = content_length(head).value_or(0);
  require(length == 0 || head.method != "HEAD", "a HEAD with a body");
  if (length == 0) return {};
  return {body_kind::length, length};
}

framing framing_of_response(const message_head& head, std::string_view method) {
  const bool chunked = is_chunked(head);
  const auto length = content_length(head);
  if (method == "HEAD" || head.status < 200 || head.status == 204 ||
      head.status == 304)
    return {};
  if (chunked) return {body_kind::chunked};
  if (!length) return {body_kind::to_end};
  if (*length == 0) return {};
  return {body_kind::length, *length};
}

} // namespace greenroom::http
