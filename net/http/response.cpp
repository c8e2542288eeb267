#include "compressor.hpp"
#include "connection.hpp"
#include "date.hpp"

#include <greenroom/http/error.hpp>
#include <greenroom/http/response.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/socket_stream.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <stdexcept>

namespace greenroom::http {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::size_t small_body = 8192; // bytes: copied rather than gathered

/// Made once a second.
const std::string& date_line() {
  thread_local std::time_t made_at = -1;
  thread_local std::string line;
  if (const std::time_t now = std::time(nullptr); now != made_at) {
    made_at = now;
    line = "Date: " + date_text(now) + "\r\n";
  }
  return line;
}

void append_number(std::string& to, std::uint64_t number, int base = 10) {
  std::array<char, 24> digits;
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), number, base);
  to.append(digits.data(), end.ptr);
}

void append_status_line(std::string& to, int status) {
  if (status == 200) { // mostly
    to.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  to.append("HTTP/1.1 ");
  append_number(to, static_cast<unsigned>(status));
  to.append(" ").append(reason(status)).append(line_end);
}

bool is_of_connection(std::string_view name) {
  switch (name.size()) {
  case 10:
    return same_word(name, "Connection");
  case 14:
    return same_word(name, "Content-Length");
  case 17:
    return same_word(name, "Transfer-Encoding");
  default:
    return false;
  }
}

} // namespace

response::response(class connection& of) : connection_(of) {
}
response::~response() = default;

void response::begin(bool head_only) {
  status_ = 200;
  headers_.clear();
  framing_ = framing::none;
  head_only_ = head_only;
  ended_ = false;
  is_counted_ = false;
  left_ = 0;
  compressor_.reset();
}

void response::check_not_begun(const char* what) const {
  if (begun())
    throw std::logic_error(std::string("http::response: ") + what +
                           " after the head is out");
}

response& response::status(int code) {
  check_not_begun("status");
  if (code < 200 || code > 999)
    throw std::invalid_argument("http::response: no status of a response: " +
                                std::to_string(code));
  status_ = code;
  return *this;
}

response& response::set(std::string_view name, std::string_view value) {
  check_not_begun("set");
  headers_.set(name, value);
  return *this;
}

response& response::add(std::string_view name, std::string_view value) {
  check_not_begun("add");
  headers_.add(name, value);
  return *this;
}

response& response::set_cookie(std::string_view name, std::string_view value,
                               std::string_view attributes) {
  if (value.find_first_of(" \",;\\") != std::string_view::npos)
    throw std::invalid_argument("http::response: no value of a cookie: '" +
                                std::string(value) + '\'');
  std::string text{name};
  text.append("=").append(value);
  if (!attributes.empty()) text.append("; ").append(attributes);
  return add("Set-Cookie", text);
}

bool response::may_have_body() const {
  return status_ != 204 && status_ != 304;
}

