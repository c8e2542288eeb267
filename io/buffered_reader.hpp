#pragma once

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/stream.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom {

/// Reads a stream by lines, or up to other marks, or by exact lengths, in turn.
///
/// Ownership  Borrows the stream, which must outlive it. What it has read ahead
///            is lost with it.
/// Thread     The stream's.
/// Waits      Each call in whole until its deadline. `read_line` and
///            `read_until`, when they fail or are killed, leave what had come
///            for the next call.
/// Errors     Both forms: those of the stream, and `std::errc::message_size`
///            for a line longer than the limit, so that a stranger cannot make
///            the buffer grow for ever.
/// Source     Python's StreamReader, Asio's read_until.
///
///     buffered_reader reader{connection};
///     while (auto line = reader.read_line()) connection.write(*line + "\n");
class buffered_reader {
public:
  static constexpr std::size_t default_limit = 64 * 1024; // bytes

  explicit buffered_reader(stream& from, std::size_t limit = default_limit)
      : from_(from), limit_(limit) {}

  /// The next line, without its end ("\n" or "\r\n"); nothing at the end of the
  /// stream. Text after the last line end counts as a line.
  std::optional<std::string> read_line(deadline until = {});
  std::optional<std::string> read_line(deadline until, std::error_code& failed);

  /// Up to the next `mark`, and with it; at the end of the stream what is left,
  /// without one, and then nothing.
  std::optional<std::string> read_until(std::string_view mark,
                                        deadline until = {});
  std::optional<std::string> read_until(std::string_view mark, deadline until,
                                        std::error_code& failed);

  /// What has come, at least a byte; 0 at the end of the stream.
  std::size_t read_some(std::span<char> into, deadline until = {});
  std::size_t read_some(std::span<char> into, deadline until,
                        std::error_code& failed);

  /// Fills `into`; `errc::closed` when the stream ends before: the second form
  /// says how much had come.
  void read(std::span<char> into, deadline until = {});
  std::size_t read(std::span<char> into, deadline until,
                   std::error_code& failed);

  /// Read from the stream, and not yet returned.
  std::string_view buffered() const {
    return std::string_view(buffer_).substr(taken_);
  }

private:
  bool fill(deadline until, std::error_code& failed);
  void drop(std::size_t bytes);
  std::size_t take(std::span<char> into);
  std::optional<std::string> cut_line(std::size_t searched);
  std::optional<std::string> cut_after(std::string_view mark,
                                       std::size_t searched);
  bool is_too_long() const;
  bool may_end_in_time(std::string_view mark) const;

  stream& from_;
  const std::size_t limit_;
  std::string buffer_;
  std::size_t taken_ = 0; // bytes of it that were returned
  bool ended_ = false;
};

} // namespace greenroom
