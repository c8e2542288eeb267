#pragma once

// Private to the io room: writing as much as there is room for, in turns.

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <system_error>

namespace greenroom {

/// A writer whose reader keeps up never waits; others have their turn after so
/// many writes.
inline constexpr unsigned writes_in_a_row = 64;

/// What is still to be sent of several parts.
class unsent {
public:
  explicit unsent(std::span<const std::string_view> parts) : parts_(parts) {
    skip(0);
  }

  bool empty() const { return parts_.empty(); }
  bool is_one_part() const { return parts_.size() == 1; }
  std::string_view front() const { return parts_.front().substr(skipped_); }

  void skip(std::size_t bytes) {
    skipped_ += bytes;
    while (!parts_.empty() && skipped_ >= parts_.front().size()) {
      skipped_ -= parts_.front().size();
      parts_ = parts_.subspan(1);
    }
  }

  /// The next ones, as many as there is room for.
  std::size_t list(std::span<iovec> into) const {
    const std::size_t count = std::min(parts_.size(), into.size());
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view part = i == 0 ? front() : parts_[i];
      into[i] = {const_cast<char*>(part.data()), part.size()};
    }
    return count;
  }

private:
  std::span<const std::string_view> parts_;
  std::size_t skipped_ = 0; // bytes of the first part
};

/// Writes what there is room for now, by write(2); a SIGPIPE that this would
/// raise is taken back. Clear `failed` first.
std::size_t write_now(int to, const unsent& rest, std::error_code& failed);

} // namespace greenroom
