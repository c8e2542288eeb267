#pragma once

#include "event.hpp"
#include "outbox.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/address.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace chat_web {

/// From a room to who is in it.
struct heard {
  std::string room;
  event_ptr what;
};

/// What a page has missed, for its outbox. It comes in order with `heard`, so
/// who adds the outbox to the others now loses nothing and gets nothing twice.
struct caught_up {
  std::string room;
  outbox_ptr out;
  std::vector<event_ptr> missed;
};

using listener = greenroom::address<heard, caught_up>;

/// Listens from now on, and is `present`, or only listens; again to change
/// that.
struct enter {
  listener who;
  std::string name;
  bool present = false;
};

struct leave {
  listener who;
};

/// Answered by `caught_up`: the messages kept after that number, and who is
/// here, if that is no longer what it was at `presence`.
struct catch_up {
  listener who;
  outbox_ptr out;
  std::uint64_t after = 0;
  std::uint64_t presence = 0;
};

/// The answer: the message's number.
struct tell {
  using reply = std::uint64_t;
  std::string from;
  std::string text;
};

struct list_messages {
  using reply = std::vector<event_ptr>;
};

/// To the house: so many are here now.
struct crowd {
  std::string room;
  std::size_t people = 0;
};

/// To the house: nobody has come for long.
struct empty_room {
  std::string room;
};

using room_owner = greenroom::address<crowd, empty_room>;

/// Everybody in a room hears the same in the same order: that in which it comes
/// to this actor. Messages are numbered one by one, from a number that is
/// higher than any before, also over a restart: it begins with the time.
class room
    : public greenroom::actor<enter, leave, catch_up, tell, list_messages,
                              greenroom::receive_timeout> {
public:
  room(std::string name, room_owner owner);

private:
  void on_start() override;
  void receive(enter message) override;
  void receive(leave message) override;
  void receive(catch_up message) override;
  std::uint64_t receive(tell message) override;
  std::vector<event_ptr> receive(list_messages) override;
  void receive(greenroom::receive_timeout) override;

  struct guest {
    std::string name;
    bool present = false;
  };

  void set_present(guest& who, bool present);
  void tell_all(const event_ptr& what) const;
  event_ptr people() const;

  const std::string name_;
  const room_owner owner_;
  std::map<listener, guest> guests_;
  std::size_t present_ = 0;
  std::deque<event_ptr> messages_; // the last, at most `backlog`
  std::uint64_t last_number_;
  std::uint64_t presence_; // changes with who is present
};

using room_ref = greenroom::actor_ref<room>;

} // namespace chat_web
