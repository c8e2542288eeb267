#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace chat_web {

/// Text as it may stand in HTML, between tags or in a quoted attribute.
std::string escaped(std::string_view text);

/// One of the files of page/, with a value in the place of each {{name}}.
using value = std::pair<std::string_view, std::string>;
std::string filled_page(std::string_view file,
                        std::initializer_list<value> values);

} // namespace chat_web
