#include <greenroom/zmq_patterns/clone_client.hpp>

#include "clone_update.hpp"
#include "parts.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/mailbox/select.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace greenroom::zmq {

/// Follows one server, until that is silent.
class clone_client::follower {
public:
  explicit follower(clone_client& owner);

  void follow();

private:
  static constexpr int most_behind = 3; // heartbeats

  void ask();
  void ask_later();
  bool take_snapshot();
  bool take_update();
  void put(clone_update&& entry);
  void complete(std::uint64_t sequence);
  void install(copy&& fresh);
  void heartbeat(std::uint64_t sequence);
  void keep(clone_update&& update);
  bool apply(clone_update& update);
  void check_size(const copy& what) const;
  void changed(const std::string& key, const frame& value) const;

  clone_client& owner_;
  const clone_client_options& how_;
  clone_client_counts& counts_;
  socket updates_;
  std::optional<socket> snapshots_; // while one is asked for
  alarm_clock silent_;
  alarm_clock due_;                  // to ask, again
  copy incoming_;                    // of the snapshot that comes
  std::deque<clone_update> pending_; // since before it was asked for
  bool current_ = false;             // the copy is, and changes go into it
  int behind_ = 0; // heartbeats in a row that tell of less than we have
};

clone_client::follower::follower(clone_client& owner)
    : owner_(owner), how_(owner.how_), counts_(owner.counts_),
      updates_(make_socket(owner.in_, socket_type::sub, how_.setup)),
      silent_(how_.silence) {
  updates_.set_most_bytes(static_cast<std::int64_t>(how_.most_bytes));
  updates_.set_receive_limit(static_cast<int>(std::min<std::size_t>(
      std::max<std::size_t>(how_.most_pending, 1), 1'000'000)));
  updates_.subscribe();
  updates_.connect(owner.server().updates);
  ask();
}

void clone_client::follower::follow() {
  while (!silent_.ready()) {
    if (snapshots_)
      select(when(updates_.readable(), [] {}),
             when(snapshots_->readable(), [] {}), when(due_, [] {}),
             when(silent_, [] {}));
    else
      select(when(updates_.readable(), [] {}), when(due_, [] {}),
             when(silent_, [] {}));
    for (int i = 0; i < messages_in_a_row && take_update(); ++i) {
    }
    for (int i = 0; i < messages_in_a_row && take_snapshot(); ++i) {
    }
    if (due_.ready()) ask();
    yield();
  }
}

/// Over a new connection: what comes of an earlier request is not mixed up.
void clone_client::follower::ask() {
  incoming_.clear();
  due_.set(how_.snapshot_time);
  snapshots_.emplace(make_socket(owner_.in_, socket_type::dealer, how_.setup));
  snapshots_->set_most_bytes(static_cast<std::int64_t>(how_.most_bytes));
  snapshots_->connect(owner_.server().snapshots);
  snapshots_->try_send_multipart({snapshot_request, how_.subtree});
}

void clone_client::follower::ask_later() {
  ++counts_.gaps;
  current_ = false;
  behind_ = 0;
  owner_.synchronized_.clear();
  snapshots_.reset();
  due_.set(how_.snapshot_pause);
}

bool clone_client::follower::take_snapshot() {
  if (!snapshots_) return false;
  auto came = snapshots_->try_receive_multipart();
  if (!came) return false;
  silent_.set(how_.silence);
  auto entry = decode(std::move(*came));
  if (!entry)
    ++counts_.malformed;
  else if (entry->key == snapshot_end)
    complete(entry->sequence);
  else
    put(std::move(*entry));
  return true;
}

void clone_client::follower::put(clone_update&& entry) {
  if (!entry.key.starts_with(how_.subtree) || entry.value.empty()) return;
  incoming_.insert_or_assign(std::move(entry.key), std::move(entry.value));
  check_size(incoming_);
}

void clone_client::follower::complete(std::uint64_t sequence) {
  ++counts_.snapshots;
  snapshots_.reset();
  due_.cancel();
  owner_.sequence_ = sequence;
  current_ = true;
  install(std::exchange(incoming_, {}));
  while (current_ && !pending_.empty()) {
    if (!apply(pending_.front())) return ask_later();
    pending_.pop_front();
  }
  owner_.synchronized_.set();
}

