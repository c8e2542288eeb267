#include <greenroom/zmq_patterns/pirate_broker.hpp>

#include "parts.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <iterator>
#include <utility>

namespace greenroom::zmq {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view ready{"\1", 1};
constexpr std::string_view heartbeat{"\2", 1};

} // namespace

pirate_broker::pirate_broker(pirate_broker_options how)
    : pirate_broker(context::shared(), std::move(how)) {
}

pirate_broker::pirate_broker(const context& in, pirate_broker_options how)
    : how_(std::move(how)), clients_(make_router(in, how_.setup)),
      workers_(make_router(in, how_.setup)) {
  clients_.set_receive_limit(how_.most_waiting);
  clients_.bind(how_.clients);
  workers_.bind(how_.workers);
}

void pirate_broker::run() {
  const in_use mine{running_, "zmq::pirate_broker::run"};
  free_.clear();
  by_id_.clear();
  next_beat_ = now() + how_.heartbeat;
  for (;;) {
    wait_for_mail();
    const bool heard_all = take_from_workers();
    take_from_clients();
    if (how_.heartbeat > 0s && heard_all && now() >= next_beat_) beat();
    yield();
  }
}

void pirate_broker::wait_for_mail() {
  const deadline until =
      how_.heartbeat > 0s ? deadline{next_beat_} : deadline{};
  if (free_.empty())
    wait({workers_.readable()}, until, 1);
  else
    wait({workers_.readable(), clients_.readable()}, until, 1);
}

/// Whether none is left: one who has not been heard must not be given up.
bool pirate_broker::take_from_workers() {
  for (int i = 0; i < messages_in_a_row; ++i) {
    auto came = take(workers_, counts_.refused);
    if (!came) return true;
    heard(std::move(*came));
  }
  return false;
}

void pirate_broker::take_from_clients() {
  for (int i = 0; i < messages_in_a_row && !free_.empty(); ++i) {
    if (!request_) request_ = take(clients_, counts_.refused);
    if (!request_) return;
    hand_out();
  }
}

/// Of a simple worker an empty frame comes first. What has one frame is a
/// command, a reply has its client's id and more.
void pirate_broker::heard(message came) {
  const frame id = came.front();
  const bool simple = came.size() > 1 && came[1].empty();
  message rest = from(std::move(came), simple ? 2 : 1);
  const auto known = by_id_.find(id.text());
  if (rest.size() > 1) {
    deliver(std::move(rest));
    is_free(id, simple);
  } else if (rest.size() == 1 && rest[0] == ready) {
    is_free(id, simple);
  } else if (rest.size() == 1 && rest[0] == heartbeat) {
    // One that is not known works, or was given up and will say that it is
    // ready when it finds that it hears nothing.
    if (known != by_id_.end())
      known->second->expires = now() + how_.liveness * how_.heartbeat;
  } else {
    ++counts_.refused;
  }
}

void pirate_broker::is_free(const frame& id, bool simple) {
  const auto known = by_id_.find(id.text());
  if (known != by_id_.end()) forget(known->second);
  if (free_.size() >= how_.most_workers) {
    ++counts_.refused;
    return;
  }
  free_.push_back({id, simple, now() + how_.liveness * how_.heartbeat});
  by_id_.emplace(id.text(), std::prev(free_.end()));
}

void pirate_broker::forget(workers::iterator which) {
  by_id_.erase(which->id.text());
  free_.erase(which);
}

void pirate_broker::deliver(message reply) {
  std::error_code failed;
  ++(send_now(clients_, std::move(reply), failed) ? counts_.replies
                                                  : counts_.dropped);
}

/// Requires one that is free. It may have left: then the next one gets it.
void pirate_broker::hand_out() {
  const auto next = free_.begin();
  message sent{next->id};
  if (next->simple) sent.emplace_back();
  for (const frame& each : *request_)
    sent.push_back(each);
  forget(next);
  std::error_code failed;
  const bool gone = !send_now(workers_, std::move(sent), failed);
  ++(gone ? counts_.gone : counts_.requests);
  if (!gone) request_.reset();
}

void pirate_broker::beat() {
  next_beat_ = now() + how_.heartbeat;
  expire();
  std::error_code ignored;
  for (const worker& each : free_)
    if (!each.simple) send_now(workers_, {each.id, heartbeat}, ignored);
}

void pirate_broker::expire() {
  const auto time = now();
  for (auto at = free_.begin(); at != free_.end();) {
    const auto each = at++;
    if (each->simple || each->expires > time) continue;
    forget(each);
    ++counts_.expired;
  }
}

} // namespace greenroom::zmq
