#include <greenroom/zmq_patterns/last_value_cache.hpp>

#include "parts.hpp"

#include <greenroom/mailbox/select.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace greenroom::zmq {
namespace {

constexpr std::size_t room_for_live = 1000; // messages, besides those replayed

int limit_of(std::size_t topics) {
  constexpr std::size_t most = std::numeric_limits<int>::max();
  return static_cast<int>(std::min(topics, most - room_for_live) +
                          room_for_live);
}

} // namespace

last_value_cache::last_value_cache(last_value_cache_options how)
    : last_value_cache(context::shared(), std::move(how)) {
}

last_value_cache::last_value_cache(const context& in,
                                   last_value_cache_options how)
    : how_(std::move(how)),
      publishers_(make_socket(in, socket_type::sub, how_.setup)),
      subscribers_(make_socket(in, socket_type::xpub, how_.setup)) {
  publishers_.set_most_bytes(static_cast<std::int64_t>(how_.most_bytes));
  publishers_.subscribe();
  publishers_.bind(how_.publishers);
  subscribers_.set_xpub_verbose(true);
  subscribers_.set_send_limit(limit_of(how_.most_topics));
  subscribers_.bind(how_.subscribers);
}

void last_value_cache::run() {
  const in_use mine{running_, "zmq::last_value_cache::run"};
  for (;;) {
    select(when(subscribers_.readable(), [] {}),
           when(publishers_.readable(), [] {}));
    for (int i = 0; i < messages_in_a_row; ++i) {
      const bool greeted = greet();
      if (!pass_on() && !greeted) break;
    }
    yield();
  }
}

bool last_value_cache::pass_on() {
  auto came = take(publishers_, counts_.too_large);
  if (!came) return false;
  if (bytes_of(*came) > how_.most_bytes) {
    ++counts_.too_large;
    return true;
  }
  keep(*came);
  subscribers_.try_send_multipart(std::move(*came));
  ++counts_.published;
  return true;
}

void last_value_cache::keep(const message& frames) {
  if (how_.most_topics == 0) return;
  const std::string_view topic = frames.front().view();
  auto at = values_.find(topic);
  if (at != values_.end()) {
    at->second.frames = frames;
    by_age_.splice(by_age_.end(), by_age_, at->second.place);
    return;
  }
  if (values_.size() >= how_.most_topics) {
    values_.erase(by_age_.front());
    by_age_.pop_front();
    ++counts_.forgotten;
  }
  at = values_.emplace(topic, value{frames, {}}).first;
  at->second.place = by_age_.insert(by_age_.end(), at);
}

bool last_value_cache::greet() {
  const auto came = take(subscribers_, counts_.too_large);
  if (!came) return false;
  const std::string_view asked = came->front().view();
  if (!asked.empty() && asked.front() == '\1') replay(asked.substr(1));
  return true;
}

void last_value_cache::replay(std::string_view prefix) {
  for (auto at = values_.lower_bound(prefix);
       at != values_.end() && at->first.starts_with(prefix); ++at) {
    subscribers_.try_send_multipart(message{at->second.frames});
    ++counts_.replayed;
  }
}

} // namespace greenroom::zmq
