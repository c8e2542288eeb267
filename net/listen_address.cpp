#include <greenroom/net/listen_address.hpp>

#include <system_error>

namespace greenroom {
namespace {

constexpr std::string_view unix_scheme = "unix:";

[[noreturn]] void refuse(const std::string& what) {
  throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                          "listen on " + what);
}

std::string text_of(const unix_address& at) {
  return std::string(unix_scheme) + at.text();
}

} // namespace

std::uint16_t listen_address::checked_port(long long port, bool fits) {
  if (!fits) refuse("port " + std::to_string(port));
  return static_cast<std::uint16_t>(port);
}

listen_address::place listen_address::parse(std::string_view text) {
  if (text.substr(0, unix_scheme.size()) != unix_scheme)
    return tcp_address::parse(text);
  const std::string path(text.substr(unix_scheme.size()));
  if (path.empty() || path == "@") refuse('"' + std::string(text) + '"');
  if (path.front() == '@') return unix_address::abstract(path.substr(1));
  return unix_address{path};
}

tcp_address listen_address::tcp() const {
  if (const auto* at = std::get_if<tcp_address>(&at_)) return *at;
  if (const auto* ready = std::get_if<tcp_listener>(&at_))
    return ready->local();
  if (const auto* ready = std::get_if<udp_socket>(&at_)) return ready->local();
  return {};
}

std::string listen_address::text() const {
  if (const auto* at = std::get_if<unix_address>(&at_)) return text_of(*at);
  if (const auto* ready = std::get_if<unix_listener>(&at_))
    return text_of(ready->local());
  if (const auto* ready = std::get_if<unix_datagram_socket>(&at_))
    return text_of(ready->local());
  return tcp().text();
}

/// Gives away what is ready, and keeps where that is.
template <class Ready>
Ready listen_address::take() {
  auto* const found = std::get_if<Ready>(&at_);
  if (!found) refuse(text() + ", which is ready for something else");
  Ready ready = std::move(*found);
  at_ = ready.local();
  return ready;
}

listen_address::listener listen_address::open(const listen_options& options) {
  if (auto* at = std::get_if<tcp_address>(&at_)) {
    tcp_listener made{*at, options};
    at->port = made.local().port;
    return made;
  }
  if (const auto* at = std::get_if<unix_address>(&at_))
    return unix_listener{*at, options};
  if (std::holds_alternative<unix_listener>(at_)) return take<unix_listener>();
  return take<tcp_listener>();
}

listen_address::datagram_socket listen_address::bind(udp_options options) {
  if (auto* at = std::get_if<tcp_address>(&at_)) {
    udp_socket made{*at, options};
    at->port = made.local().port;
    return made;
  }
  if (const auto* at = std::get_if<unix_address>(&at_))
    return unix_datagram_socket{*at};
  if (std::holds_alternative<unix_datagram_socket>(at_))
    return take<unix_datagram_socket>();
  return take<udp_socket>();
}

} // namespace greenroom
