#pragma once

#include <chrono>
#include <cstddef>

namespace chat_web {

struct settings {
  /// A poll that nothing comes for is answered after it.
  std::chrono::milliseconds poll_time{10'000};
  /// Who loses the connection and is back by then has never been away.
  std::chrono::milliseconds grace{5'000};
  /// Messages a second that one user may say; 0: as many as there are.
  double rate = 5;
  double burst = 10; ///< messages, after a silence

  std::size_t most_users = 20'000;
  std::size_t most_rooms = 1'000;
};

inline constexpr std::size_t backlog = 25;        // messages a room keeps
inline constexpr std::size_t longest_text = 2000; // bytes of a message

} // namespace chat_web
