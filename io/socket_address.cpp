#include "socket_address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>

namespace greenroom {
namespace {

std::string number_of(const sockaddr* address, socklen_t size) {
  std::array<char, NI_MAXHOST> text{};
  const int status = getnameinfo(address, size, text.data(), text.size(),
                                 nullptr, 0, NI_NUMERICHOST);
  return status == 0 ? text.data() : "";
}

[[noreturn]] void refuse(std::string_view text) {
  throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                          "tcp_address::parse: \"" + std::string(text) + "\"");
}

std::uint16_t port_of(std::string_view text, std::string_view whole) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [last, failed] = std::from_chars(text.data(), end, port);
  if (failed != std::errc() || last != end) refuse(whole);
  return port;
}

} // namespace

std::string tcp_address::text() const {
  const bool six = host.find(':') != std::string::npos;
  return (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

tcp_address tcp_address::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {"", port_of(text, text)};
  const std::uint16_t port = port_of(text.substr(colon + 1), text);
  std::string_view host = text.substr(0, colon);
  const bool bracketed =
      host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  else if (host.find_first_of("[]:") != std::string_view::npos)
    refuse(text); // which colon is it?
  return {host == "*" ? "" : std::string(host), port};
}

tcp_address tcp_address_of(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(address);
    return {number_of(address, sizeof *four), ntohs(four->sin_port)};
  }
  if (address->sa_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(address);
    return {number_of(address, sizeof *six), ntohs(six->sin6_port)};
  }
  return {};
}

unix_address unix_address_of(const sockaddr* address, socklen_t size) {
  constexpr std::size_t start = offsetof(sockaddr_un, sun_path);
  if (address->sa_family != AF_UNIX || size <= start) return {};
  const auto* local = reinterpret_cast<const sockaddr_un*>(address);
  std::string path(local->sun_path, size - start);
  if (path.front() != '\0')
    path.resize(path.find('\0') == std::string::npos ? path.size()
                                                     : path.find('\0'));
  return {path};
}

std::string text_of(const sockaddr* address, socklen_t size) {
  if (address->sa_family == AF_UNIX)
    return unix_address_of(address, size).text();
  const tcp_address numeric = tcp_address_of(address);
  return numeric.host.empty() ? "" : numeric.text();
}

} // namespace greenroom
