#include <greenroom/hub/address.hpp>

#include <greenroom/hub/hub.hpp>

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace greenroom {
namespace {

/// The seats of all hubs, taken and free.
struct hub_seats {
  static hub_seats& instance() {
    static auto* all = new hub_seats; // outlives every thread
    return *all;
  }

  std::mutex lock;
  // Guarded by lock.
  std::vector<std::unique_ptr<hub_seat>> all;
  hub_seat* free = nullptr;
  std::uint64_t last_id = 1;
};

} // namespace

constinit thread_local hub_address::place hub_address::here_{};

bool hub_address::post(remote_task& work) const noexcept {
  if (hub* const here = hub::current_if_any())
    here->send_out(); // what was sent before comes before
  return visit([&](hub& home) { home.post(work); });
}

hub_entry::hub_entry(hub& home) {
  hub_seats& seats = hub_seats::instance();
  const std::lock_guard held{seats.lock};
  if (!seats.free) {
    seats.all.push_back(std::make_unique<hub_seat>());
    seats.free = seats.all.back().get();
  }
  hub_seat& taken = *seats.free;
  seats.free = taken.next_free_;
  taken.id_ = ++seats.last_id;
  address_ = hub_address{&taken, taken.id_};
  hub_address::here_ = {&taken, taken.id_};
  taken.home_.store(&home, std::memory_order_seq_cst);
}

hub_entry::~hub_entry() {
  hub_seat& left = *address_.seat_;
  hub_address::here_ = {};
  left.home_.store(nullptr, std::memory_order_seq_cst);
  while (left.visitors_.load(std::memory_order_seq_cst) > 0)
    std::this_thread::yield(); // for the few instructions of a visit
  hub_seats& seats = hub_seats::instance();
  const std::lock_guard held{seats.lock};
  left.next_free_ = std::exchange(seats.free, &left);
}

} // namespace greenroom
