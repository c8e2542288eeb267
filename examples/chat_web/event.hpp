#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace chat_web {

/// Something that happened in a room: written once, shared by all who hear it.
struct event {
  std::uint64_t number = 0; // of a message; 0: it is none
  std::string from;
  std::string text;
  std::int64_t at = 0; // milliseconds of the Unix epoch
  std::string json;    // as a page gets it
};
using event_ptr = std::shared_ptr<const event>;

/// Milliseconds of the Unix epoch.
std::int64_t wall_clock();

event_ptr message_event(std::uint64_t number, std::string from,
                        std::string text);
/// Of anything but a message.
event_ptr make_event(const nlohmann::json& content);

/// Bytes that are no UTF-8 become U+FFFD.
std::string to_text(const nlohmann::json& content);

} // namespace chat_web
