#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chat {

/// A line as it goes out: formatted once, shared by all who are shown it.
using line = std::shared_ptr<const std::string>;

/// Adds the line end.
line make_line(std::string text);

/// What names of people and of rooms look like, in words.
inline constexpr std::string_view name_rule =
    "a name has 1 to 20 letters, digits, - or _";
bool is_name(std::string_view text);

/// Text of a stranger as it may be shown on a terminal: control characters
/// and bytes that are no UTF-8 become \xNN.
std::string printable(std::string_view text);

/// `title` and the words after it, in lines of some 70 characters.
std::vector<line> make_list(std::string title,
                            const std::vector<std::string>& words);

} // namespace chat
