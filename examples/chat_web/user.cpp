#include "user.hpp"

#include <greenroom/ws/socket.hpp>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

namespace chat_web {
namespace {

using namespace std::chrono_literals;
namespace close_code = greenroom::ws::close_code;

constexpr auto queue_time = 60s;     // that a queue waits for the next poll
constexpr auto longest_idling = 60s; // of a user who is nowhere
constexpr auto room_patience = 5s;
constexpr std::size_t most_keys = 64;

} // namespace

user::user(std::string name, user_owner owner, settings chosen)
    : name_(std::move(name)), owner_(owner), chosen_(chosen),
      allowed_(chosen.burst), allowed_at_(greenroom::now()) {
}

void user::on_start() {
  set_receive_timeout(longest_idling);
}

/// However it ends: the rooms forget it, and its pages come back to another.
void user::on_stop(const greenroom::exit_reason&) {
  for (auto& [name, in] : places_) {
    close_pages(in, close_code::internal_error);
    in.where.send(leave{self()});
  }
  queue_->close(close_code::internal_error);
}

// --- pages ------------------------------------------------------------------

void user::receive(connect message) {
  if (closing_) return message.out->close(close_code::going_away);
  place& in = enter_room(message.room, message.where);
  in.pages.insert(message.out);
  in.fading.cancel();
  appear(in, true);
  in.where.send(catch_up{self(), std::move(message.out), message.after,
                         message.presence});
}

void user::receive(caught_up message) {
  const auto found = places_.find(message.room);
  if (found == places_.end() || !found->second.pages.count(message.out)) return;
  for (event_ptr& each : message.missed)
    message.out->put(std::move(each));
  found->second.listening.push_back(std::move(message.out));
}

void user::receive(disconnect message) {
  const auto found = places_.find(message.room);
  if (found == places_.end()) return;
  place& in = found->second;
  in.pages.erase(message.out);
  std::erase(in.listening, message.out);
  if (in.pages.empty()) fade_later(message.room, in, chosen_.grace);
}

void user::receive(heard message) {
  const auto found = places_.find(message.room);
  if (found == places_.end()) return;
  const place& in = found->second;
  for (const outbox_ptr& page : in.listening)
    page->put(message.what);
  if (message.what->number > 0 && greenroom::now() < in.kept_until)
    queue_->put(std::move(message.what));
}

// --- the queue --------------------------------------------------------------

void user::receive(visit message) {
  if (closing_) return;
  place& in = enter_room(message.room, message.where);
  keep_queue(in);
  if (in.pages.empty()) fade_later(message.room, in, queue_time);
}

outbox_ptr user::receive(open_queue) {
  for (auto& [name, in] : places_)
    keep_queue(in);
  return queue_;
}

void user::keep_queue(place& in) const {
  in.kept_until = greenroom::now() + queue_time + chosen_.poll_time;
}

// --- rooms ------------------------------------------------------------------

user::place& user::enter_room(const std::string& name, const room_ref& where) {
  place& in = places_[name];
  if (in.where == where) return in;
  if (in.monitor != greenroom::monitor_id{}) demonitor(in.monitor);
  in.where = where;
  in.monitor = monitor(where);
  in.present = false;
  where.send(enter{self(), name_, false});
  return in;
}

void user::appear(place& in, bool present) {
  if (std::exchange(in.present, present) != present)
    in.where.send(enter{self(), name_, present});
}

void user::fade_later(const std::string& name, place& in,
                      std::chrono::nanoseconds delay) {
  in.fading.cancel();
  in.fading = self().send_after(delay, fade{name});
}

void user::receive(fade message) {
  const auto found = places_.find(message.room);
  if (found == places_.end() || !found->second.pages.empty()) return;
  place& in = found->second;
  appear(in, false);
  const auto left = in.kept_until - greenroom::now();
  if (left > 0s) return fade_later(message.room, in, left);
  demonitor(in.monitor);
  in.where.send(leave{self()});
  places_.erase(found);
}

/// The room failed, and another takes its place, whom nobody has entered; or it
/// is over: then its pages come back, and find a new one.
void user::receive(greenroom::down message) {
  const auto found =
      std::find_if(places_.begin(), places_.end(), [&](const auto& each) {
        return each.second.monitor == message.id;
      });
  if (found == places_.end()) return;
  place& in = found->second;
  if (message.restarts) return in.where.send(enter{self(), name_, in.present});
  close_pages(in, close_code::internal_error);
  in.fading.cancel();
  places_.erase(found);
}

void user::close_pages(place& in, std::uint16_t code) {
  for (const outbox_ptr& each : in.pages)
    each->close(code);
}

// --- saying -----------------------------------------------------------------

said user::receive(say message) {
  const std::string known_by =
      message.key.empty() ? "" : message.room + '/' + message.key;
  if (is_known(known_by)) return said::well;
  if (!may_say()) return said::too_fast;
  try {
    message.where.ask(tell{name_, std::move(message.text)}).get(room_patience);
  } catch (const std::system_error&) { // the room is over, or fails
    return said::nowhere;
  }
  remember(known_by);
  return said::well;
}

/// A bucket that tokens drip into.
bool user::may_say() {
  if (chosen_.rate <= 0) return true;
  const auto now = greenroom::now();
  const std::chrono::duration<double> passed = now - allowed_at_;
  allowed_at_ = now;
  allowed_ = std::min(chosen_.burst, allowed_ + passed.count() * chosen_.rate);
  if (allowed_ < 1) return false;
  --allowed_;
  return true;
}

bool user::is_known(const std::string& key) const {
  return !key.empty() &&
         std::find(keys_.begin(), keys_.end(), key) != keys_.end();
}

void user::remember(std::string key) {
  if (key.empty()) return;
  if (keys_.size() == most_keys) keys_.pop_front();
  keys_.push_back(std::move(key));
}

// --- the end ----------------------------------------------------------------

void user::receive(farewell) {
  closing_ = true;
  for (auto& [name, in] : places_)
    close_pages(in, close_code::going_away);
  queue_->close(close_code::going_away);
}

void user::receive(greenroom::receive_timeout) {
  if (places_.empty()) owner_.send(idle_user{name_});
}

} // namespace chat_web
