#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/stream.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace greenroom {

/// One end of a pipe or FIFO, a terminal, or any other descriptor that can be
/// polled. `standard_input` and its like are for descriptors 0 to 2.
///
/// Ownership  Owns the descriptor; moved, not copied.
/// Errors     A write that nobody can read any more is
///            `std::errc::broken_pipe`; it raises no SIGPIPE, whatever the
///            program does about that signal.
///
/// The rest is as in `stream`. The end of what is read is final, also where
/// more could follow, as from a FIFO with a new writer. A writer whose reader
/// keeps up gives way after 64 writes in a row.
///
///     auto [reader, writer] = pipe();
///     writer.write("hello\n");
///     writer.close();
///     char text[100];
///     std::size_t bytes = reader.read_some(text);
class pipe_stream : public stream {
public:
  pipe_stream(pipe_stream&&) noexcept;
  pipe_stream& operator=(pipe_stream&&) noexcept;
  ~pipe_stream() override;

  /// Takes over a descriptor that somebody else made. It becomes non-blocking,
  /// for all who share what it refers to.
  /// Errors     `std::system_error`; the descriptor is still the caller's then.
  static pipe_stream adopt(int descriptor);

  /// Closes what can only be written to.
  void shutdown_write() override;
  void close() override;
  bool is_open() const override;
  /// Its path, or "a pipe".
  std::string peer_name() const override;

  /// Non-blocking; -1 when closed.
  int native_handle() const;
  /// Gives the descriptor away: the caller closes it. Who waits gets
  /// `errc::closed`.
  int release();

private:
  struct core;
  explicit pipe_stream(std::shared_ptr<core> made);

  std::size_t receive(std::span<char> into, std::size_t at_least,
                      const transfer& how) final;
  std::size_t send(std::span<const std::string_view> parts,
                   const transfer& how) final;

  // Shared with the calls that wait; never null, but when moved from.
  std::shared_ptr<core> core_;
};

struct pipe_ends {
  pipe_stream reader;
  pipe_stream writer;
};

/// A pipe within this process, or to give one end of to another.
///
/// Errors     `std::system_error`.
/// Source     pipe2(2).
pipe_ends pipe();

} // namespace greenroom
