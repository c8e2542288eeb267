#pragma once

// Private to the http room: what is refused, and where a body ends.

#include "message_parser.hpp"

#include <cstdint>

namespace greenroom::http {

enum class body_kind { none, length, chunked, to_end };

struct framing {
  body_kind kind = body_kind::none;
  std::uint64_t length = 0; // of a body of that kind
};

/// Throws `error` 400 for what two servers could take for different requests,
/// or for one with a body of another length: Content-Length twice or beside
/// Transfer-Encoding, any coding but `chunked`, no or several hosts.
/// Source     RFC 9112, 3.2 and 6.
framing framing_of_request(const message_head& head);

/// The same for the response to a request of `method`.
framing framing_of_response(const message_head& head, std::string_view method);

} // namespace greenroom::http
