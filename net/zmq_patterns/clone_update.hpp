#pragma once

// Private to the zmq_patterns room: a key and its value, as CHP sends them.

#include <greenroom/zmq/frame.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::zmq {

inline constexpr std::string_view snapshot_request = "ICANHAZ?";
inline constexpr std::string_view snapshot_end = "KTHXBAI";
inline constexpr std::string_view clone_heartbeat = "HUGZ";

struct clone_update {
  std::string key{};
  std::uint64_t sequence = 0;
  frame uuid{};
  std::string properties{}; // "name=value\n"...
  frame value{};            // empty: the key is erased
};

/// May be a key: is none of the protocol's own words.
bool is_key(std::string_view text);

message encode(const clone_update& update);
std::optional<clone_update> decode(message&& frames);

std::string ttl_property(std::chrono::nanoseconds ttl);
/// Zero when there is none, or it is nonsense.
std::chrono::nanoseconds ttl_of(std::string_view properties);

} // namespace greenroom::zmq
