#pragma once

// Messages that the tests of inbox send, and what they say.

#include <greenroom/mailbox/inbox.hpp>

#include <functional>
#include <string>
#include <utility>
#include <variant>

namespace test {

struct line {
  std::string text;
};
struct number {
  int value;
};
struct quit {};

using mail = greenroom::inbox<line, number, quit>;
using numbers = greenroom::inbox<number>;

inline std::string text_of(const line& message) {
  return message.text;
}
inline std::string text_of(const number& message) {
  return std::to_string(message.value);
}
inline std::string text_of(const quit&) {
  return "quit";
}
template <class... Messages>
std::string text_of(const std::variant<Messages...>& message) {
  return std::visit([](const auto& each) { return text_of(each); }, message);
}

/// All that can be taken, in order: "1 hello quit".
template <class... Messages>
std::string contents(greenroom::inbox<Messages...>& from) {
  std::string all;
  while (const auto message = from.try_get())
    all += (all.empty() ? "" : " ") + text_of(*message);
  return all;
}

/// A predicate: the number `value`.
inline auto is(int value) {
  return [value](const number& message) { return message.value == value; };
}

/// Calls a function at its end, unless it was moved from.
struct last_word {
  explicit last_word(std::function<void()> what) : say(std::move(what)) {}
  last_word(last_word&& other) noexcept : say(std::exchange(other.say, {})) {}
  last_word& operator=(last_word&&) = delete;
  ~last_word() {
    if (say) say();
  }
  std::function<void()> say;
};

} // namespace test
