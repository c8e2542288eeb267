#include "house.hpp"

#include <array>
#include <utility>

namespace chat_web {
namespace {

constexpr std::array lasting_rooms{"topic1", "topic2"};

bool is_lasting(const std::string& name) {
  return name == lasting_rooms[0] || name == lasting_rooms[1];
}

} // namespace

house::house(greenroom::supervisor_ref rooms, greenroom::supervisor_ref users,
             settings chosen)
    : supervised_rooms_(std::move(rooms)), supervised_users_(std::move(users)),
      chosen_(chosen) {
}

void house::on_start() {
  for (const char* name : lasting_rooms)
    find_room(name);
}

found house::receive(find message) {
  if (closing_) return {};
  found answer;
  if (!message.room.empty()) answer.where = find_room(message.room);
  answer.who = find_user(message.user);
  return answer;
}

user_ref house::find_user(const std::string& name) {
  const auto known = users_.find(name);
  if (known != users_.end() && known->second.alive()) return known->second;
  if (known == users_.end() && users_.size() >= chosen_.most_users) return {};
  return users_[name] = supervised_users_.start_child<user>(
             name, user_owner{self()}, chosen_);
}

room_ref house::find_room(const std::string& name) {
  const auto known = rooms_.find(name);
  if (known != rooms_.end() && known->second.where.alive())
    return known->second.where;
  if (known == rooms_.end() && rooms_.size() >= chosen_.most_rooms) return {};
  const auto made =
      supervised_rooms_.start_child<room>(name, room_owner{self()});
  rooms_[name] = {made, 0};
  return made;
}

std::vector<room_entry> house::receive(list_rooms) {
  std::vector<room_entry> all;
  for (const auto& [name, open] : rooms_)
    if (is_lasting(name) || open.people > 0) all.push_back({name, open.people});
  return all;
}

void house::receive(crowd message) {
  const auto known = rooms_.find(message.room);
  if (known != rooms_.end()) known->second.people = message.people;
}

void house::receive(empty_room message) {
  const auto known = rooms_.find(message.room);
  if (known == rooms_.end() || is_lasting(message.room)) return;
  known->second.where.stop();
  rooms_.erase(known);
}

void house::receive(idle_user message) {
  const auto known = users_.find(message.name);
  if (known == users_.end()) return;
  known->second.stop();
  users_.erase(known);
}

void house::receive(close_house) {
  closing_ = true;
  for (const auto& [name, who] : users_)
    who.send(farewell{});
}

} // namespace chat_web
