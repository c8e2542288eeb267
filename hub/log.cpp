#include <greenroom/hub/log.hpp>

#include <spdlog/cfg/helpers.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

namespace greenroom {
namespace {

constexpr const char* logger_name = "greenroom";

std::shared_ptr<spdlog::logger> make_logger() {
  auto made = std::make_shared<spdlog::logger>(
      logger_name, std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  const char* level = std::getenv("GREENROOM_LOG");
  made->set_level(level ? spdlog::level::from_str(level) : spdlog::level::warn);
  return made;
}

/// The registered logger; ours when nobody registered one. Never null, also
/// while static objects are being destroyed.
std::shared_ptr<spdlog::logger> logger() {
  if (auto registered = spdlog::get(logger_name)) return registered;
  auto made = make_logger();
  try {
    spdlog::register_logger(made);
  } catch (const spdlog::spdlog_ex&) {
    // Another thread was first; this one line goes through ours.
  }
  return made;
}

} // namespace

void log_debug(std::string_view text) {
  logger()->debug("{}", text);
}
void log_info(std::string_view text) {
  logger()->info("{}", text);
}
void log_warning(std::string_view text) {
  logger()->warn("{}", text);
}
void log_error(std::string_view text) {
  logger()->error("{}", text);
}

} // namespace greenroom
