#include "character_set.hpp"

#include <greenroom/http/url.hpp>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace greenroom::http {
namespace {

constexpr character_set in_scheme{digits_and_letters, "+-."};
constexpr character_set in_host{digits_and_letters, "-._~%!$&'()*+,;="};
constexpr character_set in_address{"0123456789abcdefABCDEF", ":."};
constexpr character_set in_target{digits_and_letters,
                                  "-._~%!$&'()*+,;=:@/?[]|^`{}\""};

[[noreturn]] void refuse(std::string_view text) {
  throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                          "no URL: '" + std::string(text) + '\'');
}

std::string lower(std::string_view text) {
  std::string made{text};
  for (char& each : made)
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each - 'A' + 'a');
  return made;
}

std::uint16_t usual_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return 80;
  if (scheme == "https" || scheme == "wss") return 443;
  return 0;
}

/// "host:80", "[::1]:80", or without the port. False when it is neither.
bool take_authority(std::string_view text, url& into) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    into.host = text.substr(1, end - 1);
    if (!in_address.has_all(into.host)) return false;
    text.remove_prefix(end + 1);
  } else {
    into.host = text.substr(0, text.find(':'));
    if (!in_host.has_all(into.host)) return false;
    text.remove_prefix(into.host.size());
  }
  into.port = usual_port(into.scheme);
  if (into.host.empty()) return false;
  if (text.size() < 2) return text.empty() || text == ":";
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + 1, end, into.port);
  return text.front() == ':' && parsed.ptr == end && parsed.ec == std::errc();
}

/// RFC 3986, 5.2.4.
std::string without_dots(std::string_view path) {
  std::string made;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    if (segment == "/..") made.erase(std::min(made.rfind('/'), made.size()));
    if (segment == "/." || segment == "/..") {
      if (path.empty()) made += '/';
    } else {
      made += segment;
    }
  }
  return made;
}

} // namespace

url url::parse(std::string_view text) {
  const std::string_view whole = text;
  text = text.substr(0, text.find('#'));
  url made;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) refuse(whole);
  made.scheme = lower(text.substr(0, colon));
  if (!in_scheme.has_all(made.scheme)) refuse(whole);
  text.remove_prefix(colon + 3);
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  if (!take_authority(text.substr(0, end), made)) refuse(whole);
  text.remove_prefix(end);
  if (!in_target.has_all(text)) refuse(whole);
  made.target = text.starts_with('/') ? "" : "/";
  made.target += text;
  return made;
}

url url::resolve(std::string_view reference) const {
  reference = reference.substr(0, reference.find('#'));
  const std::size_t colon = reference.find("://");
  if (colon != std::string_view::npos &&
      in_scheme.has_all(reference.substr(0, colon)))
    return parse(reference);
  if (reference.starts_with("//"))
    return parse(scheme + ':' + std::string(reference));
  if (!in_target.has_all(reference)) refuse(reference);
  url made = *this;
  if (reference.empty()) return made;
  const std::string path = target.substr(0, target.find('?'));
  const std::size_t query = std::min(reference.find('?'), reference.size());
  std::string_view to = reference.substr(0, query);
  if (to.starts_with('/'))
    made.target = without_dots(to);
  else if (to.empty())
    made.target = path;
  else
    made.target =
        without_dots(path.substr(0, path.rfind('/') + 1) + std::string(to));
  made.target += reference.substr(query);
  return made;
}

std::string url::authority() const {
  std::string made =
      host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != usual_port(scheme)) made += ':' + std::to_string(port);
  return made;
}

} // namespace greenroom::http
