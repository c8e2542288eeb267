#include "clone_update.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <utility>

namespace greenroom::zmq {
namespace {

using seconds = std::chrono::duration<double>;
constexpr double longest_ttl = 1e9; // seconds: it fits nanoseconds
constexpr std::size_t sequence_bytes = 8;

frame network_order(std::uint64_t number) {
  std::array<char, sequence_bytes> bytes{};
  for (auto at = bytes.rbegin(); at != bytes.rend(); ++at, number >>= 8)
    *at = static_cast<char>(number & 0xff);
  return {bytes.data(), bytes.size()};
}

std::uint64_t from_network_order(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char each : bytes)
    number = number << 8 | static_cast<unsigned char>(each);
  return number;
}

} // namespace

bool is_key(std::string_view text) {
  return !text.empty() && text != snapshot_end && text != clone_heartbeat;
}

message encode(const clone_update& update) {
  return {update.key, network_order(update.sequence), update.uuid,
          update.properties, update.value};
}

std::optional<clone_update> decode(message&& frames) {
  if (frames.size() != 5 || frames[1].size() != sequence_bytes) return {};
  return clone_update{frames[0].text(), from_network_order(frames[1].view()),
                      std::move(frames[2]), frames[3].text(),
                      std::move(frames[4])};
}

std::string ttl_property(std::chrono::nanoseconds ttl) {
  if (ttl <= std::chrono::nanoseconds::zero()) return {};
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(ttl);
  // Others read whole seconds: a part of one is for us only.
  return "ttl=" +
         (whole == ttl ? std::to_string(whole.count())
                       : std::to_string(seconds(ttl).count())) +
         "\n";
}

std::chrono::nanoseconds ttl_of(std::string_view properties) {
  constexpr std::string_view name = "ttl=";
  for (std::size_t at = 0; at < properties.size();) {
    const auto end = std::min(properties.find('\n', at), properties.size());
    const auto line = properties.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(name)) continue;
    double value = 0;
    const auto read = std::from_chars(line.data() + name.size(),
                                      line.data() + line.size(), value);
    if (read.ec != std::errc() || !(value > 0)) return {};
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        seconds(std::min(value, longest_ttl)));
  }
  return {};
}

} // namespace greenroom::zmq
