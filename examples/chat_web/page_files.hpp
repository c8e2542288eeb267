#pragma once

#include <map>
#include <string_view>

namespace chat_web {

/// The files of page/, by name; made by embed.cmake.
extern const std::map<std::string_view, std::string_view> page_files;

} // namespace chat_web
