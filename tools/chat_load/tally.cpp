#include "tally.hpp"

#include <algorithm>

namespace chat_load {

std::size_t plan::deliveries() const {
  std::size_t all = 0;
  for (std::size_t room = 0; room < rooms; ++room)
    all += people_in(room) * people_in(room) * messages;
  return all;
}

double tally::percentile_ms(double part) {
  if (latencies.empty()) return 0;
  const auto last = static_cast<double>(latencies.size() - 1);
  const auto place =
      latencies.begin() + static_cast<std::ptrdiff_t>(part * last);
  std::nth_element(latencies.begin(), place, latencies.end());
  return *place / 1000.0;
}

listener::listener(const plan& of, std::size_t client, tally& counts)
    : plan_(of), client_(client), counts_(counts),
      seen_(of.deliveries_to(client)), next_(of.people_in(of.room_of(client))) {
}

void listener::hear(const heard& message, std::chrono::nanoseconds latency) {
  const bool expected = message.sender < plan_.clients &&
                        message.number < plan_.messages &&
                        plan_.room_of(message.sender) == plan_.room_of(client_);
  const std::size_t seat = plan_.seat_of(message.sender);
  const std::size_t place = seat * plan_.messages + message.number;
  if (!expected || seen_[place]) {
    ++counts_.duplicates;
    return;
  }
  seen_[place] = true;
  if (message.number < next_[seat]) ++counts_.disordered;
  next_[seat] = std::max(next_[seat], message.number + 1);
  order_ = order_ * 0x9e3779b97f4a7c15u + place + 1;
  ++delivered_;
  ++counts_.delivered;
  counts_.latencies.push_back(
      static_cast<std::uint32_t>(latency.count() / 1000));
}

} // namespace chat_load
