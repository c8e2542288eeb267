#pragma once

#include "lobby.hpp"
#include "outbox.hpp"
#include "person.hpp"
#include "room.hpp"

#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/tcp.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace chat {

/// Between one person and the house: reads what is typed and does it. While it
/// lives, the person is here; its end, however it comes, is the departure.
class conversation {
public:
  static constexpr std::size_t longest_line = 1000; // bytes

  conversation(greenroom::buffered_reader& typed, std::shared_ptr<outbox> out,
               lobby_ref house);
  conversation(const conversation&) = delete;
  conversation& operator=(const conversation&) = delete;
  ~conversation();

  /// Waits until the person says /quit, is gone, or sends what is no line.
  void run();

private:
  struct command;
  static const command commands[];

  bool next_line(std::string& text);
  bool introduce();
  void obey(std::string_view text);
  void speak(std::string_view text);

  void join(std::string_view room_name);
  void rooms(std::string_view);
  void who(std::string_view);
  void message(std::string_view name_and_text);
  void nick(std::string_view name);
  void help(std::string_view);
  void quit(std::string_view);

  void tell(std::string text) { out_->put(make_line(std::move(text))); }
  void tell(const std::vector<line>& lines);

  greenroom::buffered_reader& typed_;
  const std::shared_ptr<outbox> out_;
  const lobby_ref house_;
  const person_ref me_;
  room_ref room_; // nobody: in none
  std::string name_;
  bool leaving_ = false;
};

} // namespace chat
