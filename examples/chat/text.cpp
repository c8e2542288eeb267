#include "text.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace chat {
namespace {

constexpr std::size_t longest_name = 20;    // characters
constexpr std::size_t longest_in_list = 70; // characters a line

unsigned char byte_at(std::string_view text, std::size_t place) {
  return place < text.size() ? static_cast<unsigned char>(text[place]) : 0;
}

/// The bytes of the character that `text` begins with; 0 when that is not
/// well-formed UTF-8 (Unicode 15, table 3-7).
std::size_t character_size(std::string_view text) {
  const auto continues = [&](std::size_t place) {
    return (byte_at(text, place) & 0xc0) == 0x80;
  };
  const unsigned first = byte_at(text, 0);
  const unsigned second = byte_at(text, 1);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !continues(1)) return 0;
  if (first < 0xe0) return 2;
  if (!continues(2)) return 0;
  if (first == 0xe0 && second < 0xa0) return 0; // overlong
  if (first == 0xed && second > 0x9f) return 0; // half of a surrogate pair
  if (first < 0xf0) return 3;
  if (!continues(3)) return 0;
  if (first == 0xf0 && second < 0x90) return 0; // overlong
  if (first == 0xf4 && second > 0x8f) return 0; // past U+10FFFF
  return 4;
}

/// U+0000 to U+001F, U+007F to U+009F: they can command a terminal.
bool is_control(std::string_view character) {
  const unsigned first = byte_at(character, 0);
  return first < 0x20 || first == 0x7f ||
         (first == 0xc2 && byte_at(character, 1) < 0xa0);
}

std::string escaped(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string made;
  for (const char each : bytes) {
    const auto value = static_cast<unsigned char>(each);
    made += {'\\', 'x', digits[value >> 4], digits[value & 0xf]};
  }
  return made;
}

} // namespace

line make_line(std::string text) {
  text += '\n';
  return std::make_shared<const std::string>(std::move(text));
}

bool is_name(std::string_view text) {
  const auto allowed = [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
           (each >= '0' && each <= '9') || each == '-' || each == '_';
  };
  return !text.empty() && text.size() <= longest_name &&
         std::all_of(text.begin(), text.end(), allowed);
}

std::string printable(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const auto character = text.substr(0, std::max<std::size_t>(size, 1));
    if (size == 0 || is_control(character))
      made += escaped(character);
    else
      made += character;
    text.remove_prefix(character.size());
  }
  return made;
}

std::vector<line> make_list(std::string title,
                            const std::vector<std::string>& words) {
  std::vector<line> made;
  std::string text = std::move(title);
  for (const std::string& word : words) {
    if (text.size() + 1 + word.size() > longest_in_list)
      made.push_back(make_line(std::exchange(text, "*  ")));
    text += ' ' + word;
  }
  made.push_back(make_line(std::move(text)));
  return made;
}

} // namespace chat
