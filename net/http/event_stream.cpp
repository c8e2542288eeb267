#include <greenroom/http/event_stream.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace greenroom::http {
namespace {

/// A field a line; a line end in `text` begins the next one.
void append_lines(std::string& to, std::string_view name,
                  std::string_view text) {
  for (bool more = true; more;) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    to.append(name).append(": ").append(text.substr(0, end)).append("\n");
    more = end < text.size();
    if (text.substr(end).starts_with("\r\n")) text.remove_prefix(1);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void append_line(std::string& to, std::string_view name,
                 std::string_view text) {
  if (text.empty()) return;
  if (text.find_first_of({"\r\n\0", 3}) != std::string_view::npos)
    throw std::invalid_argument(
        "http::event_stream: a line end in an event's " + std::string(name));
  to.append(name).append(": ").append(text).append("\n");
}

} // namespace

event_stream::event_stream(response& over) : over_(over) {
  over.set("Content-Type", "text/event-stream");
  over.set("Cache-Control", "no-cache");
  over.write(": \n\n"); // so that the client knows that it is connected
}

void event_stream::send(std::string_view data) {
  send(data, {});
}

void event_stream::send(std::string_view data, const event& of) {
  std::string text;
  append_line(text, "event", of.name);
  append_line(text, "id", of.id);
  append_lines(text, "data", data);
  over_.write(text.append("\n"));
}

void event_stream::comment(std::string_view text) {
  std::string lines;
  append_lines(lines, "", text);
  over_.write(lines.append("\n"));
}

void event_stream::retry_after(std::chrono::milliseconds time) {
  over_.write("retry: " + std::to_string(time.count()) + "\n\n");
}

} // namespace greenroom::http
