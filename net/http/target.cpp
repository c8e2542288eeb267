#include "target.hpp"

#include <greenroom/http/error.hpp>

#include <algorithm>
#include <charconv>

namespace greenroom::http {

std::string decoded(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      made += text[i];
      continue;
    }
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    if (text.size() - i < 3 || *digits == '-' ||
        std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2)
      throw error(400, "bad percent-encoding");
    made += static_cast<char>(value);
    i += 2;
  }
  return made;
}

namespace {

constexpr std::size_t most_parameters = 1000; // each takes far more than "a&"

std::string decoded_word(std::string_view text) {
  std::string plain{text};
  std::replace(plain.begin(), plain.end(), '+', ' ');
  return decoded(plain);
}

/// What is before the next `mark`, which is taken as well.
std::string_view cut(std::string_view& text, char mark) {
  const std::size_t end = std::min(text.find(mark), text.size());
  const std::string_view before = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return before;
}

} // namespace

parameters decoded_form(std::string_view text) {
  parameters all;
  while (!text.empty()) {
    std::string_view value = cut(text, '&');
    if (value.empty()) continue;
    const std::string_view name = cut(value, '=');
    if (all.size() == most_parameters) throw error(400, "too many parameters");
    all.emplace_back(decoded_word(name), decoded_word(value));
  }
  return all;
}

target_parts parts_of(std::string_view target) {
  if (!target.starts_with('/') && target != "*") {
    const std::size_t host = target.find("//") + 2;
    const std::size_t end =
        std::min(target.find_first_of("/?", host), target.size());
    target.remove_prefix(end);
    if (!target.starts_with('/')) {
      cut(target, '?');
      return {"/", target};
    }
  }
  const std::string_view path = cut(target, '?');
  return {path, target};
}

} // namespace greenroom::http
