#pragma once

// Private to the http room.

#include <ctime>
#include <string>
#include <string_view>

namespace greenroom::http {

/// "Sun, 06 Nov 1994 08:49:37 GMT"; RFC 9110, 5.6.7.
std::string date_text(std::time_t when);
/// Of that form only; -1 when it is not.
std::time_t parse_date(std::string_view text);

} // namespace greenroom::http
