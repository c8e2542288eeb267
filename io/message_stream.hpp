#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/stream.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

/// Whole messages over a stream of bytes: each goes as its length, in 4 bytes,
/// the lowest first, and then itself. A message may be empty.
///
/// Ownership  Owns the stream, or borrows it: then that must outlive it, and
///            nobody else reads or writes it. Destroyed, or closed, it wakes
///            who waits, with `errc::closed`.
/// Thread     The stream's.
/// Waits      `send` and `receive`, each in whole until its deadline. Any
///            number may send, one after the other as they came; one receives.
/// Errors     Both forms: those of the stream; `std::errc::message_size` for a
///            message beyond the limit, sent or announced, before there is
///            memory for it; `errc::closed` where the stream ends within one.
///            A `receive` that fails or is killed loses nothing: the next goes
///            on. A `send` that does may have sent its message or not, never a
///            part of it.
/// Source     Python's multiprocessing.Connection.
///
///     message_stream peer{connection};
///     peer.send("ping");
///     while (auto message = peer.receive()) handle(*message);
class message_stream {
public:
  static constexpr std::size_t default_limit = 16 << 20; // bytes

  explicit message_stream(stream& through, std::size_t limit = default_limit);
  explicit message_stream(std::unique_ptr<stream> through,
                          std::size_t limit = default_limit);
  message_stream(message_stream&&) noexcept;
  message_stream& operator=(message_stream&&) noexcept;
  ~message_stream();

  void send(std::string_view message, deadline until = {});
  void send(std::string_view message, deadline until, std::error_code& failed);

  /// The next message; nothing at the end of the stream.
  std::optional<std::string> receive(deadline until = {});
  std::optional<std::string> receive(deadline until, std::error_code& failed);

  /// No more will be sent; the other side comes to the end.
  void shutdown_write();
  void close();
  bool is_open() const;

private:
  struct core;

  // Shared with the calls that wait; never null, but when moved from.
  std::shared_ptr<core> core_;
};

} // namespace greenroom
