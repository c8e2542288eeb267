#pragma once

#include <cstdint>

namespace greenroom {

/// Something on its way to another hub.
struct distant_item {
  std::uint64_t to; ///< where it goes there
  void* what;
};

/// What becomes of the items of one kind. Neither function may wait.
struct distant_kind {
  void (*deliver)(distant_item item); ///< on the hub it was sent to
  /// Instead, when that has ended: there, or where it was sent.
  void (*drop)(distant_item item) noexcept;
};

} // namespace greenroom
