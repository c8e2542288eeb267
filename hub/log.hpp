#pragma once

#include <string_view>

namespace greenroom {

/// The framework's log: spdlog's logger named "greenroom", to standard error.
///
/// Level      GREENROOM_LOG in the environment (trace, debug, info, warning,
///            error, critical, off); warning when unset.
/// Replace    Register your own logger under that name before the first use,
///            or `spdlog::drop("greenroom")` and register one later.
/// Thread     Any.
void log_debug(std::string_view text);
void log_info(std::string_view text);
void log_warning(std::string_view text);
void log_error(std::string_view text);

} // namespace greenroom
