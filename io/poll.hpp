#pragma once

// Waits on descriptors that belong to somebody else: of a foreign library, a
// device, an eventfd.

#include <greenroom/hub/deadline.hpp>

#include <poll.h>
#include <sys/select.h>

#include <cstddef>
#include <span>
#include <system_error>

namespace greenroom {

/// Waits until a read, or a write, of the descriptor would not block; its end
/// and its errors count as that.
///
/// Ownership  Borrows the descriptor. Who closes it meanwhile does so with
///            `close_descriptor`; after a plain close(2) nobody is woken.
/// Thread     Any hub's. Any number of greenlets may wait on one descriptor,
///            also on one that Asio serves.
/// Waits      Gives way once even when it is ready.
/// Errors     Both forms: `errc::timed_out`; `errc::closed` by
///            `close_descriptor`; `std::errc::bad_file_descriptor`; that of
///            epoll_create1(2), which a wait needs, such as
///            `std::errc::too_many_files_open`.
/// Source     gevent.socket's wait_read and wait_write; GEVENT.md 1.10.
///
///     wait_readable(PQsocket(connection), 5s);
///     PQconsumeInput(connection);
void wait_readable(int descriptor, deadline until = {});
void wait_readable(int descriptor, deadline until, std::error_code& failed);
void wait_writable(int descriptor, deadline until = {});
void wait_writable(int descriptor, deadline until, std::error_code& failed);

/// As poll(2), for the calling greenlet only: sets the `revents` of each, and
/// returns how many are not 0; none when `until` passed. A descriptor that is
/// not open, or is closed by `close_descriptor`, gets POLLNVAL. The array must
/// stay in place meanwhile. Otherwise as `wait_readable`.
///
///     std::array<pollfd, 2> both{{{one, POLLIN, 0}, {other, POLLOUT, 0}}};
///     if (poll(both, 5s) > 0 && both[0].revents & POLLIN) ...
std::size_t poll(std::span<pollfd> descriptors, deadline until = {});
std::size_t poll(std::span<pollfd> descriptors, deadline until,
                 std::error_code& failed);

/// As select(2): leaves in the sets, which may be null, those of the
/// descriptors below `count` that are ready, and returns how many; none when
/// `until` passed. When it fails, the sets are as they were: one of them not
/// open is `std::errc::bad_file_descriptor`, one closed by `close_descriptor`
/// meanwhile `errc::closed`.
std::size_t select(int count, fd_set* readable, fd_set* writable,
                   fd_set* exceptional, deadline until = {});
std::size_t select(int count, fd_set* readable, fd_set* writable,
                   fd_set* exceptional, deadline until,
                   std::error_code& failed);

/// As close(2), and wakes the greenlets of this hub that wait for the
/// descriptor by the calls above. Its number may be used again at once.
void close_descriptor(int descriptor);
void close_descriptor(int descriptor, std::error_code& failed);

} // namespace greenroom
