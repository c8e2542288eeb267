#include "conversation.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

namespace chat {
namespace {

/// The first word and what follows it.
std::pair<std::string_view, std::string_view> cut_word(std::string_view text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::size_t rest =
      std::min(text.find_first_not_of(' ', end), text.size());
  return {text.substr(0, end), text.substr(rest)};
}

} // namespace

struct conversation::command {
  std::string_view name;
  std::string_view explanation;
  void (conversation::*run)(std::string_view rest);
};

const conversation::command conversation::commands[] = {
    {"/join", "/join ROOM       go into a room, out of the one before",
     &conversation::join},
    {"/rooms", "/rooms           the open rooms and how many are in each",
     &conversation::rooms},
    {"/who", "/who             who is in your room", &conversation::who},
    {"/msg", "/msg NAME TEXT   a private message", &conversation::message},
    {"/nick", "/nick NAME       be called something else", &conversation::nick},
    {"/help", "/help            this", &conversation::help},
    {"/quit", "/quit            goodbye", &conversation::quit},
};

conversation::conversation(greenroom::buffered_reader& typed,
                           std::shared_ptr<outbox> out, lobby_ref house)
    : typed_(typed), out_(std::move(out)), house_(house),
      me_(greenroom::spawn<person>(out_)) {
  house_.send(arrive{me_});
}

conversation::~conversation() {
  house_.send(depart{me_});
  me_.stop();
}

void conversation::run() {
  if (!introduce()) return;
  std::string text;
  while (!leaving_ && next_line(text)) {
    if (text.starts_with('/'))
      obey(text);
    else
      speak(text);
  }
}

/// False when there is none: the person is gone, or has sent too long a one.
bool conversation::next_line(std::string& text) {
  std::error_code failed;
  std::optional<std::string> typed = typed_.read_line({}, failed);
  if (failed == std::errc::message_size)
    tell("! a line has at most " + std::to_string(longest_line) +
         " bytes. Goodbye!");
  if (!typed || out_->closed()) return false;
  text = std::move(*typed);
  return true;
}

bool conversation::introduce() {
  tell("* Welcome! What is your name?");
  std::string name;
  while (next_line(name)) {
    if (!is_name(name)) {
      tell("! " + std::string(name_rule) + ". What is your name?");
    } else if (!house_.ask(take_name{me_, name}).get()) {
      tell("! " + name + " is taken. What is your name?");
    } else {
      name_ = std::move(name);
      tell("* Hello " + name_ + ". /join ROOM to talk, /help for the rest");
      return true;
    }
  }
  return false;
}

void conversation::obey(std::string_view text) {
  const auto [word, rest] = cut_word(text);
  for (const command& each : commands)
    if (each.name == word) return (this->*each.run)(rest);
  tell("! there is no " + printable(word) + "; /help lists what there is");
}

void conversation::speak(std::string_view text) {
  if (text.empty()) return;
  if (room_ == room_ref{}) return tell("! you are in no room: /join ROOM");
  room_.ask(say{me_, printable(text)}).get();
}

void conversation::join(std::string_view room_name) {
  if (!is_name(room_name)) return tell("! " + std::string(name_rule));
  room_ = house_.ask(go_to{me_, std::string(room_name)}).get();
}

void conversation::rooms(std::string_view) {
  const auto open = house_.ask(list_rooms{}).get();
  if (open.empty()) return tell("* no room is open");
  tell(make_list("* rooms:", open));
}

void conversation::who(std::string_view) {
  if (room_ == room_ref{}) return tell("! you are in no room: /join ROOM");
  tell(make_list("* here:", room_.ask(list_people{}).get()));
}

void conversation::message(std::string_view name_and_text) {
  const auto [name, text] = cut_word(name_and_text);
  if (name.empty() || text.empty()) return tell("! /msg NAME TEXT");
  const auto found = house_.ask(find_person{std::string(name)}).get();
  if (!found) return tell("! nobody here is called " + printable(name));
  tell("[you to " + std::string(name) + "] " + printable(text));
  found->send(whisper{name_, printable(text)});
}

void conversation::nick(std::string_view name) {
  if (!is_name(name)) return tell("! " + std::string(name_rule));
  if (name == name_) return;
  if (!house_.ask(take_name{me_, std::string(name)}).get())
    return tell("! " + std::string(name) + " is taken");
  name_ = name;
  if (room_ == room_ref{}) tell("* you are now called " + name_); // else heard
}

void conversation::help(std::string_view) {
  for (const command& each : commands)
    tell("* " + std::string(each.explanation));
  tell("* Of lines you have not read, the newest " +
       std::to_string(outbox::most_lines) + " are kept for you.");
}

void conversation::quit(std::string_view) {
  tell("* Goodbye, " + name_ + '!');
  leaving_ = true;
}

void conversation::tell(const std::vector<line>& lines) {
  for (const line& each : lines)
    out_->put(each);
}

} // namespace chat
