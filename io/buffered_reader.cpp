#include <greenroom/io/buffered_reader.hpp>

#include <greenroom/hub/error.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace greenroom {
namespace {

std::error_code too_long() {
  return std::make_error_code(std::errc::message_size);
}

} // namespace

std::optional<std::string> buffered_reader::read_line(deadline until) {
  std::error_code failed;
  auto line = read_line(until, failed);
  if (failed) throw std::system_error(failed, "read a line");
  return line;
}

std::optional<std::string> buffered_reader::read_line(deadline until,
                                                      std::error_code& failed) {
  failed.clear();
  for (std::size_t searched = 0;;) {
    if (auto line = cut_line(searched)) return line;
    if (is_too_long()) failed = too_long();
    searched = buffered().size();
    if (failed || ended_ || !fill(until, failed)) break;
  }
  return std::nullopt;
}

/// The first whole line; at the end of the stream, the rest.
std::optional<std::string> buffered_reader::cut_line(std::size_t searched) {
  const std::string_view text = buffered();
  std::size_t end = text.find('\n', searched);
  if (end == std::string_view::npos && ended_ && !text.empty())
    end = text.size();
  if (end == std::string_view::npos) return std::nullopt;
  const bool with_return = end > 0 && text[end - 1] == '\r';
  const std::size_t length = end - (with_return ? 1 : 0);
  if (length > limit_) return std::nullopt;
  std::string line(text.substr(0, length));
  drop(std::min(end + 1, text.size()));
  return line;
}

/// The line that begins the buffer, which has no end yet or one too far away.
/// A return at the limit may be half of its end.
bool buffered_reader::is_too_long() const {
  const std::string_view text = buffered();
  return text.size() > limit_ &&
         (text.back() != '\r' || text.size() - limit_ > 1);
}

std::optional<std::string> buffered_reader::read_until(std::string_view mark,
                                                       deadline until) {
  std::error_code failed;
  auto text = read_until(mark, until, failed);
  if (failed) throw std::system_error(failed, "read until a mark");
  return text;
}

std::optional<std::string>
buffered_reader::read_until(std::string_view mark, deadline until,
                            std::error_code& failed) {
  failed.clear();
  if (mark.empty()) failed = std::make_error_code(std::errc::invalid_argument);
  for (std::size_t searched = 0; !failed;) {
    if (auto text = cut_after(mark, searched)) return text;
    searched = buffered().size();
    if (!may_end_in_time(mark)) failed = too_long();
    if (failed || ended_ || !fill(until, failed)) break;
  }
  return std::nullopt;
}

/// Half a mark at the limit may become a whole one.
bool buffered_reader::may_end_in_time(std::string_view mark) const {
  const std::string_view text = buffered();
  if (text.size() <= limit_) return true;
  const std::size_t most = std::min(text.size(), mark.size() - 1);
  for (std::size_t half = most; half > 0; --half)
    if (text.size() - half <= limit_ &&
        mark.starts_with(text.substr(text.size() - half)))
      return true;
  return false;
}

/// As `cut_line`. The part that was searched may end with half a mark.
std::optional<std::string> buffered_reader::cut_after(std::string_view mark,
                                                      std::size_t searched) {
  const std::string_view text = buffered();
  const std::size_t from = searched - std::min(searched, mark.size());
  const std::size_t found = text.find(mark, from);
  std::size_t end = found + mark.size();
  if (found == std::string_view::npos) {
    if (!ended_ || text.empty()) return std::nullopt;
    end = text.size();
  }
  if (end > limit_ + mark.size()) return std::nullopt;
  std::string part(text.substr(0, end));
  drop(end);
  return part;
}

std::size_t buffered_reader::read_some(std::span<char> into, deadline until) {
  if (const std::size_t bytes = take(into)) return bytes;
  return from_.read_some(into, until);
}

std::size_t buffered_reader::read_some(std::span<char> into, deadline until,
                                       std::error_code& failed) {
  failed.clear();
  if (const std::size_t bytes = take(into)) return bytes;
  return from_.read_some(into, until, failed);
}

void buffered_reader::read(std::span<char> into, deadline until) {
  const std::size_t bytes = take(into);
  from_.read(into.subspan(bytes), until);
}

std::size_t buffered_reader::read(std::span<char> into, deadline until,
                                  std::error_code& failed) {
  const std::size_t bytes = take(into);
  return bytes + from_.read(into.subspan(bytes), until, failed);
}

/// Reads what has come; false when that failed. Into the frame first: another
/// call may change the buffer meanwhile.
bool buffered_reader::fill(deadline until, std::error_code& failed) {
  std::array<char, 2048> chunk;
  const std::size_t bytes = from_.read_some(chunk, until, failed);
  if (failed) return false;
  buffer_.append(chunk.data(), bytes);
  ended_ = bytes == 0;
  return true;
}

void buffered_reader::drop(std::size_t bytes) {
  taken_ += bytes;
  if (taken_ < buffer_.size() && taken_ < buffer_.size() / 2) return;
  buffer_.erase(0, taken_);
  taken_ = 0;
}

std::size_t buffered_reader::take(std::span<char> into) {
  const std::size_t bytes = std::min(into.size(), buffered().size());
  std::memcpy(into.data(), buffered().data(), bytes);
  drop(bytes);
  return bytes;
}

} // namespace greenroom
