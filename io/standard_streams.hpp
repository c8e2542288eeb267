#pragma once

#include <greenroom/io/stream.hpp>

namespace greenroom {

/// Descriptors 0, 1 and 2 as streams: the first to read, the others to write.
///
/// Whether a descriptor blocks is a property that the shell and other processes
/// share, so it is left as it is. Pipes and terminals are opened once more; what
/// cannot be, such as a socket, is polled. A regular file is read and written
/// plainly: the page cache answers quicker than a thread.
///
/// Ownership  The hub's, from the first call on: one object for each
///            descriptor. To `close` one leaves the descriptor itself open.
/// Thread     The calling hub's. Several hubs that read share what comes.
/// Errors     `std::system_error` when there is no such descriptor.
/// Note       Standard C and C++ streams have buffers of their own: flush them
///            before, and do not read by both.
///
///     buffered_reader lines{standard_input()};
///     while (auto line = lines.read_line()) standard_output().write(*line);
stream& standard_input();
stream& standard_output();
stream& standard_error();

} // namespace greenroom