/// Tells what is other than before.
void clone_client::follower::install(copy&& fresh) {
  const copy before = std::exchange(owner_.values_, std::move(fresh));
  if (!how_.on_change) return;
  for (const auto& [key, value] : before)
    if (owner_.values_.find(key) == owner_.values_.end()) changed(key, {});
  for (const auto& [key, value] : owner_.values_)
    if (const auto old = before.find(key);
        old == before.end() || !(old->second == value))
      changed(key, value);
}

bool clone_client::follower::take_update() {
  auto came = updates_.try_receive_multipart();
  if (!came) return false;
  silent_.set(how_.silence);
  auto update = decode(std::move(*came));
  if (!update || update->key == snapshot_end)
    ++counts_.malformed;
  else if (update->key == clone_heartbeat)
    heartbeat(update->sequence);
  else if (!current_)
    keep(std::move(*update));
  else if (!apply(*update)) {
    keep(std::move(*update));
    ask_later();
  }
  return true;
}

/// Those of others tell nothing: zero.
void clone_client::follower::heartbeat(std::uint64_t sequence) {
  if (!current_ || sequence == 0) return;
  behind_ = sequence < owner_.sequence_ ? behind_ + 1 : 0;
  if (sequence > owner_.sequence_ || behind_ == most_behind) ask_later();
}

/// Without the oldest, the snapshot will not join: it is asked for again.
void clone_client::follower::keep(clone_update&& update) {
  pending_.push_back(std::move(update));
  if (pending_.size() <= how_.most_pending) return;
  pending_.pop_front();
  ++counts_.dropped;
}

/// False when changes before it are missing.
bool clone_client::follower::apply(clone_update& update) {
  if (update.sequence <= owner_.sequence_) {
    ++counts_.doubles;
    return true;
  }
  if (update.sequence != owner_.sequence_ + 1) return false;
  owner_.sequence_ = update.sequence;
  ++counts_.changes;
  if (!update.key.starts_with(how_.subtree)) return true;
  if (update.value.empty())
    owner_.values_.erase(update.key);
  else
    owner_.values_.insert_or_assign(update.key, update.value);
  check_size(owner_.values_);
  changed(update.key, update.value);
  return true;
}

void clone_client::follower::check_size(const copy& what) const {
  if (what.size() > how_.most_keys)
    throw std::length_error("zmq::clone_client: " + owner_.server().snapshots +
                            " has more than " + std::to_string(how_.most_keys) +
                            " keys");
}

void clone_client::follower::changed(const std::string& key,
                                     const frame& value) const {
  if (how_.on_change) how_.on_change(key, value);
}

clone_client::clone_client(clone_client_options how)
    : clone_client(context::shared(), std::move(how)) {
}

clone_client::clone_client(const context& in, clone_client_options how)
    : in_(in), how_(std::move(how)) {
  if (how_.servers.empty())
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "zmq::clone_client without servers");
  connect_out();
}

void clone_client::run() {
  const in_use mine{running_, "zmq::clone_client::run"};
  for (;;) {
    synchronized_.clear();
    follower{*this}.follow();
    synchronized_.clear();
    at_ = (at_ + 1) % how_.servers.size();
    ++counts_.fail_overs;
    connect_out();
  }
}

void clone_client::connect_out() {
  out_.reset();
  out_.emplace(make_socket(in_,
                           how_.collector == clone_collector::sub
                               ? socket_type::pub
                               : socket_type::push,
                           how_.setup));
  out_->connect(server().collector);
}

std::optional<frame> clone_client::find(std::string_view key) const {
  const auto at = values_.find(key);
  if (at == values_.end()) return {};
  return at->second;
}

void clone_client::set(const std::string& key, frame value,
                       std::chrono::nanoseconds time_to_live, deadline until) {
  if (!is_key(key))
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "zmq::clone_client::set \"" + key + '"');
  out_->send_multipart(encode({.key = key,
                               .uuid = new_uuid(),
                               .properties = ttl_property(time_to_live),
                               .value = std::move(value)}),
                       until);
  ++counts_.sent;
}

frame clone_client::new_uuid() {
  std::array<std::uint64_t, 2> bits{random_(), random_()};
  auto* bytes = reinterpret_cast<unsigned char*>(bits.data());
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40); // random
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  return {bits.data(), sizeof bits};
}

} // namespace greenroom::zmq
