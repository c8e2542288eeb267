#include <greenroom/zmq_patterns/freelance_client.hpp>

#include "freelance_words.hpp"
#include "parts.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/mailbox/event.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace greenroom::zmq {

struct freelance_client::pending {
  pending(freelance_client& client, const message& asked)
      : owner(client), number(++client.number_), what(asked) {
    owner.pending_.emplace(number, this);
  }
  pending(const pending&) = delete;
  pending& operator=(const pending&) = delete;
  ~pending() { owner.pending_.erase(number); }

  freelance_client& owner;
  const std::uint64_t number;
  const message& what;
  message reply{};
  event answered{};
};

freelance_client::freelance_client(freelance_client_options how)
    : freelance_client(context::shared(), std::move(how)) {
}

freelance_client::freelance_client(const context& in,
                                   freelance_client_options how)
    : how_(std::move(how)), socket_(make_router(in, how_.setup)) {
  if (how_.servers.empty())
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "zmq::freelance_client without servers");
  for (const auto& endpoint : how_.servers) {
    // Known before it has answered, so that it can be asked at once.
    socket_.set_connect_routing_id(endpoint);
    socket_.connect(endpoint);
    servers_.push_back({endpoint});
  }
}

void freelance_client::run() {
  const in_use mine{running_, "zmq::freelance_client::run"};
  nursery([this](nursery_scope& helpers) {
    if (how_.policy == freelance_policy::tracked)
      helpers.spawn([this] { ping_for_ever(); });
    for (;;)
      take(socket_.receive_multipart());
  });
}

void freelance_client::ping_for_ever() {
  for (;; sleep(how_.ping))
    for (const auto& each : servers_) {
      std::error_code failed;
      send_now(socket_, {each.endpoint, freelance_ping}, failed);
    }
}

void freelance_client::take(message&& came) {
  const auto at =
      std::find_if(servers_.begin(), servers_.end(), [&](const server& each) {
        return came.front().view() == each.endpoint;
      });
  if (at != servers_.end()) {
    at->expires = how_.time_to_live;
    arrivals_.wake_all();
  }
  if (came.size() == 2 && came[1] == freelance_pong) return;
  std::uint64_t number = 0;
  if (came.size() >= 2) {
    const auto text = came[1].view();
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  const auto found = pending_.find(number);
  if (found == pending_.end() || found->second->answered.is_set()) {
    ++counts_.late;
    return;
  }
  found->second->reply = from(std::move(came), 2);
  found->second->answered.set();
}

message freelance_client::request(const message& what, deadline until) {
  std::error_code failed;
  message reply = request(what, until, failed);
  if (failed)
    throw std::system_error(
        failed, "zmq::freelance_client::request to " + how_.servers.front() +
                    (how_.servers.size() > 1 ? " and others" : ""));
  return reply;
}

message freelance_client::request(const message& what, deadline until,
                                  std::error_code& failed) {
  failed.clear();
  if (pending_.size() >= how_.most_requests) {
    failed = greenroom::errc::full;
    return {};
  }
  ++counts_.requests;
  pending mine{*this, what};
  if (ask(mine, until)) {
    ++counts_.replies;
    return std::move(mine.reply);
  }
  ++counts_.failed;
  failed = greenroom::errc::timed_out;
  return {};
}

bool freelance_client::ask(pending& mine, deadline until) {
  switch (how_.policy) {
  case freelance_policy::sequential:
    return ask_in_turn(mine, until);
  case freelance_policy::shotgun:
    return ask_all(mine, until);
  case freelance_policy::tracked:
    break;
  }
  return ask_alive(mine, until.is_never() ? deadline{how_.within} : until);
}

bool freelance_client::ask_in_turn(pending& mine, deadline until) {
  for (int round = 0; round < how_.rounds; ++round)
    for (const auto& each : servers_) {
      send(each, mine);
      if (mine.answered.wait(std::min(until, deadline{how_.timeout})))
        return true;
      if (deadline{now()} >= until) return false;
      ++counts_.retried;
    }
  return false;
}

bool freelance_client::ask_all(pending& mine, deadline until) {
  for (int round = 0; round < how_.rounds; ++round) {
    if (round > 0) ++counts_.retried;
    for (const auto& each : servers_)
      send(each, mine);
    if (mine.answered.wait(std::min(until, deadline{how_.timeout})))
      return true;
    if (deadline{now()} >= until) return false;
  }
  return false;
}

/// Asks one for as long as it is alive; when it is no more, the next one.
bool freelance_client::ask_alive(pending& mine, deadline until) {
  bool again = false;
  for (;;) {
    const server* alive = first_alive();
    if (!alive) {
      if (!arrivals_.wait(until, "zmq::freelance_client::request", this))
        return false;
      continue;
    }
    if (std::exchange(again, true)) ++counts_.retried;
    send(*alive, mine);
    do {
      if (mine.answered.wait(std::min(until, alive->expires))) return true;
      const deadline moment{now()};
      if (moment >= until) return false;
      if (moment >= alive->expires) break;
    } while (true);
  }
}

void freelance_client::send(const server& to, const pending& mine) {
  message frames{to.endpoint, std::to_string(mine.number)};
  frames.insert(frames.end(), mine.what.begin(), mine.what.end());
  std::error_code failed;
  if (!send_now(socket_, std::move(frames), failed)) ++counts_.dropped;
}

const freelance_client::server* freelance_client::first_alive() const {
  const deadline moment{now()};
  const auto at =
      std::find_if(servers_.begin(), servers_.end(),
                   [&](const server& each) { return moment < each.expires; });
  return at == servers_.end() ? nullptr : &*at;
}

std::size_t freelance_client::alive() const {
  const deadline moment{now()};
  return static_cast<std::size_t>(
      std::count_if(servers_.begin(), servers_.end(),
                    [&](const server& each) { return moment < each.expires; }));
}

} // namespace greenroom::zmq
