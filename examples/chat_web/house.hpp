#pragma once

#include "room.hpp"
#include "settings.hpp"
#include "user.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/supervisor.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace chat_web {

/// The user and the room of these names, made if need be.
struct found {
  user_ref who;   // nobody: there are too many
  room_ref where; // the same; or no room was asked for
};
struct find {
  using reply = found;
  std::string user;
  std::string room; // empty: none
};

struct room_entry {
  std::string name;
  std::size_t people = 0;
};
struct list_rooms {
  using reply = std::vector<room_entry>;
};

struct close_house {};

/// Knows all names. The rooms topic1 and topic2 are always there; others come
/// with who enters them, and go when they have been empty for long, as users
/// do who are nowhere.
class house : public greenroom::actor<find, list_rooms, crowd, empty_room,
                                      idle_user, close_house> {
public:
  house(greenroom::supervisor_ref rooms, greenroom::supervisor_ref users,
        settings chosen);

private:
  void on_start() override;
  found receive(find message) override;
  std::vector<room_entry> receive(list_rooms) override;
  void receive(crowd message) override;
  void receive(empty_room message) override;
  void receive(idle_user message) override;
  void receive(close_house) override;

  struct open_room {
    room_ref where;
    std::size_t people = 0;
  };

  user_ref find_user(const std::string& name);
  room_ref find_room(const std::string& name);

  const greenroom::supervisor_ref supervised_rooms_;
  const greenroom::supervisor_ref supervised_users_;
  const settings chosen_;
  std::map<std::string, open_room> rooms_;
  std::map<std::string, user_ref> users_;
  bool closing_ = false;
};

using house_ref = greenroom::actor_ref<house>;

} // namespace chat_web
