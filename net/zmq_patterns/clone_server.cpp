#include <greenroom/zmq_patterns/clone_server.hpp>

#include "clone_table.hpp"
#include "parts.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/mailbox/select.hpp>

#include <optional>
#include <system_error>
#include <utility>

namespace greenroom::zmq {
namespace {

std::uint64_t beginning(std::uint64_t given) {
  using namespace std::chrono;
  if (given != 0) return given;
  const auto time = system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(duration_cast<microseconds>(time).count());
}

socket_type kind_of(clone_collector collector) {
  return collector == clone_collector::sub ? socket_type::sub
                                           : socket_type::pull;
}

} // namespace

clone_server::clone_server(clone_server_options how)
    : clone_server(context::shared(), std::move(how)) {
}

clone_server::clone_server(const context& in, clone_server_options how)
    : how_(std::move(how)), snapshots_(make_router(in, how_.setup)),
      updates_(make_socket(in, socket_type::pub, how_.setup)),
      collector_(make_socket(in, kind_of(how_.collector), how_.setup)),
      table_(std::make_unique<clone_table>(beginning(how_.first_sequence),
                                           how_.most_keys)) {
  const auto most = static_cast<std::int64_t>(how_.most_bytes);
  snapshots_.set_most_bytes(most);
  snapshots_.bind(how_.at.snapshots);
  updates_.bind(how_.at.updates);
  collector_.set_most_bytes(most);
  if (how_.collector == clone_collector::sub) collector_.subscribe();
  collector_.bind(how_.at.collector);
}

clone_server::~clone_server() = default;

std::size_t clone_server::size() const {
  return table_->size();
}

std::uint64_t clone_server::sequence() const {
  return table_->sequence();
}

clone_endpoints clone_server::endpoints() const {
  return {snapshots_.last_endpoint(), updates_.last_endpoint(),
          collector_.last_endpoint()};
}

void clone_server::run() {
  const in_use mine{running_, "zmq::clone_server::run"};
  nursery([this](nursery_scope& helpers) {
    for (int i = 0; i < how_.snapshots_at_once; ++i)
      helpers.spawn([this] { serve_snapshots(); });
    serve_changes();
  });
}

void clone_server::serve_changes() {
  alarm_clock beat{how_.heartbeat};
  for (;;) {
    select(when(beat, [] {}), when(expiry_, [] {}),
           when(collector_.readable(), [] {}));
    if (beat.ready()) {
      publish({.key = std::string(clone_heartbeat),
               .sequence = table_->sequence()});
      beat.set(how_.heartbeat);
    }
    while (const auto erased = table_->expire(now())) {
      ++counts_.expired;
      ++counts_.changes;
      publish(*erased);
    }
    expiry_.set(table_->next_expiry());
    for (int i = 0; i < messages_in_a_row && collect(); ++i) {
    }
    yield();
  }
}

bool clone_server::collect() {
  auto came = take(collector_, counts_.refused);
  if (!came) return false;
  const bool fits = bytes_of(*came) <= how_.most_bytes;
  auto update = fits ? decode(std::move(*came)) : std::nullopt;
  if (!fits)
    ++counts_.refused;
  else if (!update || !is_key(update->key))
    ++counts_.malformed;
  else
    change(std::move(*update));
  return true;
}

bool clone_server::change(clone_update&& what) {
  const auto done = table_->apply(std::move(what), now());
  if (!done) {
    ++counts_.refused;
    return false;
  }
  ++counts_.changes;
  expiry_.set(table_->next_expiry());
  publish(*done);
  return true;
}

void clone_server::publish(const clone_update& what) {
  updates_.try_send_multipart(encode(what));
}

void clone_server::set(const std::string& key, frame value,
                       std::chrono::nanoseconds time_to_live) {
  const auto refuse = [&](std::errc why) {
    throw std::system_error(std::make_error_code(why),
                            "zmq::clone_server::set \"" + key + '"');
  };
  if (!is_key(key)) refuse(std::errc::invalid_argument);
  if (key.size() + value.size() > how_.most_bytes ||
      !change({.key = key,
               .properties = ttl_property(time_to_live),
               .value = std::move(value)}))
    refuse(std::errc::no_buffer_space);
}

void clone_server::serve_snapshots() {
  for (;;) {
    const message asked = wait_and_take(snapshots_, counts_.malformed);
    if (asked.size() == 3 && asked[1] == snapshot_request)
      send_snapshot(asked[0], asked[2]);
    else
      ++counts_.malformed;
  }
}

/// The number and the keys belong together: nobody else runs in between.
void clone_server::send_snapshot(const frame& to, const frame& subtree) {
  const std::uint64_t sequence = table_->sequence();
  const auto entries = table_->snapshot(subtree.view());
  const deadline until{how_.snapshot_time};
  std::error_code failed;
  const auto send = [&](const clone_update& what) {
    message frames{to};
    append(frames, encode(what));
    snapshots_.send_multipart(std::move(frames), until, failed);
    return !failed;
  };
  for (const auto& each : entries)
    if (!send({each->key, each->sequence, {}, {}, each->value})) break;
  if (!failed) send({std::string(snapshot_end), sequence, {}, {}, subtree});
  ++(failed ? counts_.abandoned : counts_.snapshots);
}

} // namespace greenroom::zmq
