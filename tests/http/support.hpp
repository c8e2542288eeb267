#pragma once

// A client whose bytes are given beforehand, and what it was answered.

#include "hub/support.hpp"

#include <greenroom/http/request.hpp>
#include <greenroom/http/response.hpp>
#include <greenroom/http/service.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/io/stream.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

using greenroom::http::handler;
using greenroom::http::request;
using greenroom::http::response;
using greenroom::http::serve;
using greenroom::http::service_options;

/// Reading gives one piece after the other, then the end, or silence.
class scripted_stream : public greenroom::stream {
public:
  explicit scripted_stream(std::deque<std::string> pieces)
      : pieces_(std::move(pieces)) {}

  /// What was written, a write each.
  const std::vector<std::string>& writes() const { return writes_; }
  std::string written() const {
    return std::accumulate(writes_.begin(), writes_.end(), std::string());
  }
  /// How much had been written when it was read for that time.
  const std::vector<std::size_t>& written_at_reads() const { return at_reads_; }

  bool stays_silent = false; // at the end
  bool refuses_writes = false;

  std::string peer_name() const override { return "127.0.0.1:40000"; }
  void shutdown_read() override { pieces_.clear(); }
  void shutdown_write() override {}
  void close() override { open_ = false; }
  bool is_open() const override { return open_; }
  void reset() override { was_reset_ = true; }
  bool was_reset() const { return was_reset_; }

private:
  std::size_t receive(std::span<char> into, std::size_t,
                      const transfer& how) override {
    how.failed.clear();
    at_reads_.push_back(written().size());
    if (pieces_.empty() && stays_silent) {
      greenroom::sleep_until(greenroom::steady_time(
          std::chrono::nanoseconds(how.until.nanoseconds())));
      how.failed = make_error_code(greenroom::errc::timed_out);
      return 0;
    }
    if (pieces_.empty()) return 0;
    std::string& next = pieces_.front();
    const std::size_t bytes = std::min(into.size(), next.size());
    std::copy_n(next.data(), bytes, into.data());
    next.erase(0, bytes);
    if (next.empty()) pieces_.pop_front();
    return bytes;
  }

  std::size_t send(std::span<const std::string_view> parts,
                   const transfer& how) override {
    how.failed.clear();
    if (refuses_writes) {
      how.failed = std::make_error_code(std::errc::broken_pipe);
      return 0;
    }
    std::string all;
    for (const auto each : parts)
      all += each;
    writes_.push_back(all);
    return all.size();
  }

  std::deque<std::string> pieces_;
  std::vector<std::string> writes_;
  std::vector<std::size_t> at_reads_;
  bool open_ = true;
  bool was_reset_ = false;
};

inline std::deque<std::string> byte_by_byte(std::string_view text) {
  std::deque<std::string> all;
  for (const char each : text)
    all.emplace_back(1, each);
  return all;
}

inline std::string without_dates(std::string text) {
  const std::string mark = "Date: ";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark))
    text.erase(at, text.find("\r\n", at) + 2 - at);
  return text;
}

/// What a client is answered that sends `text` and then no more. The same,
/// whether it comes in one piece or byte by byte.
inline std::string answer_to(const std::string& text, const handler& handle,
                             const service_options& options = {}) {
  std::string whole;
  in_hub([&] {
    scripted_stream client{{text}};
    serve(client, handle, options);
    whole = without_dates(client.written());
    scripted_stream slow{byte_by_byte(text)};
    serve(slow, handle, options);
    CHECK(without_dates(slow.written()) == whole);
  });
  return whole;
}

/// "hello" to everybody.
inline void hello(request&, response& answer) {
  answer.send("hello");
}

/// What came as the body.
inline void repeat(request& asked, response& answer) {
  answer.send(asked.body());
}

inline const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
inline const std::string hello_response =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 5\r\n\r\nhello";

inline std::string status_line(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}

inline std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace test
