#pragma once

// Private to the io room: io_uring(7), by which the disk is read without a
// thread. One for each hub, made when something is first read so.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace greenroom {

/// As pread(2), waiting only the caller; nothing where that is not to be had
/// so, and a thread has to do it. Cannot be broken off: a kill or timeout that
/// comes meanwhile waits for the next call.
#ifdef GREENROOM_WITH_IO_URING
std::optional<std::size_t> read_by_ring(int from, std::uint64_t offset,
                                        std::span<char> into);
#else
inline std::optional<std::size_t> read_by_ring(int, std::uint64_t,
                                               std::span<char>) {
  return std::nullopt;
}
#endif

} // namespace greenroom
