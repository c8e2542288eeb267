// Several hubs. Wall time: the work is on two CPUs.

#include "counter.hpp"
#include "harness.hpp"
#include "ring.hpp"

#include <greenroom/actors/actor_on.hpp>
#include <greenroom/hub/hub_group.hpp>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace bench {
namespace {

using namespace greenroom;

hub_group_options pair_of(const setting& how) {
  hub_group_options options{.hubs = 2};
  if (how.cpu >= 0)
    options.at_start = [how](std::size_t number) {
      pin_to(number == 0 ? how.cpu : how.other_cpu);
    };
  return options;
}

// --- cross_hub_message ------------------------------------------------------

/// As `counting`, with the sender on one hub and the counter on another.
figure cross_hub_message(const setting& how) {
  const long count = how(10'000'000);
  hub_group hubs{pair_of(how)};
  const auto sink = spawn<counter>(on(hubs[1]));
  return wall_of(count, [&] {
    spawn_on(hubs[0], [sink, count] {
      count_in_batches(sink, 1024, count);
    }).get();
  });
}

// --- cross_hub_ping_pong ----------------------------------------------------

figure cross_hub_ping_pong(const setting& how) {
  const long count = how(200'000);
  hub_group hubs{pair_of(how)};
  const async_result<void> done;
  const work_guard outside;
  const auto a = spawn<passer>(on(hubs[0]), done);
  const auto b = spawn<passer>(on(hubs[1]), done);
  a.send(introduction{b});
  b.send(introduction{a});
  return wall_of(count, [&] {
    a.send(token{count});
    done.wait();
  });
}

/// Two threads that hand a number to and fro, and never sleep.
figure two_threads(const setting& how) {
  const long count = how(200'000);
  alignas(64) std::atomic<long> number{0};
  std::thread other([&] {
    if (how.cpu >= 0) pin_to(how.other_cpu);
    for (long i = 1; i < count; i += 2) {
      while (number.load(std::memory_order_acquire) != i) {
      }
      number.store(i + 1, std::memory_order_release);
    }
  });
  const figure done = wall_of(count, [&] {
    for (long i = 0; i < count; i += 2) {
      while (number.load(std::memory_order_acquire) != i) {
      }
      number.store(i + 1, std::memory_order_release);
    }
  });
  other.join();
  return done;
}

// --- two_hub_scaling --------------------------------------------------------

/// A ring of actors on each hub, with no word between them.
figure rings_on(const setting& how, std::size_t hubs_used) {
  const long hops = how(10'000'000);
  hub_group hubs{pair_of(how)};
  return wall_of(hops, [&] {
    std::vector<async_result<void>> all;
    for (std::size_t i = 0; i < hubs_used; ++i)
      all.push_back(spawn_on(
          hubs[i], [part = hops / long(hubs_used)] { run_ring(100, part); }));
    for (const auto& each : all)
      each.get();
  });
}

figure on_two_hubs(const setting& how) {
  return rings_on(how, 2);
}

figure on_one_hub(const setting& how) {
  return rings_on(how, 1);
}

} // namespace

std::vector<row> hub_rows() {
  return {
      {"cross_hub_message",
       "ns",
       {goal_kind::value, 50},
       &cross_hub_message,
       {}},
      {"cross_hub_ping_pong",
       "ns",
       {},
       &cross_hub_ping_pong,
       {{"two threads that spin", &two_threads}}},
      {"two_hub_scaling",
       "ns",
       {goal_kind::ratio, 1 / 1.9},
       &on_two_hubs,
       {{"the same on one hub", &on_one_hub}}},
  };
}

} // namespace bench
