#include <greenroom/zmq_patterns/majordomo_pipeline.hpp>

#include "majordomo.hpp"
#include "parts.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <algorithm>
#include <utility>

namespace greenroom::zmq {

majordomo_pipeline::majordomo_pipeline(majordomo_pipeline_options how)
    : majordomo_pipeline(context::shared(), std::move(how)) {
}

majordomo_pipeline::majordomo_pipeline(const context& in,
                                       majordomo_pipeline_options how)
    : how_(std::move(how)),
      socket_(make_socket(in, socket_type::dealer, how_.setup)) {
  socket_.connect(how_.broker);
}

void majordomo_pipeline::send(std::string_view service, const message& body,
                              deadline until) {
  std::error_code failed;
  send(service, body, until, failed);
  if (failed)
    throw std::system_error(failed,
                            "zmq::majordomo_pipeline::send to " + how_.broker);
}

void majordomo_pipeline::send(std::string_view service, const message& body,
                              deadline until, std::error_code& failed) {
  failed.clear();
  while (!has_room()) {
    const deadline first = std::min(until, first_expiry());
    if (kept_.size() >= how_.most_kept)
      wait({room_}, first, 1);
    else
      wait({socket_.readable(), room_}, first, 1);
    pull();
    expire();
    if (has_room() || deadline{now()} < until) continue;
    failed = greenroom::errc::timed_out;
    return;
  }
  message sent{"", majordomo::client_header, service};
  append(sent, message{body});
  sent_at_.push_back(now()); // before others are let in
  const auto take_back = [&] {
    if (!sent_at_.empty()) sent_at_.pop_back();
    room_.list.wake_all();
  };
  try {
    socket_.send_multipart(std::move(sent), until, failed);
  } catch (...) {
    take_back();
    throw;
  }
  failed ? take_back() : void(++counts_.requests);
}

majordomo_reply majordomo_pipeline::receive(deadline until) {
  std::error_code failed;
  majordomo_reply reply = receive(until, failed);
  if (failed)
    throw std::system_error(failed, "zmq::majordomo_pipeline::receive from " +
                                        how_.broker);
  return reply;
}

majordomo_reply majordomo_pipeline::receive(deadline until,
                                            std::error_code& failed) {
  failed.clear();
  while (kept_.empty()) {
    wait({socket_.readable(), reply_}, std::min(until, first_expiry()), 1);
    if (pull() || !kept_.empty()) continue;
    const bool none_left = expire() && sent_at_.empty();
    if (!none_left && deadline{now()} < until) continue;
    failed = greenroom::errc::timed_out;
    return {};
  }
  majordomo_reply reply = std::move(kept_.front());
  kept_.pop_front();
  if (!room_.list.empty() && has_room()) room_.list.wake_all();
  return reply;
}

bool majordomo_pipeline::has_room() const {
  return sent_at_.size() < how_.window && kept_.size() < how_.most_kept;
}

/// Takes what has come; whether that is anything.
bool majordomo_pipeline::pull() {
  const std::size_t before = kept_.size();
  for (int i = 0; i < messages_in_a_row && kept_.size() < how_.most_kept; ++i) {
    auto came = take(socket_, counts_.refused);
    if (!came) break;
    keep(std::move(*came));
  }
  if (kept_.size() == before) return false;
  reply_.list.wake_all();
  room_.list.wake_all();
  return true;
}

void majordomo_pipeline::keep(message came) {
  if (came.size() < 3 || !came[0].empty() ||
      !(came[1] == majordomo::client_header)) {
    ++counts_.refused;
    return;
  }
  ++counts_.replies;
  if (!sent_at_.empty()) sent_at_.pop_front();
  std::string service = came[2].text();
  kept_.push_back({std::move(service), from(std::move(came), 3)});
}

/// Whether a request was given up.
bool majordomo_pipeline::expire() {
  bool any = false;
  for (const auto time = now();
       !sent_at_.empty() && sent_at_.front() + how_.timeout <= time;
       any = true) {
    sent_at_.pop_front();
    ++counts_.expired;
  }
  if (any) room_.list.wake_all();
  return any;
}

deadline majordomo_pipeline::first_expiry() const {
  return sent_at_.empty() ? deadline{}
                          : deadline{sent_at_.front() + how_.timeout};
}

} // namespace greenroom::zmq
