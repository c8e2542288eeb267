#include "bare.hpp"
#include "harness.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/gather.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

using namespace greenroom;
using namespace std::chrono_literals;

// --- ping_pong, thread_ring -----------------------------------------------

struct token {
  long left;
};

class passer;

struct introduction {
  actor_ref<passer> to;
};

class passer : public actor<token, introduction> {
public:
  explicit passer(async_result<void>& done) : done_(done) {}

private:
  void receive(introduction neighbour) override { to_ = neighbour.to; }
  void receive(token passed) override {
    if (passed.left > 0)
      to_.send(token{passed.left - 1});
    else
      done_.set();
  }

  async_result<void>& done_;
  actor_ref<passer> to_;
};

figure ring_of(std::size_t size, long count) {
  return each_in_greenlet(count, [size](long hops) {
    async_result<void> done;
    std::vector<actor_ref<passer>> ring(size);
    for (auto& each : ring)
      each = spawn<passer>(done);
    for (std::size_t i = 0; i < size; ++i)
      ring[i].send(introduction{ring[(i + 1) % size]});
    yield();
    ring[0].send(token{hops});
    done.wait();
    for (const auto& each : ring)
      each.stop();
  });
}

figure ping_pong(const setting& how) {
  return ring_of(2, how(10'000'000));
}

figure thread_ring(const setting& how) {
  return ring_of(503, how(10'000'000));
}

// --- counting -------------------------------------------------------------

struct add {
  long number;
};
struct total {
  using reply = long;
};

class counter : public actor<add, total> {
  void receive(add one) override { total_ += one.number; }
  long receive(total) override { return total_; }
  long total_ = 0;
};

/// `most` messages, then an ask, until that is answered: so no more than
/// `most` are on their way.
figure count_in_batches_of(long most, long count) {
  return each_in_greenlet(count, [most](long messages) {
    const auto sink = spawn<counter>();
    long sent = 0;
    while (sent < messages) {
      for (long i = 0; i < most && sent < messages; ++i, ++sent)
        sink.send(add{1});
      if (sink.ask(total{}).get() != sent)
        throw std::logic_error("messages were lost");
    }
    sink.stop();
  });
}

figure counting(const setting& how) {
  return count_in_batches_of(1024, how(10'000'000));
}

figure counting_flood(const setting& how) {
  const long count = how(10'000'000);
  return count_in_batches_of(count, count);
}

// --- ask ------------------------------------------------------------------

struct question {
  using reply = long;
  long number;
};

class oracle : public actor<question> {
  long receive(question asked) override { return asked.number + 1; }
};

template <class Get>
figure asking(long count, Get&& get) {
  return each_in_greenlet(count, [&](long times) {
    const auto other = spawn<oracle>();
    for (long i = 0; i < times; ++i)
      if (get(other.ask(question{i})) != i + 1)
        throw std::logic_error("a wrong answer");
    other.stop();
  });
}

figure ask(const setting& how) {
  return asking(how(3'000'000),
                [](const auto& answer) { return answer.get(); });
}

figure ask_timeout(const setting& how) {
  return asking(how(3'000'000),
                [](const auto& answer) { return answer.get(5s); });
}

// --- spawn_stop_actor -----------------------------------------------------

class mayfly : public actor<add> {
public:
  explicit mayfly(long& sum) : sum_(sum) {}

private:
  void receive(add one) override { sum_ += one.number; }
  long& sum_;
};

/// A hundred at a time: spawned, told, stopped; then they run.
figure spawn_stop_actor(const setting& how) {
  return each_in_greenlet(how(1'000'000), [](long count) {
    long sum = 0;
    for (long made = 0; made < count;) {
      for (int i = 0; i < 100 && made < count; ++i, ++made) {
        const auto fresh = spawn<mayfly>(sum);
        fresh.send(add{1});
        fresh.stop();
      }
      yield();
    }
    if (sum != count) throw std::logic_error("messages were lost");
  });
}

// --- a million at once ------------------------------------------------------

struct million {
  double spawn; // ns each
  double message;
};

