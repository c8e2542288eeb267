#pragma once

#include "text.hpp"

#include <greenroom/mailbox/queue.hpp>

#include <cstddef>
#include <string>

namespace chat {

/// The lines that one connection has not been sent yet.
///
/// Bounded, so that a person who does not read costs little, and `put` never
/// waits, so that nobody is held up: where there are `most_lines`, the oldest
/// are dropped, and the person is told how many when reading goes on.
class outbox {
public:
  static constexpr std::size_t most_lines = 1000;

  /// Does nothing once closed.
  void put(line text);
  /// What is in it will still be taken.
  void close();
  bool closed() const { return closed_; }

  /// Waits for lines, then takes as many as make one good write. Nothing: it
  /// is closed and empty.
  std::string take();

private:
  void add(line text);

  greenroom::queue<line> lines_{most_lines};
  std::size_t dropped_ = 0; // since the last `take`
  bool closed_ = false;
};

} // namespace chat
