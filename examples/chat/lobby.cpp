#include "lobby.hpp"

#include <utility>

namespace chat {

void lobby::receive(arrive message) {
  people_.try_emplace(message.who);
  if (closing_) message.who.send(farewell{});
}

void lobby::receive(depart message) {
  const auto found = people_.find(message.who);
  if (found == people_.end()) return;
  leave_room(message.who, found->second);
  names_.erase(found->second.name);
  people_.erase(found);
}

bool lobby::receive(take_name message) {
  const auto found = people_.find(message.who);
  if (found == people_.end()) return false;
  if (!names_.try_emplace(message.name, message.who).second) return false;
  guest& named = found->second;
  names_.erase(named.name);
  named.name = message.name;
  if (!named.room.empty())
    rooms_.at(named.room).actor.send(rename_to{message.who, message.name});
  return true;
}

std::optional<person_ref> lobby::receive(find_person message) {
  const auto found = names_.find(message.name);
  if (found == names_.end()) return std::nullopt;
  return found->second;
}

room_ref lobby::receive(go_to message) {
  const auto found = people_.find(message.who);
  if (found == people_.end()) return {};
  guest& moving = found->second;
  leave_room(message.who, moving);
  open_room& target = rooms_[message.room];
  if (target.people++ == 0) target.actor = greenroom::spawn<room>(message.room);
  target.actor.send(enter{message.who, moving.name});
  moving.room = std::move(message.room);
  return target.actor;
}

std::vector<std::string> lobby::receive(list_rooms) {
  std::vector<std::string> rooms;
  for (const auto& [name, open] : rooms_)
    rooms.push_back(name + " (" + std::to_string(open.people) + ')');
  return rooms;
}

void lobby::receive(close_house) {
  closing_ = true;
  for (const auto& [who, known] : people_)
    who.send(farewell{});
}

/// Only sends, so nobody can come between: when the last one is out, the room
/// ends behind the mail it already has.
void lobby::leave_room(const person_ref& who, guest& leaving) {
  const auto found = rooms_.find(std::exchange(leaving.room, {}));
  if (found == rooms_.end()) return;
  open_room& left = found->second;
  left.actor.send(leave{who});
  if (--left.people > 0) return;
  left.actor.stop();
  rooms_.erase(found);
}

} // namespace chat