/// All of them live at once, and lie in memory as they were made.
million million_actors(long count) {
  return greenroom::spawn([count] {
           long sum = 0;
           std::vector<actor_ref<mayfly>> all;
           all.reserve(static_cast<std::size_t>(count));
           const double spawned = nanoseconds([&] {
             for (long i = 0; i < count; ++i) {
               all.push_back(spawn<mayfly>(sum));
               if (i % 1000 == 0) yield();
             }
             yield();
           });
           const double told = nanoseconds([&] {
             for (const auto& each : all)
               each.send(add{1});
             yield();
           });
           if (sum != count) throw std::logic_error("messages were lost");
           for (const auto& each : all)
             each.stop();
           yield();
           const auto each = static_cast<double>(count);
           return million{spawned / each, told / each};
         })
      .get();
}

figure million_spawn(const setting& how) {
  return {million_actors(how(1'000'000)).spawn};
}

figure million_message(const setting& how) {
  return {million_actors(how(1'000'000)).message};
}

// --- restart ----------------------------------------------------------------

/// Ends at each message, and is made anew for the next.
class phoenix : public actor<add, total> {
public:
  explicit phoenix(bool throws) : throws_(throws) {}

private:
  void receive(add) override {
    if (throws_) exit(exit_kind::shutdown);
    stop();
  }
  long receive(total) override { return 1; }
  bool throws_;
};

figure restarts(long count, bool throws) {
  return each_in_greenlet(count, [throws](long times) {
    supervisor tree{one_for_one, {.max_restarts = 1'000'000'000}};
    const auto bird = tree.add<phoenix>("bird", permanent, throws);
    tree.start();
    for (long i = 0; i < times; ++i) {
      bird.send(add{1});
      if (!throws) yield(); // what comes after `stop` is a dead letter
      if (bird.ask(total{}).get() != 1) throw std::logic_error("no answer");
    }
    tree.stop();
  });
}

figure restart(const setting& how) {
  return restarts(how(300'000), false);
}

figure restart_throw(const setting& how) {
  return restarts(how(300'000), true);
}

// --- gather -----------------------------------------------------------------

figure gather_100(const setting& how) {
  return each_in_greenlet(how(2'000'000), [](long count) {
    std::vector<actor_ref<oracle>> all(100);
    for (auto& each : all)
      each = spawn<oracle>();
    for (long asked = 0; asked < count; asked += 100)
      if (gather(all, question{asked}).size() != 100)
        throw std::logic_error("answers were lost");
    for (const auto& each : all)
      each.stop();
  });
}

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

std::vector<row> actor_rows() {
  const auto at_most = [](double limit) {
    return goal{goal_kind::value, limit};
  };
  return {
      {"ping_pong",
       "ns per message",
       at_most(15),
       &ping_pong,
       {{"bare message, 2 objects", &bare_message_pair},
        {"fcontext jump pair", &bare_jump_pair}}},
      {"thread_ring",
       "ns per hop, 503 actors",
       at_most(15),
       &thread_ring,
       {{"bare message, 503 objects", &bare_message_ring_503}}},
      {"counting",
       "ns per message, 1024 waiting",
       at_most(15),
       &counting,
       {{"bare message, the same", &bare_message_stream}}},
      {"counting_flood",
       "ns per message, 10 M waiting",
       {},
       &counting_flood,
       {{"bare message, the same", &bare_message_flood}}},
      {"ask",
       "ns per round trip",
       at_most(80),
       &ask,
       {{"2 bare messages + jumps", &bare_ask},
        {"fcontext jump pair", &bare_jump_pair}}},
      {"ask_timeout",
       "ns per round trip, 5 s limit",
       at_most(110),
       &ask_timeout,
       {{"2 bare messages + jumps", &bare_ask}}},
      {"spawn_stop_actor",
       "ns per actor, 1 message",
       at_most(150),
       &spawn_stop_actor,
       {{"bare new, message, delete", &bare_object}}},
      {"million_spawn",
       "ns per actor, of a million",
       {},
       &million_spawn,
       {{"bare new, message, delete", &bare_object}}},
      {"million_message",
       "ns per message, one to each",
       {},
       &million_message,
       {{"bare message, 10 M waiting", &bare_message_flood}}},
      {"restart",
       "ns per restart, end to first answer",
       at_most(1000),
       &restart,
       {{"bare new, message, delete", &bare_object}}},
      {"restart_throw",
       "ns per restart, throw to first answer",
       {},
       &restart_throw,
       {{"bare new, message, delete", &bare_object}}},
      {"gather",
       "ns per answer, 100 asked at once",
       {},
       &gather_100,
       {{"2 bare messages + jumps", &bare_ask}}},
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
