#pragma once

#include <atomic>
#include <compare>
#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace greenroom {

class hub;
class hub_outbox;

/// Work sent to a hub from outside it.
struct remote_task {
  remote_task* next = nullptr;
  void (*run)(remote_task&) = nullptr;  // on the hub; owns itself from here on
  void (*drop)(remote_task&) = nullptr; // instead, when the hub has ended
};

/// A place where one hub at a time can be found, by any thread. Kept for ever:
/// when its hub has ended, it waits for a later thread's.
///
/// Thread     Any.
class hub_seat {
public:
  hub_seat() = default;
  hub_seat(const hub_seat&) = delete;
  hub_seat& operator=(const hub_seat&) = delete;

  /// Calls `function` with the hub that sits here, which cannot end meanwhile;
  /// false when none does. `function` must be short and must not wait: the
  /// hub's end spins until it has returned.
  template <std::invocable<hub&> Function>
  bool visit(Function&& function);

  /// Whether a hub sits here; it may have ended by the time you look.
  bool taken() const { return home_.load(std::memory_order_relaxed); }
  /// Whether that hub sleeps, or is about to.
  bool sleeps() const { return sleeps_.load(std::memory_order_seq_cst); }

private:
  friend class hub;
  friend class hub_address;
  friend class hub_entry;
  friend class hub_outbox;

  // A visitor counts itself in, then looks for the hub; the hub's end takes it
  // away, then waits until nobody is counted: in a total order (all four are
  // sequentially consistent) one of the two sees the other. Whoever finds the
  // hub gone has seen everything that it did before its end.
  std::atomic<hub*> home_{nullptr};
  std::atomic<std::uint32_t> visitors_{0};
  std::atomic<bool> sleeps_{false};
  std::atomic<hub_outbox*> inbound_{nullptr}; // from other seats; only grows
  // Of the hub that sits here. Written before `home_` is set, when there are
  // no visitors that could find a hub; read by those who did.
  std::uint64_t id_ = 0;
  hub_seat* next_free_ = nullptr; // guarded by the lock of all seats
};

/// Where a hub is, in a form that outlives it: a small value.
///
/// Ownership  None: a hub ends with its thread, whoever holds its address.
/// Thread     Any.
///
///     const hub_address home = hub::current().address();
///     std::thread([home] { post_to(home, [] { ... }); }).detach();
class hub_address {
public:
  /// Of no hub.
  constexpr hub_address() = default;

  /// Of the calling thread's hub; of no hub when there is none (any more).
  static hub_address here_if_any() {
    return here_.seat_ ? hub_address{here_.seat_, here_.id_} : hub_address{};
  }

  /// It is the calling thread's hub, which has not ended.
  bool is_here() const { return id_ == here_.id_; }

  /// Calls `function` with the hub, which cannot end meanwhile; false when it
  /// has ended. As `hub_seat::visit`.
  template <std::invocable<hub&> Function>
  bool visit(Function&& function) const;

  /// `hub::post`; false, and nothing done, when the hub has ended.
  bool post(remote_task& work) const noexcept;

  hub_seat* seat() const { return seat_; }

  friend auto operator<=>(const hub_address&, const hub_address&) = default;

private:
  friend class hub_entry;

  struct place {
    hub_seat* seat_ = nullptr;
    std::uint64_t id_ = 1; // as no hub's, and no address's
  };

  constexpr hub_address(hub_seat* seat, std::uint64_t id)
      : seat_(seat), id_(id) {}

  // Without a hub before the thread has one, and from the hub's end on.
  static constinit thread_local place here_;

  hub_seat* seat_ = nullptr;
  std::uint64_t id_ = 0; // never the same for two hubs; 0: no hub
};

/// Runs `function` on the hub, as `hub::post` does; false when the hub has
/// ended. When it ends before the function has run, the function is destroyed
/// unrun, on the hub's thread. Any thread.
template <std::invocable Function>
bool post_to(const hub_address& to, Function&& function);

/// Told when its hub ends, on that hub's thread, after it was removed. The hub
/// can still be found by its address, but what is posted now is dropped unrun.
struct hub_end_link {
  using end_function = void (*)(hub_end_link&) noexcept;

  explicit hub_end_link(end_function at_end) : on_end(at_end) {}
  hub_end_link(const hub_end_link&) = delete;
  hub_end_link& operator=(const hub_end_link&) = delete;

  hub_end_link* previous = nullptr;
  hub_end_link* next = nullptr;
  end_function on_end; // must neither wait nor throw
};

// --- what is inside -------------------------------------------------------

/// A hub's time in its seat. For the hub.
class hub_entry {
public:
  explicit hub_entry(hub& home);
  hub_entry(const hub_entry&) = delete;
  hub_entry& operator=(const hub_entry&) = delete;
  ~hub_entry();

  const hub_address& address() const { return address_; }

private:
  hub_address address_;
};

template <std::invocable<hub&> Function>
bool hub_seat::visit(Function&& function) {
  struct visitor {
    explicit visitor(std::atomic<std::uint32_t>& counter) : all(counter) {
      all.fetch_add(1, std::memory_order_seq_cst);
    }
    visitor(const visitor&) = delete;
    visitor& operator=(const visitor&) = delete;
    ~visitor() { all.fetch_sub(1, std::memory_order_release); }
    std::atomic<std::uint32_t>& all;
  };
  const visitor lasting{visitors_};
  hub* const home = home_.load(std::memory_order_seq_cst);
  if (home) std::forward<Function>(function)(*home);
  return home != nullptr;
}

template <std::invocable<hub&> Function>
bool hub_address::visit(Function&& function) const {
  bool found = false;
  if (seat_)
    seat_->visit([&](hub& home) {
      found = seat_->id_ == id_; // else a later hub sits there
      if (found) std::forward<Function>(function)(home);
    });
  return found;
}

/// A function on its way to a hub.
template <class Function>
struct posted_function final : remote_task {
  template <class Given>
  explicit posted_function(Given&& given)
      : function(std::forward<Given>(given)) {
    run = [](remote_task& self) {
      const std::unique_ptr<posted_function> owned{
          static_cast<posted_function*>(&self)};
      owned->function();
    };
    drop = [](remote_task& self) {
      delete static_cast<posted_function*>(&self);
    };
  }

  Function function;
};

template <std::invocable Function>
bool post_to(const hub_address& to, Function&& function) {
  using kept = posted_function<std::decay_t<Function>>;
  auto work = std::make_unique<kept>(std::forward<Function>(function));
  const bool sent = to.post(*work);
  if (sent) static_cast<void>(work.release());
  return sent;
}

} // namespace greenroom
