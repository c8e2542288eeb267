#include "event.hpp"

#include <chrono>
#include <utility>

namespace chat_web {

std::int64_t wall_clock() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch)
      .count();
}

std::string to_text(const nlohmann::json& content) {
  return content.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

event_ptr message_event(std::uint64_t number, std::string from,
                        std::string text) {
  event made{number, std::move(from), std::move(text), wall_clock(), {}};
  made.json = to_text({{"type", "message"},
                       {"number", number},
                       {"from", made.from},
                       {"text", made.text},
                       {"at", made.at}});
  return std::make_shared<const event>(std::move(made));
}

event_ptr make_event(const nlohmann::json& content) {
  event made;
  made.json = to_text(content);
  return std::make_shared<const event>(std::move(made));
}

} // namespace chat_web
