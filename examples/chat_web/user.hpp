#pragma once

#include "outbox.hpp"
#include "room.hpp"
#include "settings.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/address.hpp>
#include <greenroom/hub/deadline.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace chat_web {

/// A page of this user in a room, by WebSocket or for the time of one poll: its
/// outbox gets what was missed, then what comes.
struct connect {
  std::string room;
  room_ref where;
  outbox_ptr out;
  std::uint64_t after = 0;    // number of the last message it has
  std::uint64_t presence = 0; // see catch_up
};

struct disconnect {
  std::string room;
  outbox_ptr out;
};

enum class said { well, too_fast, nowhere };

/// Says something in a room, once for each `key` (empty: always).
struct say {
  using reply = said;
  std::string room;
  room_ref where;
  std::string text;
  std::string key;
};

/// The user's one queue: messages of all rooms that were visited, for a poll
/// that names no room. It fills while somebody polls it once a minute.
struct visit {
  std::string room;
  room_ref where;
};
struct open_queue {
  using reply = outbox_ptr;
};

/// To itself: nobody may be there any more.
struct fade {
  std::string room;
};

/// The server closes: every page is told goodbye.
struct farewell {};

/// To the house: this user is nowhere.
struct idle_user {
  std::string name;
};

using user_owner = greenroom::address<idle_user>;

/// Somebody with a name, in any number of rooms, with any number of pages.
///
/// Waits      For a room, to say something there; its pages never wait for
///            it, nor it for them.
class user
    : public greenroom::actor<connect, disconnect, say, visit, open_queue, fade,
                              farewell, heard, caught_up, greenroom::down,
                              greenroom::receive_timeout> {
public:
  user(std::string name, user_owner owner, settings chosen);

private:
  void on_start() override;
  void on_stop(const greenroom::exit_reason& why) override;
  void receive(connect message) override;
  void receive(disconnect message) override;
  said receive(say message) override;
  void receive(visit message) override;
  outbox_ptr receive(open_queue) override;
  void receive(fade message) override;
  void receive(farewell) override;
  void receive(heard message) override;
  void receive(caught_up message) override;
  void receive(greenroom::down message) override;
  void receive(greenroom::receive_timeout) override;

  struct place {
    room_ref where;
    greenroom::monitor_id monitor{};
    bool present = false;
    std::set<outbox_ptr> pages;          // connected
    std::vector<outbox_ptr> listening;   // those that have caught up
    greenroom::steady_time kept_until{}; // for the queue
    greenroom::delayed_send fading;
  };

  place& enter_room(const std::string& name, const room_ref& where);
  void appear(place& in, bool present);
  void fade_later(const std::string& name, place& in,
                  std::chrono::nanoseconds delay);
  void keep_queue(place& in) const;
  void close_pages(place& in, std::uint16_t code);
  bool may_say();
  bool is_known(const std::string& key) const;
  void remember(std::string key);

  const std::string name_;
  const user_owner owner_;
  const settings chosen_;
  std::map<std::string, place> places_; // by the room's name
  outbox_ptr queue_ = std::make_shared<outbox>();
  bool closing_ = false;

  double allowed_; // messages, that may be said now
  greenroom::steady_time allowed_at_;
  std::deque<std::string> keys_; // of what was said, the last ones
};

using user_ref = greenroom::actor_ref<user>;

} // namespace chat_web
