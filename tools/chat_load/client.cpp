#include "client.hpp"

#include <charconv>
#include <exception>
#include <optional>
#include <stdexcept>

namespace chat_load {
namespace {

using std::chrono::steady_clock;

struct spoken : heard {
  steady_clock::time_point at;
};

std::string text_of(const spoken& message) {
  return std::to_string(message.sender) + ' ' + std::to_string(message.number) +
         ' ' + std::to_string(message.at.time_since_epoch().count());
}

template <class Number>
bool cut_number(std::string_view& text, Number& into) {
  const auto [end, failed] =
      std::from_chars(text.data(), text.data() + text.size(), into);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return failed == std::errc();
}

/// What was said in a line "u17: 17 3 123456789"; nothing for a notice.
std::optional<spoken> message_in(std::string_view line) {
  const std::size_t colon = line.find(": ");
  if (!line.starts_with('u') || colon == line.npos) return std::nullopt;
  std::string_view text = line.substr(colon + 2);
  spoken message;
  steady_clock::rep at = 0;
  if (!cut_number(text, message.sender) || !cut_number(text, message.number) ||
      !cut_number(text, at) || !text.empty())
    throw std::runtime_error("a message was changed: " + std::string(line));
  message.at = steady_clock::time_point(steady_clock::duration(at));
  return message;
}

} // namespace

client::client(run& of, std::size_t number)
    : run_(of), number_(number), ears_(of.talk, number, of.counts) {
}

void client::live() {
  try {
    enter();
  } catch (const std::exception& error) {
    failed(error.what());
  }
  run_.all_in.arrive();
  try {
    run_.all_in.wait();
    talk();
  } catch (const std::exception& error) {
    failed(error.what());
  }
  run_.orders[number_] = ears_.order();
  run_.all_done.arrive();
  try {
    take_leave();
  } catch (const std::exception& error) {
    failed(error.what());
  }
}

void client::enter() {
  run_.doors.put(true); // not all at once: the listen queue is bounded
  voice_ = run_.connect(run_.server, 'u' + std::to_string(number_),
                        "room-" + std::to_string(run_.talk.room_of(number_)));
  run_.doors.get();
  ++run_.counts.connected;
}

void client::talk() {
  if (!voice_) return;
  std::size_t said = 0;
  if (run_.talk.messages > 0) say(said++);
  while (!ears_.complete()) {
    const std::string line = voice_->next_line();
    const auto message = message_in(line);
    if (!message) continue;
    ears_.hear(*message, steady_clock::now() - message->at);
    if (message->sender == number_ && said < run_.talk.messages) say(said++);
  }
}

void client::take_leave() {
  run_.all_done.wait();
  if (voice_ && voice_->take_leave(run_.quits)) ++run_.counts.goodbyes;
}

void client::say(std::size_t number) {
  const spoken message{{number_, number}, steady_clock::now()};
  voice_->say(text_of(message));
  ++run_.counts.sent;
}

void client::failed(const std::string& why) {
  run_.counts.failures.push_back('u' + std::to_string(number_) + ": " + why);
  voice_.reset();
}

} // namespace chat_load
