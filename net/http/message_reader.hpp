#pragma once

// Private to the http room: messages off a stream, one after the other.

#include "framing.hpp"
#include "message_parser.hpp"

#include <greenroom/hub/deadline.hpp>
#include <greenroom/io/stream.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom::http {

/// In bytes, but the last.
struct head_limits {
  std::size_t start_line = 8192;
  std::size_t head = 65'536;
  std::size_t fields = 100;
};

/// What is written is to be on its way before anything is waited for.
class before_waiting {
public:
  virtual void flush() = 0;
  /// Nothing will be written for long.
  virtual void release() = 0;

protected:
  ~before_waiting() = default;
};

/// Throws `error` for what no answer can be got from (400), is too large (413,
/// 414, 431) or too slow (408); `std::system_error` when the stream fails.
class message_reader {
public:
  message_reader(message_kind kind, stream& from, before_waiting& writer,
                 const head_limits& limits);

  /// The next head. False when the stream ended, or `idle` passed, before its
  /// first byte. From then on it has `time`.
  bool read_head(std::chrono::nanoseconds idle, std::chrono::nanoseconds time);
  /// The same with one limit; who comes late is an `error` 408 at any time.
  bool read_head(deadline until);
  const message_head& head() const { return head_; }

  void set_body(const framing& of) {
    body_ = of;
    body_done_ = of.kind == body_kind::none;
  }
  /// Some of the body; 0 at its end.
  std::size_t read_body(std::span<char> into, deadline until);
  bool body_done() const { return body_done_; }
  const framing& body() const { return body_; }

  /// The stream has failed.
  bool has_failed() const { return failed_; }

  /// Read off the stream, and not yet returned.
  std::string_view buffered() const {
    return {input_.data() + begin_, end_ - begin_};
  }

private:
  void begin_head();
  void finish_head(std::size_t bytes);
  std::size_t find_head_end();
  std::size_t wait_for_head(deadline until);
  std::size_t wait_for_first(std::chrono::nanoseconds time);
  void end_line(std::size_t after);
  void check_sizes() const;
  std::size_t fill(deadline until);
  std::size_t read_some(std::span<char> into, deadline until);
  std::size_t read_some(std::span<char> into, deadline until, bool& late);
  void release();
  void make_room();
  void drop(std::size_t bytes);
  std::size_t read_through(std::span<char> into, deadline until);
  std::size_t read_chunked(std::span<char> into, deadline until);

  stream& from_;
  before_waiting& writer_;
  const head_limits limits_;
  message_parser parser_;
  message_head head_;

  std::string input_; // [begin_, end_) of it is unused
  std::size_t begin_ = 0;
  std::size_t end_ = 0;

  // While a head is looked for; from begin_ on.
  std::size_t searched_ = 0;
  std::size_t line_begin_ = 0;
  std::size_t lines_ = 0;

  framing body_; // with the length that is left
  bool body_done_ = true;
  bool failed_ = false;
};

} // namespace greenroom::http
