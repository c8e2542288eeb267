#include "bare.hpp"
#include "counter.hpp"
#include "harness.hpp"
#include "ring.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/gather.hpp>
#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

using namespace greenroom;
using namespace std::chrono_literals;

// --- ping_pong, thread_ring -----------------------------------------------

figure ring_of(std::size_t size, long count) {
  return each_in_greenlet(count, [size](long hops) { run_ring(size, hops); });
}

figure ping_pong(const setting& how) {
  return ring_of(2, how(10'000'000));
}

figure thread_ring(const setting& how) {
  return ring_of(503, how(10'000'000));
}

// --- counting -------------------------------------------------------------

figure count_in_batches_of(long most, long count) {
  return each_in_greenlet(count, [most](long messages) {
    const auto sink = spawn<counter>();
    count_in_batches(sink, most, messages);
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
  };
}

} // namespace bench
