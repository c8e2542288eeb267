#include "connection.hpp"
#include "target.hpp"

#include <greenroom/http/error.hpp>
#include <greenroom/http/request.hpp>

#include <array>

namespace greenroom::http {

void request::begin() {
  const target_parts parts = parts_of(target());
  path_ = parts.path;
  query_ = parts.query;
  route_values_.clear();
  most_body_ = connection_.options_.most.body;
  body_read_ = 0;
}

std::string_view request::method() const {
  return connection_.reader_.head().method;
}

std::string_view request::target() const {
  return connection_.reader_.head().target;
}

int request::version() const {
  return connection_.reader_.head().version;
}

const std::string& request::peer() const {
  return connection_.peer_name();
}

const fields& request::headers() const {
  return connection_.reader_.head().headers;
}

std::string request::decoded_path() const {
  return decoded(path_);
}

std::optional<std::string> value_of(const parameters& all,
                                    std::string_view name) {
  for (const auto& [each, value] : all)
    if (each == name) return value;
  return std::nullopt;
}

parameters request::query_values() const {
  return decoded_form(query_);
}

std::optional<std::string> request::query_value(std::string_view name) const {
  return value_of(query_values(), name);
}

std::string_view request::route_value(std::string_view name) const {
  for (const auto& [each, value] : route_values_)
    if (each == name) return value;
  return {};
}

/// RFC 6265, 4.2: pairs separated by "; ".
std::optional<std::string> request::cookie(std::string_view name) const {
  for (const field& each : headers()) {
    if (!same_word(each.name, "Cookie")) continue;
    std::string_view rest = each.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
      if (pair.size() > name.size() && pair.starts_with(name) &&
          pair[name.size()] == '=')
        return std::string(pair.substr(name.size() + 1));
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> request::content_length() const {
  const framing& body = connection_.reader_.body();
  if (body.kind != body_kind::length) return std::nullopt;
  return body.length + body_read_;
}

std::size_t request::read_some(std::span<char> into) {
  if (content_length().value_or(0) > most_body_) throw error(413);
  const std::size_t bytes = connection_.read_body(into);
  body_read_ += bytes;
  if (body_read_ > most_body_) throw error(413);
  return bytes;
}

std::string request::body() {
  std::string all; // grows with what comes, not with what is announced
  std::array<char, 16'384> piece;
  while (const std::size_t bytes = read_some(piece))
    all.append(piece.data(), bytes);
  return all;
}

parameters request::form() {
  const std::string_view type = header("Content-Type");
  if (!same_word(type.substr(0, type.find(';')),
                 "application/x-www-form-urlencoded"))
    throw error(415, "a form is application/x-www-form-urlencoded");
  return decoded_form(body());
}

} // namespace greenroom::http
