#include "room.hpp"

#include <algorithm>
#include <utility>

namespace chat {

room::room(std::string name) : name_(std::move(name)) {
}

void room::receive(enter message) {
  tell_all("* " + message.name + " has joined " + name_);
  message.who.send(show{make_line("* you are in " + name_ + " with " +
                                  std::to_string(people_.size()) + " others")});
  people_.emplace(message.who, std::move(message.name));
}

void room::receive(leave message) {
  const auto found = people_.find(message.who);
  if (found == people_.end()) return;
  const std::string name = std::move(found->second);
  people_.erase(found);
  tell_all("* " + name + " has left " + name_);
}

void room::receive(rename_to message) {
  const auto found = people_.find(message.who);
  if (found == people_.end()) return;
  const std::string before = std::exchange(found->second, message.name);
  tell_all("* " + before + " is now called " + message.name);
}

void room::receive(say message) {
  const auto found = people_.find(message.who);
  if (found == people_.end()) return;
  tell_all(found->second + ": " + message.text);
}

std::vector<std::string> room::receive(list_people) {
  std::vector<std::string> names;
  for (const auto& [who, name] : people_)
    names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

void room::tell_all(const std::string& text) const {
  const line told = make_line(text);
  for (const auto& [who, name] : people_)
    who.send(show{told});
}

} // namespace chat
