#pragma once

#include <greenroom/http/response.hpp>

#include <chrono>
#include <string_view>

namespace greenroom::http {

/// Server-sent events: a response without end, which browsers read by their
/// `EventSource`.
///
/// Ownership  Borrows the response.
/// Waits      As `response::write`; a client that is gone is found when an event
///            is sent, so send a `comment` at times where there is nothing to
///            tell.
/// Source     The HTML standard, 9.2.
///
///     event_stream events{answer};
///     for (;;) events.send(news.get(), {.name = "news"});
class event_stream {
public:
  explicit event_stream(response& over);

  struct event {
    std::string_view name = {}; ///< else "message"
    std::string_view id = {};   ///< which the client tells when it comes back
  };
  /// `data` may have several lines.
  void send(std::string_view data);
  void send(std::string_view data, const event& of);
  /// The client ignores it.
  void comment(std::string_view text = {});
  /// After which time a client that lost the connection comes back.
  void retry_after(std::chrono::milliseconds time);

private:
  response& over_;
};

} // namespace greenroom::http
