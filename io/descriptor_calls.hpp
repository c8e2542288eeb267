#pragma once

// Private to the io room: what the calls on sockets and other descriptors share.

#include <greenroom/hub/deadline.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/io/asio.hpp>

#include <asio/buffer.hpp>

#include <cerrno>
#include <cstddef>
#include <span>
#include <system_error>

namespace greenroom {

inline std::error_code last_error() {
  return {errno, std::system_category()};
}

inline bool is_would_block(const std::error_code& failed) {
  return failed && (failed == std::errc::operation_would_block ||
                    failed == std::errc::resource_unavailable_try_again);
}

/// In the standard's category, so that it compares with `std::errc`; what
/// Asio's own category says of its codes differs between its versions.
inline std::error_code standard(std::error_code failed) {
  if (failed.category() == asio::system_category())
    return {failed.value(), std::system_category()};
  return failed;
}

/// The operation was cancelled for a kill or timeout that was withdrawn before
/// it could be thrown: as if nothing had been, it is to be begun again.
template <class Descriptor>
bool was_withdrawn(const Descriptor& on, const std::error_code& failed) {
  return failed && failed == asio::error::operation_aborted && on.is_open();
}

/// What a call reports, which may have found `on` closed under it.
template <class Descriptor>
std::error_code explained(const Descriptor& on, std::error_code failed) {
  failed = standard(failed);
  const bool gone = failed == std::errc::operation_canceled ||
                    failed == std::errc::bad_file_descriptor;
  return gone && !on.is_open() ? make_error_code(errc::closed) : failed;
}

/// `stream::receive`, of one that keeps whether it has `ended`: Asio would
/// wait for a second end.
template <class Descriptor>
std::size_t receive_from(Descriptor& from, bool& ended, std::span<char> into,
                         std::size_t at_least, deadline until,
                         std::error_code& failed) {
  std::size_t filled = 0;
  for (;;) {
    if (ended && from.is_open()) {
      if (at_least > 0) failed = errc::closed;
      return filled;
    }
    filled += from.async_read_some(
        asio::buffer(into.data() + filled, into.size() - filled),
        use_greenlet[failed].until(until));
    if (!failed && filled >= at_least) return filled;
    if (was_withdrawn(from, failed)) continue;
    ended = failed == asio::error::eof;
    failed = ended ? std::error_code() : explained(from, failed);
    if (failed) return filled;
  }
}

} // namespace greenroom
