#include "html.hpp"

#include "page_files.hpp"

#include <cstddef>

namespace chat_web {

std::string escaped(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  for (const char each : text) {
    switch (each) {
    case '&':
      made += "&amp;";
      break;
    case '<':
      made += "&lt;";
      break;
    case '>':
      made += "&gt;";
      break;
    case '"':
      made += "&quot;";
      break;
    case '\'':
      made += "&#39;";
      break;
    default:
      made += each;
    }
  }
  return made;
}

/// In one pass: what stands in a value is never taken for a place.
std::string filled_page(std::string_view file,
                        std::initializer_list<value> values) {
  std::string_view rest = page_files.at(file);
  std::string made;
  for (std::size_t at = rest.find("{{"); at != rest.npos;
       at = rest.find("{{")) {
    const std::size_t end = rest.find("}}", at);
    const std::string_view name = rest.substr(at + 2, end - at - 2);
    made += rest.substr(0, at);
    for (const auto& [key, text] : values)
      if (key == name) made += text;
    rest.remove_prefix(end + 2);
  }
  return made += rest;
}

} // namespace chat_web
