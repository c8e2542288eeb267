#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace chat_load {

/// Who says how much where.
struct plan {
  std::size_t clients = 1000;
  std::size_t rooms = 10;
  std::size_t messages = 40; // of each client

  std::size_t room_of(std::size_t client) const { return client % rooms; }
  std::size_t seat_of(std::size_t client) const { return client / rooms; }
  std::size_t people_in(std::size_t room) const {
    return clients / rooms + (room < clients % rooms ? 1 : 0);
  }
  /// Everybody hears everything said in the own room, also by oneself.
  std::size_t deliveries_to(std::size_t client) const {
    return people_in(room_of(client)) * messages;
  }
  std::size_t deliveries() const;
};

/// One message as a client heard it.
struct heard {
  std::size_t sender = 0;
  std::size_t number = 0; // of the sender's messages, from 0
};

/// What all clients count together.
struct tally {
  std::size_t connected = 0;
  std::size_t sent = 0;
  std::size_t delivered = 0; // each message once per hearer
  std::size_t duplicates = 0;
  std::size_t disordered = 0;
  std::size_t goodbyes = 0;
  std::vector<std::uint32_t> latencies; // microseconds, one a delivery
  std::vector<std::string> failures;    // of clients, in words

  /// Sorts the latencies; `part` from 0 to 1.
  double percentile_ms(double part);
};

/// Checks what one client hears against what it must hear: each message of
/// each person in the room once, a person's messages in the order sent.
class listener {
public:
  listener(const plan& of, std::size_t client, tally& counts);

  void hear(const heard& message, std::chrono::nanoseconds latency);
  bool complete() const { return delivered_ == plan_.deliveries_to(client_); }
  /// The same for all who heard the same in the same order.
  std::uint64_t order() const { return order_; }

private:
  const plan& plan_;
  const std::size_t client_;
  tally& counts_;
  std::vector<bool> seen_;        // by seat and number
  std::vector<std::size_t> next_; // by seat: the least number not passed
  std::size_t delivered_ = 0;
  std::uint64_t order_ = 0;
};

} // namespace chat_load
