#pragma once

// Private to the hub room: what collects for another hub.

#include <greenroom/hub/distant_item.hpp>
#include <greenroom/hub/hub.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>

namespace greenroom {

/// Items of one kind that go to another hub together: one exchange of pointers
/// between the threads, and at most one wake-up, for all of them.
struct hub_batch : remote_task {
  hub_batch();

  void deliver() const;
  void drop_all() const noexcept;

  const distant_kind* kind = nullptr;
  // With the rest just what glibc keeps for the thread that freed it.
  static constexpr std::size_t capacity = 60;
  std::size_t count = 0;
  std::array<distant_item, capacity> items;
};

/// What the hub in one seat has not yet sent to the hub in another. The sender
/// sends it when it is full or has given way; the other fetches it when it
/// would sleep otherwise, so that nothing lies here while both have time.
///
/// Why none is forgotten: the other first says that it sleeps, then locks
/// this. A sender locks first, then looks whether the other sleeps. In the
/// total order of these four, either the sender sees it asleep, or the other
/// finds the lock taken later, and what was put in.
///
/// Ownership  Kept for ever, like the seats.
/// Thread     The sender's and the other's; what is guarded says so.
class hub_outbox {
public:
  hub_outbox(const hub_seat& source, hub_seat& target)
      : from(source), to(target) {}
  hub_outbox(const hub_outbox&) = delete;
  hub_outbox& operator=(const hub_outbox&) = delete;

  /// The outbox from one seat to another; made when first asked for, by the
  /// sender.
  static hub_outbox& of(const hub_seat& from, hub_seat& to);

  /// How many have collected with this one; 0: they are of another kind, and
  /// it was not added. For the sender.
  std::size_t add(const distant_kind& kind, distant_item item);

  /// For a few instructions: none of those who hold it waits.
  class locked {
  public:
    explicit locked(hub_outbox& all) : box_(all) {
      while (box_.lock_.exchange(true, std::memory_order_seq_cst))
        std::this_thread::yield();
    }
    locked(const locked&) = delete;
    locked& operator=(const locked&) = delete;
    ~locked() { box_.lock_.store(false, std::memory_order_release); }

    /// Null when there is nothing.
    std::unique_ptr<hub_batch>& collected() const { return box_.collected_; }

  private:
    hub_outbox& box_;
  };

  const hub_seat& from;
  hub_seat& to;
  hub_outbox* next = nullptr; // of those to the same seat; constant

private:
  std::unique_ptr<hub_batch> spare_; // the sender's
  std::atomic<bool> lock_{false};
  std::unique_ptr<hub_batch> collected_; // guarded by lock_
};

} // namespace greenroom
