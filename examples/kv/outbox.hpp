#pragma once

#include <greenroom/io/stream.hpp>
#include <greenroom/mailbox/event.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace kv {

/// What a subscriber has not been sent yet. Who does not read is cut off: at
/// `most_bytes` the connection is closed, so that nobody else waits for it,
/// and it costs no more.
class outbox {
public:
  static constexpr std::size_t most_bytes = 8 << 20;

  explicit outbox(greenroom::stream& peer) : peer_(&peer) {}

  /// Does nothing once closed.
  void put(std::string_view text);
  /// What is in it will still be taken.
  void close();
  /// The connection ends: others may still have this.
  void leave();

  /// Waits for something, then takes all. Nothing: it is closed and empty.
  std::string take();

private:
  greenroom::stream* peer_; // null: gone
  greenroom::event news_;   // there is text, or it is closed
  std::string text_;
  bool closed_ = false;
};

} // namespace kv
