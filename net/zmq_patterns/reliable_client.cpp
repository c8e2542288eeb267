#include <greenroom/zmq_patterns/reliable_client.hpp>

#include "parts.hpp"

#include <greenroom/hub/error.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace greenroom::zmq {

reliable_client::reliable_client(reliable_client_options how)
    : reliable_client(context::shared(), std::move(how)) {
}

reliable_client::reliable_client(const context& in, reliable_client_options how)
    : in_(in), how_(std::move(how)) {
  if (how_.endpoints.empty())
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "zmq::reliable_client without endpoints");
}

message reliable_client::request(const message& what, deadline until) {
  std::error_code failed;
  message reply = request(what, until, failed);
  if (failed)
    throw std::system_error(failed,
                            "zmq::reliable_client::request to " + endpoint());
  return reply;
}

message reliable_client::request(const message& what, deadline until,
                                 std::error_code& failed) {
  if (busy_) {
    failed = greenroom::errc::busy;
    return {};
  }
  const in_use mine{busy_, "zmq::reliable_client"};
  ++counts_.requests;
  for (int left = how_.retries;; --left) {
    message reply = ask(what, until, failed);
    if (!failed) ++counts_.replies;
    if (failed != greenroom::errc::timed_out) return reply;
    at_ = (at_ + 1) % how_.endpoints.size();
    if (left <= 0 || until <= deadline{now()}) break;
    ++counts_.retried;
  }
  ++counts_.failed;
  return {};
}

/// A socket whose reply is outstanding is of no more use: it goes with the call
/// that fails, or is killed.
message reliable_client::ask(const message& what, deadline until,
                             std::error_code& failed) {
  if (!socket_) connect();
  socket used = std::move(*socket_);
  socket_.reset();
  until = std::min(until, deadline{how_.timeout});
  message sent = what; // the frames' bytes are shared
  used.send_multipart(std::move(sent), until, failed);
  if (failed) return {};
  message reply = used.receive_multipart(until, failed);
  if (!failed) socket_.emplace(std::move(used));
  return reply;
}

void reliable_client::connect() {
  socket made = make_socket(in_, socket_type::req, how_.setup);
  made.connect(endpoint());
  socket_.emplace(std::move(made));
}

} // namespace greenroom::zmq
