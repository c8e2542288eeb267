#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::http {

/// A request that is answered by a status and a line of text, and what reading
/// a malformed, oversized or late message throws. Let out of a handler before
/// it has sent anything, it is the response.
///
///     if (!known(user)) throw http::error(404, "no user of that name");
class error : public std::runtime_error {
public:
  using header = std::pair<std::string, std::string>;

  /// The text is shown to the client; empty: the status's own words. The
  /// headers go with it: {{"Retry-After", "10"}}.
  explicit error(int status, const std::string& text = {},
                 std::vector<header> headers = {});

  int status() const { return status_; }
  const std::vector<header>& headers() const { return headers_; }

private:
  int status_;
  std::vector<header> headers_;
};

/// "Not Found"; "Unknown" for a status that has no words.
std::string_view reason(int status);

} // namespace greenroom::http
