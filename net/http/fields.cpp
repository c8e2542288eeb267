#include "character_set.hpp"

#include <greenroom/http/fields.hpp>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>
#include <functional>
#include <limits>
#include <stdexcept>

namespace greenroom::http {
namespace {

constexpr character_set in_line{[](unsigned char each) {
  return each != '\r' && each != '\n' && each != '\0';
}};

void check(std::string_view name, std::string_view value) {
  if (name.empty() || !in_token.has_all(name))
    throw std::invalid_argument("no name of a header field: '" +
                                std::string(name) + '\'');
  if (!in_line.has_all(value))
    throw std::invalid_argument("carriage return or newline in the value of "
                                "header field '" +
                                std::string(name) + '\'');
}

bool points_into(const std::string& text, std::string_view part) {
  const std::less_equal<> not_after;
  return not_after(text.data(), part.data()) &&
         not_after(part.data(), text.data() + text.size());
}

} // namespace

bool same_word(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
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
  add(name, value);
  const entry added = entries_.back();
  entries_.pop_back();
  erase(at(added).name);
  entries_.push_back(added);
}

void fields::add(std::string_view name, std::string_view value) {
  check(name, value);
  if (points_into(text_, value))
    add_checked(name, std::string(value));
  else
    add_checked(name, value);
}

void fields::add_checked(std::string_view name, std::string_view value) {
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
  if (text_.size() + name.size() + value.size() > most)
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
  const char* const name = text_.data() + place.at;
  return {{name, place.name_size}, {name + place.name_size, place.value_size}};
}

} // namespace greenroom::http
