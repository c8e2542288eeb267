#include "mailbox/stress/programs.hpp"
#include "stress/program.hpp"

#include <greenroom/mailbox/alarm_clock.hpp>
#include <greenroom/mailbox/channel.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/semaphore.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <system_error>
#include <utility>

namespace stress {
namespace {

/// A works of queues and a channel, whose workers select whatever there is to
/// do: take from the first queue, hand on through the channel, store in the
/// last queue, use a semaphore, obey an event or a clock.
class mixed_program final : public program {
public:
  explicit mixed_program(dice& random)
      : program(random), first_(static_cast<std::size_t>(1 + random.below(3))),
        tools_(tool_count_) {}

private:
  void begin() override {
    add_some(3, [this] { produce(); });
    add_some(6, [this] { work(); });
  }

  void produce() {
    const int sender = senders_++;
    for (int number = 0; number < 6; ++number) {
      parcel item{{sender, number}};
      attempt([&](deadline until) {
        const counted here{filling_};
        std::error_code failed;
        if (!first_.put(std::move(item), until, failed)) return false;
        accepted_.insert(item.called());
        return true;
      });
      pause();
    }
  }

  /// Notes when one is lost with its carrier, who was killed.
  struct carrier {
    explicit carrier(mixed_program& in, parcel&& taken)
        : of(in), item(std::move(taken)) {}
    carrier(const carrier&) = delete;
    carrier& operator=(const carrier&) = delete;
    ~carrier() {
      if (item.has_content()) of.dropped_.insert(item.called());
    }
    mixed_program& of;
    parcel item;
  };

  void work() {
    for (int i = 0; i < 8; ++i) {
      attempt([&](deadline until) { return select_one(until); });
      pause();
    }
  }

  bool select_one(deadline until) {
    auto take = from(first_, [this](parcel&& got) { hand_on(std::move(got)); });
    auto meet = from(meeting_, [this](parcel&& got) { store(std::move(got)); });
    auto obey = when(flag_, [this] { flag_.clear(); });
    auto tool = when(tools_, [this] { use_tool(); });
    auto ring = when(clock_, [this] { clock_.cancel(); });
    std::array<select_case*, 5> cases{&take, &meet, &obey, &tool, &ring};
    std::shuffle(cases.begin(), cases.end(),
                 std::minstd_rand(static_cast<unsigned>(random_.below(999))));
    std::optional<std::size_t> chosen;
    {
      const counted here{selecting_};
      chosen = choose(cases, until);
    }
    if (chosen) cases[*chosen]->handle();
    return chosen.has_value();
  }

  void hand_on(parcel&& got) {
    carrier with{*this, std::move(got)};
    std::error_code failed;
    {
      const counted here{meeting_putters_};
      if (meeting_.put(std::move(with.item), random_.pause(), failed)) return;
    }
    store(std::move(with.item));
  }

  void store(parcel&& got) {
    carrier with{*this, std::move(got)};
    if (random_.one_in(3)) sleep(random_.pause());
    last_.put(std::move(with.item));
  }

  void use_tool() {
    check(tools_.try_acquire(), "select: there was no tool");
    const std::unique_lock scope{tools_, std::adopt_lock};
    const counted here{used_};
    check(used_ <= tool_count_, "more tools are used than there are");
    pause();
  }

  void disturb() override {
    anywhere([this] {
      switch (random_.below(3)) {
      case 0:
        return flag_.set();
      case 1:
        return clock_.set(random_.pause());
      default:
        while (auto got = last_.try_get())
          deliver(*got);
      }
    });
  }

  void deliver(const parcel& item) {
    check(item.has_content(), "an item came without its content");
    check(delivered_.insert(item.called()).second, "an item came twice");
  }

  void check_at_rest() override {
    check(selecting_ == 0 ||
              !(first_.ready() || meeting_.ready() || flag_.ready() ||
                tools_.ready() || clock_.ready()),
          "a select was forgotten");
    check(filling_ == 0 || first_.full(), "a putter was forgotten");
    check(tools_.count() == tool_count_ - used_, "the tools' count is wrong");
    check(meeting_.balance() == meeting_putters_, "a meeting's count is wrong");
  }

  void check_at_end() override {
    check(selecting_ + filling_ + meeting_putters_ == 0, "a call is left open");
    while (auto left = first_.try_get())
      deliver(*left);
    while (auto left = last_.try_get())
      deliver(*left);
    for (const name& called : dropped_)
      check(delivered_.insert(called).second, "an item was in two places");
    check(delivered_ == accepted_, "an item was lost or came from nowhere");
    check(first_.watchers().empty() && meeting_.watchers().empty() &&
              flag_.watchers().empty() && tools_.watchers().empty() &&
              clock_.watchers().empty(),
          "somebody was left in an object");
  }

  const int tool_count_ = 1 + random_.below(2);
  queue<parcel> first_;
  channel<parcel> meeting_;
  queue<parcel> last_;
  semaphore tools_;
  event flag_;
  alarm_clock clock_;
  int senders_ = 0;
  int filling_ = 0;
  int selecting_ = 0;
  int meeting_putters_ = 0;
  int used_ = 0;
  std::set<name> accepted_;
  std::set<name> delivered_;
  std::set<name> dropped_;
};

} // namespace

void mixed(dice& random) {
  run<mixed_program>(random);
}

} // namespace stress
