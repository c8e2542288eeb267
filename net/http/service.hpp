#pragma once

#include <greenroom/http/request.hpp>
#include <greenroom/http/response.hpp>
#include <greenroom/io/stream.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>

namespace greenroom::http {

/// Answers one request, in the greenlet of its connection: it may wait. What it
/// throws is answered, an `error` by its status, anything else by 500 and a log
/// line; once the head is out, by the end of the connection.
using handler = std::function<void(request&, response&)>;

/// What a stranger may cost. Times count from the beginning of what they limit;
/// a client that exceeds one gets the status beside it, or its connection is
/// closed.
struct limits {
  std::size_t request_line = 8192;       ///< bytes; 414
  std::size_t head = 65'536;             ///< bytes of all fields; 431
  std::size_t fields = 100;              ///< 431
  std::uint64_t body = 16 * 1024 * 1024; ///< bytes, when it is read; 413
  std::chrono::nanoseconds head_time{std::chrono::seconds(10)};    ///< 408
  std::chrono::nanoseconds request_time{std::chrono::seconds(60)}; ///< 408
  std::chrono::nanoseconds idle_time{std::chrono::seconds(60)};    ///< closed
  std::chrono::nanoseconds write_time{std::chrono::seconds(30)};   ///< closed
  /// Of a body that the handler did not read, dropped for the sake of the next
  /// request; with more, the connection is closed.
  std::uint64_t dropped_body = 256 * 1024;
};

struct service_options {
  limits most = {};
  /// Called with a line for each request that was answered:
  /// `127.0.0.1 - - [2026-11-22 22:20:39] "GET / HTTP/1.1" 200 113 0.000180`:
  /// who, local time, the request, status, bytes sent, seconds.
  std::function<void(std::string_view)> access_log = {};
};

/// Answers the requests of one connection until it ends.
///
/// Ownership  Borrows everything for the time of the call.
/// Waits      For the client, within the limits. Once `stopping` is requested,
///            the answer in flight is the last; with none, it ends at once.
/// Errors     A client that goes away, or sends nonsense, is none.
///
///     serve(peer, [](request&, response& answer) { answer.send("hello"); });
void serve(stream& peer, const handler& handle,
           const service_options& options = {},
           const std::stop_token& stopping = {});

} // namespace greenroom::http
