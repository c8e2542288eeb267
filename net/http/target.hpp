#pragma once

// Private to the http room: what is written in a request's target, in forms and
// in cookies.

#include <greenroom/http/request.hpp>

#include <string>
#include <string_view>

namespace greenroom::http {

/// Throws `error` 400 for a "%" that no two hexadecimal digits follow.
std::string decoded(std::string_view text);

/// "a=b&c=d", where "+" is a space.
parameters decoded_form(std::string_view text);

struct target_parts {
  std::string_view path;
  std::string_view query;
};
/// Of "/a?b" and of "http://host/a?b".
target_parts parts_of(std::string_view target);

} // namespace greenroom::http
