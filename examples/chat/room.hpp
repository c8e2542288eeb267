#pragma once

#include "person.hpp"
#include "text.hpp"

#include <greenroom/actors/actor.hpp>

#include <map>
#include <string>
#include <vector>

namespace chat {

struct enter {
  person_ref who;
  std::string name;
};

struct leave {
  person_ref who;
};

struct rename_to {
  person_ref who;
  std::string name;
};

/// Asked, not sent: a person has at most one line on its way to a room, and
/// one who types faster than the room can tell waits for it.
struct say {
  person_ref who;
  std::string text;
};

struct list_people {
  using reply = std::vector<std::string>;
};

/// Everybody in a room sees the same lines in the same order: that in which
/// they come to this actor.
class room
    : public greenroom::actor<enter, leave, rename_to, say, list_people> {
public:
  explicit room(std::string name);

private:
  void receive(enter message) override;
  void receive(leave message) override;
  void receive(rename_to message) override;
  void receive(say message) override;
  std::vector<std::string> receive(list_people) override;

  void tell_all(const std::string& text) const;

  const std::string name_;
  std::map<person_ref, std::string> people_; // with their names
};

using room_ref = greenroom::actor_ref<room>;

} // namespace chat
