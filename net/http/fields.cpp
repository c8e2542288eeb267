#include <greenroom/http/fields.hpp>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace greenroom::http {
namespace {

constexpr std::string_view special_token_characters = "!#$%&'*+-.^_`|~";

bool is_token_character(char each) {
  return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
         (each >= '0' && each <= '9') ||
         special_token_characters.find(each) != std::string_view::npos;
}

bool ends_line(char each) {
  return each == '\r' || each == '\n' || each == '\0';
}

void check(std::string_view name, std::string_view value) {
  if (name.empty() ||
      !std::all_of(name.begin(), name.end(), is_token_character))
    throw std::invalid_argument("no name of a header field: '" +
                                std::string(name) + '\'');
  if (std::any_of(value.begin(), value.end(), ends_line))
    throw std::invalid_argument("carriage return or newline in the value of "
                                "header field '" +
                                std::string(name) + '\'');
}

} // namespace

bool same_word(std::string_view left, std::string_view right) {
  return boost::beast::iequals({left.data(), left.size()},
                               {right.data(), right.size()});
}

std::string_view fields::get(std::string_view name) const {
  for (const entry& each : entries_)
    if (same_word(at(each).name, name)) return at(each).value;
  return {};
}

std::size_t fields::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [&](const entry& each) {
        return same_word(at(each).name, name);
      }));
}

bool fields::lists(std::string_view name, std::string_view word) const {
  for (const field& each : *this) {
    if (!same_word(each.name, name)) continue;
    boost::beast::http::token_list words{
        {each.value.data(), each.value.size()}};
    if (words.exists({word.data(), word.size()})) return true;
  }
  return false;
}

void fields::set(std::string_view name, std::string_view value) {
  check(name, value);
  const std::string kept{value}; // may point into us
  const std::string kept_name{name};
  erase(kept_name);
  add_checked(kept_name, kept);
}

void fields::add(std::string_view name, std::string_view value) {
  check(name, value);
  add_checked(std::string(name), std::string(value));
}

void fields::add_checked(std::string_view name, std::string_view value) {
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
  if (name.size() > most || value.size() > most ||
      text_.size() + name.size() + value.size() > most)
    throw std::length_error("header fields of more than 4 GiB");
  const auto place = static_cast<std::uint32_t>(text_.size());
  text_.append(name).append(value);
  entries_.push_back({place, static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(value.size())});
}

void fields::erase(std::string_view name) {
  std::erase_if(entries_, [&](const entry& each) {
    return same_word(at(each).name, name);
  });
}

void fields::clear() {
  text_.clear();
  entries_.clear();
}

field fields::at(const entry& place) const {
  const std::string_view text = text_;
  return {text.substr(place.at, place.name_size),
          text.substr(place.at + place.name_size, place.value_size)};
}

} // namespace greenroom::http
