#include <greenroom/zmq_patterns/majordomo_broker.hpp>

#include "majordomo.hpp"
#include "parts.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <algorithm>
#include <utility>

namespace greenroom::zmq {
namespace {

using namespace std::chrono_literals;

/// A socket does not tell when one of its clients has room again.
constexpr auto owed_pause = 2ms;

bool begins(const message& came, std::string_view header, std::size_t least) {
  return came.size() >= least && came[1].empty() && came[2] == header;
}

} // namespace

majordomo_broker::majordomo_broker(majordomo_broker_options how)
    : majordomo_broker(context::shared(), std::move(how)) {
}

majordomo_broker::majordomo_broker(const context& in,
                                   majordomo_broker_options how)
    : how_(std::move(how)), clients_(make_router(in, how_.setup)),
      workers_(make_router(in, how_.setup)) {
  clients_.bind(how_.clients);
  workers_.bind(how_.workers);
}

void majordomo_broker::run() {
  const in_use mine{running_, "zmq::majordomo_broker::run"};
  forget_all();
  next_beat_ = now() + how_.heartbeat;
  for (;;) {
    wait_for_mail();
    const bool heard_all = take_from_workers();
    take_from_clients();
    send_owed();
    if (heard_all && now() >= next_beat_) beat();
    yield();
  }
}

void majordomo_broker::forget_all() {
  by_id_.clear();
  services_.clear();
  owed_.clear();
  held_ = 0;
}

void majordomo_broker::wait_for_mail() {
  deadline until{next_beat_};
  if (!owed_.empty()) until = std::min(until, deadline{owed_pause});
  if (held_ >= how_.most_held)
    wait({workers_.readable()}, until, 1);
  else
    wait({workers_.readable(), clients_.readable()}, until, 1);
}

/// Whether none is left: one who has not been heard must not be given up.
bool majordomo_broker::take_from_workers() {
  for (int i = 0; i < messages_in_a_row; ++i) {
    auto came = take(workers_, counts_.refused);
    if (!came) return true;
    heard_worker(std::move(*came));
  }
  return false;
}

void majordomo_broker::take_from_clients() {
  for (int i = 0; i < messages_in_a_row && held_ < how_.most_held; ++i) {
    auto came = take(clients_, counts_.refused);
    if (!came) return;
    heard_client(std::move(*came));
  }
}

// --- requests and replies ---------------------------------------------------

/// Id, empty, header, service, and the body. Kept: id, empty, and the body.
void majordomo_broker::heard_client(message came) {
  if (!begins(came, majordomo::client_header, 4)) {
    ++counts_.refused;
    return;
  }
  ++counts_.requests;
  if (came[3].view().substr(0, majordomo::internal.size()) ==
      majordomo::internal)
    return answer_internal(std::move(came));
  const auto found = services_.try_emplace(came[3].text()).first;
  service& of = found->second;
  if (of.workers == 0 && of.requests.size() >= how_.most_unserved) {
    ++counts_.dropped;
    return;
  }
  came.erase(came.begin() + 2, came.begin() + 4);
  of.requests.push_back({std::move(came), now() + how_.expire_after});
  ++held_;
  hand_out(of);
}

void majordomo_broker::answer_internal(message came) {
  const char* answer = "501";
  if (came[3] == "mmi.service" && came.size() > 4) {
    const auto found = services_.find(came[4].text());
    const bool served = found != services_.end() && found->second.workers > 0;
    answer = served ? "200" : "404";
  }
  came.resize(4);
  came.emplace_back(answer);
  deliver(std::move(came));
}

void majordomo_broker::hand_out(service& of) {
  while (!of.requests.empty() && !of.free.empty()) {
    worker& next = *of.free.front();
    of.free.pop_front();
    if (!hand_to(next, of.requests.front().what)) { // it has left
      forget(next);
      continue;
    }
    next.busy = true;
    of.requests.pop_front();
    --held_;
  }
}

bool majordomo_broker::hand_to(worker& who, const message& what) {
  message sent{who.id, "", majordomo::worker_header, majordomo::request};
  append(sent, message{what});
  std::error_code failed;
  return send_now(workers_, std::move(sent), failed);
}

/// Beginning with the client's id. Replies to one client stay in order.
void majordomo_broker::deliver(message reply) {
  const std::string client = reply.front().text();
  const auto behind = owed_.find(client);
  std::error_code failed = greenroom::errc::timed_out;
  if (behind == owed_.end()) send_now(clients_, std::move(reply), failed);
  if (!failed) {
    ++counts_.replies;
  } else if (failed != greenroom::errc::timed_out) {
    ++counts_.gone;
  } else if (behind != owed_.end() && behind->second.size() >= how_.most_owed) {
    ++counts_.dropped;
  } else {
    owed_[client].push_back({std::move(reply), now() + how_.expire_after});
    ++held_;
  }
}

void majordomo_broker::send_owed() {
  for (auto at = owed_.begin(); at != owed_.end();)
    at = send_owed_to(at->second) ? owed_.erase(at) : std::next(at);
}

/// Whether nothing is left.
bool majordomo_broker::send_owed_to(std::deque<waiting>& owed) {
  while (!owed.empty()) {
    std::error_code failed;
    send_now(clients_, std::move(owed.front().what), failed);
    if (failed == greenroom::errc::timed_out) return false;
    ++(failed ? counts_.gone : counts_.replies);
    owed.pop_front();
    --held_;
  }
  return true;
}

// --- workers ----------------------------------------------------------------

/// Id, empty, header, command, and what belongs to it.
void majordomo_broker::heard_worker(message came) {
  if (!begins(came, majordomo::worker_header, 4)) {
    ++counts_.refused;
    return;
  }
  const auto known = by_id_.find(came[0].text());
  if (known != by_id_.end())
    heard_known(known->second, std::move(came));
  else if (came[3] == majordomo::ready && came.size() == 5)
    is_ready(came[0], came[4].text());
  else if (!(came[3] == majordomo::disconnect))
    refuse(came[0]);
}

void majordomo_broker::heard_known(worker& from, message came) {
  from.expires = now() + how_.liveness * how_.heartbeat;
  if (came[3] == majordomo::reply && came.size() >= 6 && from.busy) {
    // Empty, header, service instead of command, client, empty.
    message reply{came[4], "", majordomo::client_header, from.service_name};
    append(reply, zmq::from(std::move(came), 6));
    deliver(std::move(reply));
    is_free(from);
  } else if (came[3] == majordomo::disconnect) {
    forget(from);
  } else if (!(came[3] == majordomo::heartbeat)) {
    const frame id = from.id;
    forget(from);
    refuse(id);
  }
}

void majordomo_broker::is_ready(const frame& id, std::string name) {
  if (name.compare(0, majordomo::internal.size(), majordomo::internal) == 0)
    return refuse(id);
  service& of = services_[name];
  ++of.workers;
  worker made{id, std::move(name), &of, false,
              now() + how_.liveness * how_.heartbeat};
  is_free(by_id_.emplace(id.text(), std::move(made)).first->second);
}

void majordomo_broker::is_free(worker& who) {
  who.busy = false;
  who.of->free.push_back(&who);
  hand_out(*who.of);
}

/// It begins anew then.
void majordomo_broker::refuse(const frame& id) {
  ++counts_.refused;
  send_to_worker(id, majordomo::disconnect);
}

void majordomo_broker::forget(worker& who) {
  if (who.busy) ++counts_.lost;
  --who.of->workers;
  who.of->free.remove(&who);
  by_id_.erase(who.id.text());
}

void majordomo_broker::send_to_worker(const frame& id,
                                      std::string_view command) {
  std::error_code ignored;
  send_now(workers_, {id, "", majordomo::worker_header, command}, ignored);
}

// --- time -------------------------------------------------------------------

void majordomo_broker::beat() {
  next_beat_ = now() + how_.heartbeat;
  expire();
  for (const auto& each : by_id_)
    send_to_worker(each.second.id, majordomo::heartbeat);
}

void majordomo_broker::expire() {
  const auto time = now();
  for (auto at = by_id_.begin(); at != by_id_.end();) {
    worker& each = (at++)->second;
    if (each.expires <= time) forget(each);
  }
  for (auto at = services_.begin(); at != services_.end();) {
    expire(at->second.requests);
    const bool idle = at->second.workers == 0 && at->second.requests.empty();
    at = idle ? services_.erase(at) : std::next(at);
  }
  for (auto at = owed_.begin(); at != owed_.end();) {
    expire(at->second);
    at = at->second.empty() ? owed_.erase(at) : std::next(at);
  }
}

void majordomo_broker::expire(std::deque<waiting>& list) {
  const auto time = now();
  for (; !list.empty() && list.front().expires <= time; list.pop_front()) {
    ++counts_.expired;
    --held_;
  }
}

} // namespace greenroom::zmq
