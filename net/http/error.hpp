#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace greenroom::http {

/// A request that is answered by a status and a line of text, and what reading
/// a malformed, oversized or late message throws. Let out of a handler before
/// it has sent anything, it is the response.
///
///     if (!known(user)) throw http::error(404, "no user of that name");
class error : public std::runtime_error {
public:
  /// The text is shown to the client; empty: the status's own words.
  explicit error(int status, const std::string& text = {});

  int status() const { return status_; }

private:
  int status_;
};

/// "Not Found"; "Unknown" for a status that has no words.
std::string_view reason(int status);

} // namespace greenroom::http
