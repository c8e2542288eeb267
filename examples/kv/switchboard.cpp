#include "switchboard.hpp"

#include "reply.hpp"

#include <utility>

namespace kv {

void switchboard::receive(subscribe message) {
  channels_[std::move(message.channel)].insert(std::move(message.who));
}

void switchboard::receive(unsubscribe message) {
  const auto found = channels_.find(message.channel);
  if (found == channels_.end()) return;
  found->second.erase(message.who);
  if (found->second.empty()) channels_.erase(found);
}

std::size_t switchboard::receive(publish message) {
  const auto found = channels_.find(message.channel);
  if (found == channels_.end()) return 0;
  std::string news;
  add_list(news, 3);
  add_text(news, "message");
  add_text(news, message.channel);
  add_text(news, message.text);
  for (const subscriber& each : found->second)
    each->put(news);
  return found->second.size();
}

} // namespace kv
