#include "message_reader.hpp"

#include <greenroom/http/error.hpp>
#include <greenroom/hub/error.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace greenroom::http {
namespace {

constexpr std::size_t first_size = 4096; // bytes
constexpr std::size_t largest_chunk_line = 16'384;
/// Who is silent for so long can be given its buffers anew.
constexpr std::chrono::nanoseconds warm_time = std::chrono::seconds(1);

} // namespace

message_reader::message_reader(message_kind kind, stream& from,
                               before_waiting& writer,
                               const head_limits& limits)
    : from_(from), writer_(writer), limits_(limits), parser_(kind) {
}

void message_reader::begin_head() {
  searched_ = line_begin_ = lines_ = 0;
}

void message_reader::finish_head(std::size_t bytes) {
  parser_.parse_head(buffered().substr(0, bytes), head_);
  drop(bytes);
}

bool message_reader::read_head(std::chrono::nanoseconds idle,
                               std::chrono::nanoseconds time) {
  begin_head();
  std::size_t bytes = find_head_end();
  if (bytes == 0 && begin_ == end_) {
    if (wait_for_first(idle) == 0) return false;
    bytes = find_head_end();
  }
  if (bytes == 0) bytes = wait_for_head(time);
  finish_head(bytes);
  return true;
}

bool message_reader::read_head(deadline until) {
  begin_head();
  if (begin_ == end_ && fill(until) == 0) return false;
  const std::size_t bytes = find_head_end();
  finish_head(bytes > 0 ? bytes : wait_for_head(until));
  return true;
}

/// Of a head. The many that are idle hold no buffers.
std::size_t message_reader::wait_for_first(std::chrono::nanoseconds time) {
  bool late = false;
  make_room();
  end_ = read_some(input_, std::min(time, warm_time), late);
  if (!late || time <= warm_time) return end_;
  release();
  char first = 0;
  const std::size_t bytes = read_some({&first, 1}, time - warm_time, late);
  if (bytes == 0) return 0;
  make_room();
  input_[0] = first;
  end_ = 1;
  return bytes;
}

void message_reader::release() {
  (void)std::exchange(input_, {}); // what is assigned to keeps its memory
  (void)std::exchange(head_, {});
  writer_.release();
}

std::size_t message_reader::wait_for_head(deadline until) {
  for (;;) {
    if (fill(until) == 0) throw error(400, "the message ends in its head");
    if (const std::size_t bytes = find_head_end(); bytes > 0) return bytes;
  }
}

void message_reader::check_sizes() const {
  if (lines_ == 0 && searched_ > limits_.start_line)
    throw error(414); // a response has no such problem
  if (searched_ > limits_.head || lines_ > limits_.fields + 1) throw error(431);
}

/// The bytes of the head, with its empty line; 0: it has not come in whole.
std::size_t message_reader::find_head_end() {
  for (;;) {
    const char* from = input_.data() + begin_ + searched_;
    const void* found = std::memchr(from, '\n', end_ - begin_ - searched_);
    if (!found) break;
    const auto after = static_cast<std::size_t>(
        static_cast<const char*>(found) + 1 - input_.data() - begin_);
    const bool is_empty = after - line_begin_ == 2;
    end_line(after);
    if (is_empty) return after;
  }
  searched_ = end_ - begin_;
  check_sizes();
  return 0;
}

void message_reader::end_line(std::size_t after) {
  const std::size_t size = after - line_begin_;
  if (size < 2 || input_[begin_ + after - 2] != '\r')
    throw error(400, "a line that ends without a carriage return");
  if (size == 2 && lines_ == 0) throw error(400, "an empty line at first");
  searched_ = after;
  check_sizes();
  line_begin_ = after;
  if (size > 2) ++lines_;
}

/// More of the stream; 0 at its end.
std::size_t message_reader::fill(deadline until) {
  make_room();
  const std::size_t bytes =
      read_some({input_.data() + end_, input_.size() - end_}, until);
  end_ += bytes;
  return bytes;
}

std::size_t message_reader::read_some(std::span<char> into, deadline until) {
  bool late = false;
  const std::size_t bytes = read_some(into, until, late);
  if (late) throw error(408);
  return bytes;
}

std::size_t message_reader::read_some(std::span<char> into, deadline until,
                                      bool& late) {
  writer_.flush();
  std::error_code failed;
  const std::size_t bytes = from_.read_some(into, until, failed);
  late = failed == errc::timed_out;
  if (late) return 0;
  failed_ = static_cast<bool>(failed);
  if (failed) throw std::system_error(failed, "read a message");
  return bytes;
}

void message_reader::make_room() {
  if (begin_ > 0) {
    std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == input_.size())
    input_.resize(std::max(first_size, input_.size() * 2));
}

void message_reader::drop(std::size_t bytes) {
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

std::size_t message_reader::read_body(std::span<char> into, deadline until) {
  if (body_done_ || into.empty()) return 0;
  if (body_.kind == body_kind::chunked) return read_chunked(into, until);
  if (body_.kind == body_kind::length && into.size() > body_.length)
    into = into.first(static_cast<std::size_t>(body_.length));
  const std::size_t bytes = read_through(into, until);
  if (bytes == 0 && body_.kind == body_kind::length)
    throw error(400, "unexpected end of the body");
  if (body_.kind == body_kind::length) body_.length -= bytes;
  body_done_ = body_.kind == body_kind::length ? body_.length == 0 : bytes == 0;
  return bytes;
}

/// What is buffered; else straight from the stream.
std::size_t message_reader::read_through(std::span<char> into, deadline until) {
  if (begin_ < end_) {
    const std::size_t bytes = std::min(into.size(), end_ - begin_);
    std::copy_n(input_.data() + begin_, bytes, into.data());
    drop(bytes);
    return bytes;
  }
  return read_some(into, until);
}

std::size_t message_reader::read_chunked(std::span<char> into, deadline until) {
  for (;;) {
    const auto made = parser_.parse_chunked(buffered(), into);
    drop(made.taken);
    body_done_ = made.done;
    if (made.filled > 0 || made.done) return made.filled;
    if (made.taken > 0 && begin_ < end_) continue;
    if (buffered().size() > largest_chunk_line)
      throw error(400, malformed_chunks);
    if (fill(until) == 0) throw error(400, malformed_chunks);
  }
}

} // namespace greenroom::http
