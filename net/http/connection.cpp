#include "connection.hpp"

#include <greenroom/http/error.hpp>
#include <greenroom/hub/error.hpp>
#include <greenroom/hub/log.hpp>

#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

namespace greenroom::http {
namespace {

using namespace std::chrono_literals;

constexpr auto goodbye_time = 1s; // for a client to read the last answer
constexpr std::size_t most_goodbye = 256 * 1024; // bytes that are dropped then

head_limits limits_of(const service_options& options) {
  return {options.most.request_line, options.most.head, options.most.fields};
}

} // namespace

connection::connection(stream& peer, const handler& handle,
                       const service_options& options)
    : peer_(peer), handle_(handle), options_(options),
      output_(peer, options.most.write_time),
      reader_(message_kind::request, peer, output_, limits_of(options)),
      request_(*this), response_(*this) {
}

/// What the end of the connection would make look whole.
struct connection::whole_or_reset {
  explicit whole_or_reset(connection& of) : here(of) {}
  ~whole_or_reset() {
    if (here.response_.ends_with_connection() &&
        (!here.response_.ended() || here.output_.has_failed()))
      here.peer_.reset();
  }
  connection& here;
};

void connection::run() {
  const whole_or_reset at_end{*this};
  try {
    while (next_request()) {
      answer();
      if (!keep_alive_) break;
    }
    if (output_.has_failed()) return; // its handler has caught that
    output_.flush();
    if (!response_.ended() && response_.ends_with_connection()) return;
    if (!peer_.is_open()) return;
    say_goodbye();
  } catch (const std::system_error&) {
    if (!output_.has_failed() && !reader_.has_failed()) throw;
    // The client is gone.
  }
}

/// False when there is none, or none that can be answered as it should.
bool connection::next_request() {
  if (draining_ && reader_.buffered().empty()) return false;
  try {
    idle_ = true;
    const bool came =
        reader_.read_head(options_.most.idle_time, options_.most.head_time);
    idle_ = false;
    if (!came) return false;
    reader_.set_body(framing_of_request(reader_.head()));
    request_.begin();
  } catch (const error& why) {
    idle_ = false;
    refuse(why);
    return false;
  }
  if (!reader_.body_done()) arrival_ = options_.most.request_time;
  if (options_.access_log) began_ = std::chrono::steady_clock::now();
  bytes_before_ = output_.bytes();
  keep_alive_ = !draining_ && wants_to_live();
  continue_is_due_ = awaits_continue();
  response_.begin(request_.method() == "HEAD");
  return true;
}

bool connection::wants_to_live() const {
  const message_head& head = reader_.head();
  if (head.of.connection == 0) return head.version == 11;
  return head.version == 11 ? !head.headers.lists("Connection", "close")
                            : head.headers.lists("Connection", "keep-alive");
}

bool connection::awaits_continue() const {
  return !reader_.body_done() && reader_.head().of.expect > 0 &&
         reader_.head().version == 11 &&
         same_word(reader_.head().headers.get("Expect"), "100-continue");
}

/// Nobody knows where the next request would begin.
void connection::refuse(const error& why) {
  output_.buffer()
      .append("HTTP/1.1 ")
      .append(std::to_string(why.status()))
      .append(" ")
      .append(reason(why.status()))
      .append("\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

void connection::answer() {
  call_handler();
  keep_alive_ = keep_alive_ && !broken_ && !draining_ && !output_.has_failed();
  if (options_.access_log) write_access_line();
  if (keep_alive_ && !reader_.body_done()) drop_rest_of_body();
}

void connection::call_handler() {
  try {
    handle_(request_, response_);
    response_.end();
  } catch (const error& why) {
    fail(why);
  } catch (const std::exception&) {
    if (output_.has_failed() || reader_.has_failed()) throw; // its doing
    log_failure(std::current_exception());
    fail(error(500));
  }
}

/// After the head, the client can be told by the end of the connection only.
void connection::fail(const error& why) {
  if (response_.begun()) {
    broken_ = true;
    return;
  }
  response_.begin(response_.head_only());
  if (why.status() >= 500 || why.status() == 413 || !reader_.body_done())
    keep_alive_ = false;
  response_.status(why.status());
  for (const auto& [name, value] : why.headers())
    response_.add(name, value);
  response_.send(why.what());
}

void connection::log_failure(const std::exception_ptr& why) const {
  log_error("http: " + std::string(request_.method()) + ' ' +
            std::string(request_.target()) + " from " + request_.peer() +
            " failed: " + describe(why));
}

std::size_t connection::read_body(std::span<char> into) {
  if (std::exchange(continue_is_due_, false))
    output_.buffer().append("HTTP/1.1 100 Continue\r\n\r\n");
  return reader_.read_body(into, arrival_);
}

const std::string& connection::peer_name() {
  if (peer_name_.empty()) peer_name_ = peer_.peer_name();
  return peer_name_;
}

/// The next request comes behind it.
void connection::drop_rest_of_body() {
  std::array<char, 4096> dropped;
  std::uint64_t left = options_.most.dropped_body;
  try {
    while (!reader_.body_done() && left >= dropped.size())
      left -= reader_.read_body(dropped, arrival_);
  } catch (const error&) {
    keep_alive_ = false; // answered already
  }
  if (!reader_.body_done()) keep_alive_ = false;
}

/// What was sent could be lost if we closed with bytes unread.
void connection::say_goodbye() {
  peer_.shutdown_write();
  std::array<char, 4096> dropped;
  std::error_code failed;
  std::size_t all = 0;
  const deadline until{goodbye_time};
  while (all < most_goodbye && !failed) {
    const std::size_t bytes = peer_.read_some(dropped, until, failed);
    if (bytes == 0) return;
    all += bytes;
  }
}

void connection::drain() {
  draining_ = true;
  keep_alive_ = false;
  if (idle_ && reader_.buffered().empty()) peer_.shutdown_read();
}

void connection::write_access_line() const {
  const std::chrono::duration<double> time =
      std::chrono::steady_clock::now() - began_;
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 32> stamp{};
  std::strftime(stamp.data(), stamp.size(), "%Y-%m-%d %H:%M:%S", &local);
  std::array<char, 96> end{};
  std::snprintf(
      end.data(), end.size(), "HTTP/1.%d\" %d %llu %.6f",
      reader_.head().version % 10, response_.status(),
      static_cast<unsigned long long>(output_.bytes() - bytes_before_),
      time.count());
  const std::string& peer = request_.peer();
  options_.access_log(peer.substr(0, peer.rfind(':')) + " - - [" +
                      stamp.data() + "] \"" + std::string(request_.method()) +
                      ' ' + std::string(request_.target()) + ' ' + end.data());
}

void serve(stream& peer, const handler& handle, const service_options& options,
           const std::stop_token& stopping) {
  connection served{peer, handle, options};
  const std::stop_callback last{stopping, [&] { served.drain(); }};
  served.run();
}

} // namespace greenroom::http
