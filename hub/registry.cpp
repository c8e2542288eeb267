#include "registry.hpp"

#include <greenroom/hub/hub.hpp>

#include <array>
#include <cstddef>
#include <mutex>

// For debuggers (tools/gdb): every hub; null where a place is free.
extern "C" {
constexpr std::size_t greenroom_hubs_max = 256;
std::array<greenroom::hub*, greenroom_hubs_max> greenroom_hubs{};
}

namespace greenroom {
namespace {

std::mutex& registry_lock() {
  static auto* lock = new std::mutex; // outlives every thread's hub
  return *lock;
}

std::array<void*, 256> left_behind{}; // guarded by registry_lock

/// Puts `item` into a free place; a full table goes without.
template <class Item, std::size_t Size>
void put(std::array<Item*, Size>& table, Item* item) {
  for (Item*& place : table)
    if (!place) {
      place = item;
      return;
    }
}

} // namespace

void enter_registry(hub& made) {
  const std::lock_guard held{registry_lock()};
  put(greenroom_hubs, &made);
}

void leave_registry(hub& ended) {
  const std::lock_guard held{registry_lock()};
  for (hub*& place : greenroom_hubs)
    if (place == &ended) place = nullptr;
}

void for_each_hub(void (*visit)(hub&, void*), void* argument) {
  const std::lock_guard held{registry_lock()};
  for (hub* each : greenroom_hubs)
    if (each) visit(*each, argument);
}

void for_each_hub_unlocked(void (*visit)(hub&)) {
  for (hub* each : greenroom_hubs)
    if (each) visit(*each);
}

void keep_reachable(void* left) {
  const std::lock_guard held{registry_lock()};
  put(left_behind, left);
}

} // namespace greenroom
