#include "mailbox/stress/programs.hpp"
#include "mailbox/stress/source_program.hpp"

#include <greenroom/mailbox/channel.hpp>
#include <greenroom/mailbox/select.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <set>
#include <utility>

namespace stress {
namespace {

class channel_program final : public source_program {
public:
  explicit channel_program(dice& random) : source_program(random) {}

private:
  void begin() override {
    add_some(5, [this] { put_some(); });
    add_some(5, [this] { get_some(); });
  }

  // --- putting -------------------------------------------------------------

  void put_one(name called) override {
    parcel item{called};
    bool done = false;
    try {
      if (random_.one_in(5))
        done = try_put(item);
      else
        done = attempt(
            [&](deadline until) { return !put_into(channel_, item, until); });
    } catch (const broken&) {
      throw;
    } catch (...) { // the greenlet is killed
      check(item.has_content(), "a kill ended a put whose item was taken");
      throw;
    }
    check(done == !item.has_content(), "put was wrong about its item");
  }

  bool try_put(parcel& item) {
    try {
      const bool done = channel_.try_put(std::move(item));
      if (done) handed_over_.insert(item.called());
      return done;
    } catch (const parcel::slipped&) {
      return false;
    }
  }

  // --- getting -------------------------------------------------------------

  void get_some() {
    for (int i = 0; i < 8; ++i) {
      get_one();
      pause();
    }
  }

  void get_one() {
    switch (random_.below(8)) {
    case 0:
      return try_get();
    case 1:
      attempt([&] { return loop(); });
      return;
    case 2:
      attempt([&](deadline until) { return select_one(until); });
      return;
    case 3:
      attempt([&](deadline until) { return wait_for_one(until); });
      return;
    default:
      attempt([&](deadline until) { return get(until); });
    }
  }

  bool get(deadline until) {
    const counted here{getting_};
    return !get_from(channel_, until,
                     [this](const parcel& got) { received(got); });
  }

  void try_get() {
    try {
      const auto got = channel_.try_get();
      if (got) received(*got);
    } catch (const parcel::slipped&) {
    }
  }

  bool loop() {
    const counted here{getting_};
    for (const parcel& each : channel_) {
      received(each);
      if (random_.one_in(3)) return true;
    }
    check(closed_, "a loop ended before the channel was shut");
    return false;
  }

  bool select_one(deadline until) {
    const counted here{watching_};
    return select(until,
                  from(
                      channel_, [this](const parcel& got) { received(got); },
                      [this] { check(closed_, "select: closed"); }))
        .has_value();
  }

  bool wait_for_one(deadline until) {
    const counted here{watching_};
    const bool ready = !wait({channel_}, until).empty();
    if (ready) try_get();
    return ready;
  }

  bool received(const parcel& item) {
    check(item.has_content(), "an item came without its content");
    check(taken_.insert(item.called()).second, "an item came twice");
    handed_over_.erase(item.called());
    return true;
  }

  // --- the rest ------------------------------------------------------------

  void disturb() override {
    anywhere([this] {
      if (ends_ && random_.one_in(6)) {
        closed_ = true;
        return channel_.shutdown();
      }
      parcel item{next_foreign()};
      random_.one_in(2) ? void(try_put(item)) : try_get();
    });
  }

  void check_at_rest() override {
    const int getters = getting_ + watching_;
    const int offers = putting_ + static_cast<int>(handed_over_.size());
    check(offers == 0 || getters == 0, "two sides wait for each other");
    check(!closed_ || putting_ + getters == 0, "shutdown forgot somebody");
    check(channel_.balance() == offers - getting_, "balance() is wrong");
    check(channel_.ready() == (offers > 0 || closed_), "ready() is wrong");
    check(channel_.drained() == (offers == 0 && closed_), "drained() is wrong");
    check(channel_.watchers().empty() == (getters == 0),
          "somebody stands in the channel who does not wait");
  }

  void check_at_end() override {
    check(putting_ + getting_ + watching_ == 0, "a call was left open");
    parcel::slippery = nullptr;
    while (const auto left = channel_.try_get())
      received(*left);
    check(handed_over_.empty(), "an item handed over was lost");
  }

  channel<parcel> channel_;
  std::set<name> handed_over_; // by try_put, and not taken
  int watching_ = 0;
  std::set<name> taken_;
};

} // namespace

void channels(dice& random) {
  run<channel_program>(random);
}

} // namespace stress
