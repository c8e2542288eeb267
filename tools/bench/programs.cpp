// Whole programs of actors, as the Savina suite and others have them.

#include "bare.hpp"
#include "harness.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <algorithm>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

using namespace greenroom;

// --- big --------------------------------------------------------------------

struct big_ping {};
struct big_start {};

/// Sends so many pings to all in turn, some at a time.
class big_node : public actor<big_ping, big_start> {
public:
  big_node(std::vector<actor_ref<big_node>>& all, long& left, long pings,
           async_result<void>& done)
      : all_(all), left_(left), pings_(pings), done_(done) {}

private:
  void receive(big_ping) override {
    if (--left_ == 0) done_.set();
  }
  void receive(big_start again) override {
    for (int i = 0; i < 64 && pings_ > 0; ++i, --pings_)
      all_[next_++ % all_.size()].send(big_ping{});
    if (pings_ > 0) self().send(again);
  }

  std::vector<actor_ref<big_node>>& all_;
  long& left_;
  long pings_;
  std::size_t next_ = 0;
  async_result<void>& done_;
};

figure big(const setting& how) {
  return each_in_greenlet(how(2'400'000), [](long count) {
    constexpr long nodes = 120;
    const long pings = std::max(1L, count / nodes);
    long left = nodes * pings;
    async_result<void> done;
    std::vector<actor_ref<big_node>> all;
    for (long i = 0; i < nodes; ++i)
      all.push_back(spawn<big_node>(all, left, pings, done));
    for (const auto& each : all)
      each.send(big_start{});
    done.wait();
    for (const auto& each : all)
      each.stop();
    yield();
  });
}

// --- bank transactions ------------------------------------------------------

struct bank_deposit {
  using reply = void;
  double amount;
};
struct bank_transfer {
  using reply = void;
  double amount;
  std::size_t to;
};

/// Takes the money from itself and, in the middle of that, brings it to the
/// other account.
class bank_account : public actor<bank_deposit, bank_transfer> {
public:
  explicit bank_account(const std::vector<actor_ref<bank_account>>& all)
      : all_(all) {}

private:
  void receive(bank_deposit in) override { balance_ += in.amount; }
  void receive(bank_transfer out) override {
    balance_ -= out.amount;
    all_[out.to].ask(bank_deposit{out.amount}).get();
  }

  const std::vector<actor_ref<bank_account>>& all_;
  double balance_ = 0;
};

/// Savina's: a teller orders all transfers, each from an account to one of a
/// higher number, and waits for all replies.
figure bank_transaction(const setting& how) {
  return each_in_greenlet(how(200'000), [](long count) {
    constexpr std::size_t accounts = 1000;
    std::vector<actor_ref<bank_account>> all;
    all.reserve(accounts);
    for (std::size_t i = 0; i < accounts; ++i)
      all.push_back(spawn<bank_account>(all));
    std::minstd_rand random{1};
    std::vector<async_result<void>> done;
    done.reserve(static_cast<std::size_t>(count));
    for (long i = 0; i < count; ++i) {
      const std::size_t from = random() % (accounts / 10 * 8);
      const std::size_t to = from + 1 + random() % (accounts - from - 1);
      done.push_back(all[from].ask(bank_transfer{double(random() % 1000), to}));
    }
    for (const auto& each : done)
      each.get();
    for (const auto& each : all)
      each.stop();
    yield();
  });
}

// --- skynet -----------------------------------------------------------------

struct sky_sum {
  long of;
};

/// Makes ten more, down to the leaves, and sums up what they report. Depth
/// first: few live at a time.
class sky_node : public actor<sky_sum> {
public:
  sky_node(actor_ref<sky_node> parent, async_result<long>* whole, long first,
           long leaves)
      : parent_(parent), whole_(whole), first_(first), leaves_(leaves) {}

private:
  void on_start() override {
    if (leaves_ == 1) return report(first_);
    const long each = leaves_ / 10;
    const actor_ref<sky_node> here{key()};
    for (long i = 0; i < 10; ++i)
      spawn<sky_node>({.order = start_order::next}, here, nullptr,
                      first_ + i * each, each);
  }
  void receive(sky_sum part) override {
    total_ += part.of;
    if (++parts_ == 10) report(total_);
  }
  void report(long sum) {
    whole_ ? whole_->set(sum) : parent_.send(sky_sum{sum});
    stop();
  }

  actor_ref<sky_node> parent_;
  async_result<long>* whole_; // of the first
  long first_;
  long leaves_;
  long total_ = 0;
  int parts_ = 0;
};

long power_of_ten(long most) {
  long power = 1;
  while (power * 10 <= most)
    power *= 10;
  return power;
}

figure skynet(const setting& how) {
  return each_in_greenlet(power_of_ten(how(1'000'000)), [](long count) {
    const long leaves = power_of_ten(count); // fewer to warm up
    async_result<long> whole;
    spawn<sky_node>(actor_ref<sky_node>{}, &whole, 0L, leaves);
    if (whole.get() != leaves * (leaves - 1) / 2)
      throw std::logic_error("a wrong sum");
  });
}
} // namespace

std::vector<row> program_rows() {
  const auto at_most = [](double limit) {
    return goal{goal_kind::value, limit};
  };
  return {
      {"big",
       "ns per message, 120 to all",
       at_most(20),
       &big,
       {{"bare message, 503 objects", &bare_message_ring_503}}},
      {"bank_transaction",
       "ns per transfer, 1000 accounts",
       {},
       &bank_transaction,
       {{"2 bare messages + jumps", &bare_ask}}},
      {"skynet",
       "ns per leaf, of a million",
       at_most(250),
       &skynet,
       {{"bare new, message, delete", &bare_object}}},
  };
}

} // namespace bench
