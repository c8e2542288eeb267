#pragma once

#include "event.hpp"

#include <greenroom/hub/deadline.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace chat_web {

/// The events that one page has not been sent yet.
///
/// Bounded, and `put` never waits: one who does not read costs little and holds
/// up nobody. Where it is full the oldest event is dropped; a page sees that in
/// the numbers of the messages.
class outbox {
public:
  static constexpr std::size_t most_events = 1000;

  /// Does nothing once closed.
  void put(event_ptr what);
  /// What is in it can still be taken. `code` is for a WebSocket's goodbye.
  void close(std::uint16_t code);
  bool closed() const { return events_.closed(); }
  std::uint16_t close_code() const { return close_code_; }

  /// Waits for an event; null when `until` passed, or it is closed and empty.
  event_ptr take(greenroom::deadline until = {});
  /// Waits likewise, then takes as many as make one good write: a JSON array of
  /// them, "[]" for none.
  std::string take_all(greenroom::deadline until = {});

private:
  greenroom::queue<event_ptr> events_{most_events};
  std::uint16_t close_code_ = 0;
};
using outbox_ptr = std::shared_ptr<outbox>;

} // namespace chat_web
