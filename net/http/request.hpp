#pragma once

#include <greenroom/http/fields.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::http {

/// Names and values of a query or a form, in order.
using parameters = std::vector<std::pair<std::string, std::string>>;

/// What a client asks for.
///
/// Ownership  Made by the server, for the time of the handler; so is what it
///            returns.
/// Thread     Its connection's greenlet only.
/// Waits      What reads the body: until the request's time is over.
/// Errors     Reading the body throws `http::error`: 400 for a malformed one,
///            408 for one that comes too slowly, 413 for one beyond the
///            server's limit; `std::system_error` when the connection fails.
///            Let out of the handler they answer the request.
/// Source     WSGI's environ, Go's http.Request.
///
///     void greet(request& asked, response& answer) {
///       answer.send("hello " + asked.query_value("name").value_or("you"));
///     }
class request {
public:
  request(const request&) = delete;
  request& operator=(const request&) = delete;

  std::string_view method() const;                ///< "GET"
  std::string_view target() const;                ///< "/a%20b?c=d", as it came
  std::string_view path() const { return path_; } ///< "/a%20b"
  std::string_view query() const { return query_; } ///< "c=d"
  /// The path without percent-encoding, "/a b". `error` 400 if that is bad.
  std::string decoded_path() const;
  int version() const; ///< 11: HTTP/1.1; 10
  std::string_view host() const { return header("Host"); }
  /// Of the client: "127.0.0.1:40000".
  const std::string& peer() const;

  const fields& headers() const;
  std::string_view header(std::string_view name) const {
    return headers().get(name);
  }
  std::optional<std::string> cookie(std::string_view name) const;
  std::optional<std::string> query_value(std::string_view name) const;
  parameters query_values() const;
  /// What stands in the place of `{name}` in the route; empty when there is no
  /// such place.
  std::string_view route_value(std::string_view name) const;

  /// Of the last place; empty when there is none.
  std::string_view last_route_value() const {
    return route_values_.empty() ? std::string_view()
                                 : route_values_.back().second;
  }

  // --- the body ------------------------------------------------------------

  /// Nothing: there is none, or it is chunked.
  std::optional<std::uint64_t> content_length() const;
  /// What has come of it, at least a byte; 0 at its end.
  std::size_t read_some(std::span<char> into);
  /// The rest of it.
  std::string body();
  /// The fields of an HTML form (application/x-www-form-urlencoded). `error`
  /// 415 for a body of another type.
  parameters form();
  /// In bytes; replaces the server's limit.
  void limit_body(std::uint64_t bytes) { most_body_ = bytes; }

private:
  friend class connection;
  friend class router;

  explicit request(class connection& of) : connection_(of) {}
  void begin();

  class connection& connection_;
  std::string_view path_;
  std::string_view query_;
  parameters route_values_;
  std::uint64_t most_body_ = 0; // bytes
  std::uint64_t body_read_ = 0;
};

/// "b" of {{"a", "b"}} for "a"; nothing when there is none.
std::optional<std::string> value_of(const parameters& all,
                                    std::string_view name);

} // namespace greenroom::http
