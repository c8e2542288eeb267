#pragma once

#include "person.hpp"
#include "room.hpp"

#include <greenroom/actors/actor.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace chat {

/// Somebody is connected, still without a name.
struct arrive {
  person_ref who;
};

/// Out of the room, out of the house.
struct depart {
  person_ref who;
};

/// The answer: whether the name was free. A second one replaces the first.
struct take_name {
  using reply = bool;
  person_ref who;
  std::string name;
};

struct find_person {
  using reply = std::optional<person_ref>;
  std::string name;
};

/// Out of the present room and into this one, which is made if need be.
struct go_to {
  using reply = room_ref;
  person_ref who;
  std::string room;
};

struct list_rooms {
  using reply = std::vector<std::string>;
};

/// A farewell to everybody, and to whoever still arrives.
struct close_house {};

/// Knows who is here and which rooms are open. A room is open while somebody
/// is in it.
class lobby : public greenroom::actor<arrive, depart, take_name, find_person,
                                      go_to, list_rooms, close_house> {
private:
  void receive(arrive message) override;
  void receive(depart message) override;
  bool receive(take_name message) override;
  std::optional<person_ref> receive(find_person message) override;
  room_ref receive(go_to message) override;
  std::vector<std::string> receive(list_rooms) override;
  void receive(close_house) override;

  struct guest {
    std::string name; // empty: none yet
    std::string room; // empty: in none
  };
  struct open_room {
    room_ref actor;
    std::size_t people = 0;
  };

  void leave_room(const person_ref& who, guest& leaving);

  std::map<person_ref, guest> people_;
  std::map<std::string, person_ref> names_;
  std::map<std::string, open_room> rooms_; // each with people > 0
  bool closing_ = false;
};

using lobby_ref = greenroom::actor_ref<lobby>;

} // namespace chat
