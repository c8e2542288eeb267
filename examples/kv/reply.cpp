#include "reply.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace kv {
namespace {

struct digits {
  explicit digits(std::int64_t number)
      : end(std::to_chars(memory.data(), memory.data() + memory.size(), number)
                .ptr) {}
  std::string_view text() const {
    return {memory.data(), static_cast<std::size_t>(end - memory.data())};
  }
  std::array<char, 24> memory;
  const char* end;
};

void add_line(std::string& to, char kind, std::int64_t number) {
  to += kind;
  to += digits{number}.text();
  to += "\r\n";
}

char small(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32)
                                        : letter;
}

} // namespace

void add_number(std::string& to, std::int64_t number) {
  add_line(to, ':', number);
}

void add_text(std::string& to, std::string_view text) {
  add_line(to, '$', static_cast<std::int64_t>(text.size()));
  to += text;
  to += "\r\n";
}

void add_list(std::string& to, std::size_t items) {
  add_line(to, '*', static_cast<std::int64_t>(items));
}

void add_error(std::string& to, std::string_view text) {
  to += "-ERR ";
  for (const char each : text)
    to += each == '\r' || each == '\n' ? ' ' : each;
  to += "\r\n";
}

std::string wrong_number_of_words(std::string_view name) {
  return "wrong number of arguments for '" + std::string(name) + "' command";
}

std::string unknown_subcommand(words given) {
  std::string container = given[0].substr(0, 128);
  for (char& each : container)
    if (each >= 'a' && each <= 'z') each = static_cast<char>(each - 32);
  return "unknown subcommand '" + given[1].substr(0, 128) + "'. Try " +
         container + " HELP.";
}

std::optional<std::int64_t> to_integer(std::string_view text) {
  std::int64_t number = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || digits{number}.text() != text)
    return std::nullopt;
  return number;
}

bool is_word(std::string_view text, std::string_view word) {
  return std::equal(text.begin(), text.end(), word.begin(), word.end(),
                    [](char one, char other) { return small(one) == other; });
}

void empty(std::string& text) {
  constexpr std::size_t worth_keeping = 4096; // bytes
  if (text.capacity() > worth_keeping) std::string().swap(text);
  text.clear();
}

} // namespace kv
