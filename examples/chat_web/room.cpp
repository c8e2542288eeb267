#include "room.hpp"

#include "settings.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace chat_web {
namespace {

constexpr auto longest_emptiness = std::chrono::minutes(10);

std::uint64_t first_number() {
  return static_cast<std::uint64_t>(wall_clock()) * 1000; // below 2^53
}

} // namespace

room::room(std::string name, room_owner owner)
    : name_(std::move(name)), owner_(owner), last_number_(first_number()),
      presence_(last_number_) {
}

void room::on_start() {
  set_receive_timeout(longest_emptiness);
}

void room::receive(enter message) {
  guest& entering = guests_[message.who];
  entering.name = std::move(message.name);
  if (entering.present != message.present)
    set_present(entering, message.present);
}

void room::receive(leave message) {
  const auto found = guests_.find(message.who);
  if (found == guests_.end()) return;
  guest leaving = std::move(found->second);
  guests_.erase(found);
  if (leaving.present) set_present(leaving, false);
}

void room::receive(catch_up message) {
  caught_up answer{name_, std::move(message.out), {}};
  if (message.presence != presence_) answer.missed.push_back(people());
  for (const event_ptr& each : messages_)
    if (each->number > message.after) answer.missed.push_back(each);
  message.who.send(std::move(answer));
}

std::uint64_t room::receive(tell message) {
  if (messages_.size() == backlog) messages_.pop_front();
  messages_.push_back(message_event(++last_number_, std::move(message.from),
                                    std::move(message.text)));
  tell_all(messages_.back());
  return last_number_;
}

std::vector<event_ptr> room::receive(list_messages) {
  return {messages_.begin(), messages_.end()};
}

void room::receive(greenroom::receive_timeout) {
  if (guests_.empty()) owner_.send(empty_room{name_});
}

void room::set_present(guest& who, bool present) {
  who.present = present;
  present_ += present ? 1 : std::size_t(-1);
  ++presence_;
  tell_all(make_event({{"type", present ? "joined" : "left"},
                       {"who", who.name},
                       {"presence", presence_}}));
  owner_.send(crowd{name_, present_});
}

void room::tell_all(const event_ptr& what) const {
  for (const auto& [who, known] : guests_)
    who.send(heard{name_, what});
}

event_ptr room::people() const {
  std::vector<std::string> names;
  for (const auto& [who, known] : guests_)
    if (known.present) names.push_back(known.name);
  std::sort(names.begin(), names.end());
  return make_event(
      {{"type", "people"}, {"people", names}, {"presence", presence_}});
}

} // namespace chat_web