/// In the order of gevent.pywsgi: what the handler set, then ours.
void response::write_head(framing how, std::uint64_t length) {
  if (headers_.lists("Connection", "close")) connection_.keep_alive_ = false;
  if (connection_.continue_is_due_ || how == framing::to_end)
    connection_.keep_alive_ = false; // who knows whether the body follows
  std::string& out = connection_.output_.buffer();
  append_status_line(out, status_);
  bool dated = false;
  for (const field& each : headers_) {
    if (is_of_connection(each.name)) continue; // as we say below
    dated = dated || same_word(each.name, "Date");
    out.append(each.name).append(": ").append(each.value).append(line_end);
  }
  if (!dated) out.append(date_line());
  if (how == framing::length) {
    out.append("Content-Length: ");
    append_number(out, length);
    out.append(line_end);
  } else if (how == framing::chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  if (!connection_.keep_alive_)
    out.append("Connection: close\r\n\r\n");
  else if (connection_.reader_.head().version == 10)
    out.append("Connection: keep-alive\r\n\r\n");
  else
    out.append(line_end);
  framing_ = how;
  is_counted_ = how == framing::length;
  left_ = length;
}

void response::send(std::string_view body) {
  send(body, "text/plain; charset=utf-8");
}

void response::send(std::string_view body, std::string_view content_type) {
  check_not_begun("send");
  if (!may_have_body()) {
    if (!body.empty())
      throw std::logic_error("http::response: a body with status " +
                             std::to_string(status_));
    return end();
  }
  if (!body.empty() && !headers_.contains("Content-Type"))
    headers_.add("Content-Type", content_type);
  std::string smaller;
  if (begin_compressing(body.size())) {
    smaller = compressor_->whole(body);
    compressor_->announce(headers_);
    body = smaller;
  }
  write_head(framing::length, body.size());
  ended_ = true;
  output& out = connection_.output_;
  if (head_only_ || body.empty()) return out.keep();
  if (body.size() > small_body) return out.send({body});
  out.buffer().append(body);
  out.keep();
}

void response::redirect(std::string_view location) {
  if (status_ == 200) status_ = 302;
  set("Location", location);
  send({});
}

/// A body of a length that is not known beforehand, or is by the handler.
void response::begin_pieces() {
  if (!may_have_body())
    throw std::logic_error("http::response: a body with status " +
                           std::to_string(status_));
  const std::string_view given = headers_.get("Content-Length");
  if (headers_.contains("Content-Length")) {
    std::uint64_t length = 0;
    const auto parsed =
        std::from_chars(given.data(), given.data() + given.size(), length);
    if (given.empty() || parsed.ptr != given.data() + given.size())
      throw std::invalid_argument("http::response: no Content-Length: '" +
                                  std::string(given) + '\'');
    const bool changes = begin_compressing(length);
    if (changes) compressor_->announce(headers_);
    write_head(changes ? framing::chunked : framing::length, length);
    is_counted_ = true;
  } else if (connection_.reader_.head().version == 11) {
    if (begin_compressing(compressor::unknown)) compressor_->announce(headers_);
    write_head(framing::chunked, 0);
  } else {
    write_head(framing::to_end, 0);
  }
}

void response::count(std::size_t bytes) {
  if (!is_counted_) return;
  if (bytes > left_)
    throw std::logic_error("http::response: more body than Content-Length");
  left_ -= bytes;
}

void response::write(std::string_view piece) {
  if (ended_) throw std::logic_error("http::response: write after the end");
  if (!begun()) begin_pieces();
  if (piece.empty()) return; // an empty chunk would be the last
  count(piece.size());
  if (head_only_) return;
  if (framing_ != framing::chunked) return connection_.output_.send({piece});
  is_compressed() ? write_compressed(piece) : write_chunk(piece);
}

void response::write_chunk(std::string_view bytes) {
  std::string size;
  append_number(size, bytes.size(), 16);
  connection_.output_.send({size, line_end, bytes, line_end});
}

bool response::begin_compressing(std::uint64_t bytes) {
  return compressor_ && compressor_->begin(headers_, bytes, head_only_);
}

bool response::is_compressed() const {
  return compressor_ && compressor_->is_at_work();
}

void response::write_compressed(std::string_view piece) try {
  while (!piece.empty()) {
    const std::string_view slice = piece.substr(0, compressor::slice);
    piece.remove_prefix(slice.size());
    const auto ends =
        piece.empty() ? gzip_writer::until::piece : gzip_writer::until::more;
    const std::string_view made = compressor_->next(slice, ends);
    if (!made.empty()) write_chunk(made); // an empty chunk would be the last
    if (slice.size() == compressor::slice) yield();
  }
} catch (...) { // also when it is killed, or late, between two slices
  connection_.output_.give_up();
  throw;
}

void response::end() {
  if (ended_ || framing_ == framing::taken_over) return;
  if (!begun() && may_have_body()) return send({});
  if (!begun()) {
    if (compressor_ && status_ == 304) compressor::announce_choice(headers_);
    write_head(framing::no_body, 0);
  }
  ended_ = true;
  if (head_only_) return;
  if (is_counted_ && left_ > 0)
    throw std::logic_error("http::response: less body than Content-Length");
  if (framing_ != framing::chunked) return;
  if (is_compressed())
    write_chunk(compressor_->next({}, gzip_writer::until::end));
  connection_.output_.buffer().append("0\r\n\r\n");
}

response::upgraded response::take_over() {
  check_not_begun("take_over");
  framing_ = framing::taken_over;
  connection_.keep_alive_ = false;
  connection_.output_.flush();
  return {connection_.peer_, connection_.reader_.buffered()};
}

namespace {

/// Where sendfile does not reach: TLS, and what is compressed.
void copy_file(int descriptor, std::uint64_t offset, std::uint64_t bytes,
               response& to) {
  std::array<char, 65'536> piece;
  while (bytes > 0) {
    const std::size_t most =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes, piece.size()));
    const ssize_t got =
        pread(descriptor, piece.data(), most, static_cast<off_t>(offset));
    if (got <= 0) throw std::runtime_error("a file became shorter");
    to.write({piece.data(), static_cast<std::size_t>(got)});
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::uint64_t>(got);
  }
}

} // namespace

void response::send_file(int descriptor, std::uint64_t offset,
                         std::uint64_t bytes) {
  if (!headers_.contains("Content-Length"))
    set("Content-Length", std::to_string(bytes));
  if (!begun()) begin_pieces();
  if (head_only_) {
    count(bytes);
    return end();
  }
  auto* socket = dynamic_cast<socket_stream*>(&connection_.peer_);
  if (!socket || is_compressed())
    return copy_file(descriptor, offset, bytes, *this);
  count(bytes);
  connection_.output_.send_file(*socket, descriptor, offset, bytes);
}

} // namespace greenroom::http
