#include "bare.hpp"
#include "harness.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/hub/timer.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <sys/eventfd.h>

#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <random>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

using namespace greenroom;
using namespace std::chrono_literals;

// --- greenlets ------------------------------------------------------------

/// Nanoseconds for one of the yields of `size` greenlets.
figure yields_among(int size, long rounds) {
  const figure round = each_of(rounds, [size](long count) {
    std::vector<any_greenlet> all;
    for (int i = 0; i < size; ++i)
      all.push_back(spawn([count] {
        for (long j = 0; j < count; ++j)
          greenroom::yield();
      }));
    joinall_or_throw(all);
  });
  return {round.value / size};
}

figure yield_among_100(const setting& how) {
  return yields_among(100, how(200'000));
}

figure switch_pair(const setting& how) {
  return {2 * yields_among(2, how(10'000'000)).value};
}

figure spawn_join(const setting& how) {
  return each_in_greenlet(how(3'000'000), [](long count) {
    long ran = 0;
    for (long i = 0; i < count; ++i)
      spawn([&ran] { ++ran; }).join();
    if (ran != count) throw std::logic_error("a greenlet did not run");
  });
}

// --- timers ---------------------------------------------------------------

constexpr long pending_timers = 1'000'000;
constexpr long measured_timers = 100'000;

/// Moments between one and a hundred seconds from now, in no order.
std::vector<steady_time> moments(long count, unsigned seed) {
  std::minstd_rand random{seed};
  std::uniform_int_distribution<long> nanoseconds(1'000'000'000,
                                                  100'000'000'000);
  const auto from = std::chrono::steady_clock::now();
  std::vector<steady_time> all;
  for (long i = 0; i < count; ++i)
    all.push_back(from + std::chrono::nanoseconds(nanoseconds(random)));
  return all;
}

figure timer_arm_cancel(const setting& how) {
  const auto others = moments(how(pending_timers), 1);
  const auto when = moments(how(measured_timers), 2);
  const auto fired = [](timer&) { std::terminate(); };
  hub& here = hub::current();
  std::deque<timer> pending;
  for (const steady_time each : others)
    here.arm(pending.emplace_back(fired), each);
  std::deque<timer> measured;
  for (std::size_t i = 0; i < when.size(); ++i)
    measured.emplace_back(fired);
  const figure done = each_of(static_cast<long>(when.size()), [&](long count) {
    for (long i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i) % when.size();
      here.arm(measured[at], when[at]);
    }
    for (long i = 0; i < count; ++i)
      timer_queue::cancel(measured[static_cast<std::size_t>(i) % when.size()]);
  });
  for (timer& each : pending)
    timer_queue::cancel(each);
  return done;
}

/// What follows a cancel, the handler's call, is left out.
figure asio_timer_arm_cancel(const setting& how) {
  const auto others = moments(how(pending_timers), 1);
  const auto when = moments(how(measured_timers), 2);
  asio::io_context loop{1};
  std::deque<asio::steady_timer> pending;
  for (const steady_time each : others)
    pending.emplace_back(loop, each).async_wait([](asio::error_code) {});
  std::deque<asio::steady_timer> measured;
  for (std::size_t i = 0; i < when.size(); ++i)
    measured.emplace_back(loop);
  const auto once = [&] {
    return nanoseconds([&] {
      for (std::size_t i = 0; i < when.size(); ++i) {
        measured[i].expires_at(when[i]);
        measured[i].async_wait([](asio::error_code) {});
      }
      for (asio::steady_timer& each : measured)
        each.cancel();
    });
  };
  once();
  loop.poll();
  return {once() / static_cast<double>(when.size())};
}

figure timeouts(const setting& how) {
  return each_in_greenlet(how(10'000'000), [](long count) {
    for (long i = 0; i < count; ++i) {
      const timeout_scope limit{5s};
      keep(limit);
    }
  });
}

figure clock_reading(const setting& how) {
  return each_of(how(10'000'000), [](long count) {
    for (long i = 0; i < count; ++i)
      keep(std::chrono::steady_clock::now());
  });
}

// --- Asio -----------------------------------------------------------------

struct reposted {
  void operator()() const {
    if (left > 0)
      asio::post(loop, reposted{loop, left - 1, at_end});
    else
      at_end();
  }
  asio::io_context& loop;
  long left;
  const std::function<void()>& at_end;
};

/// A handler that posts itself again, on the hub's context.
figure post_on_hub(const setting& how) {
  return each_in_greenlet(how(5'000'000), [](long count) {
    async_result<void> done;
    const std::function<void()> at_end = [&] { done.set(); };
    auto& loop = hub::current().context();
    asio::post(loop, reposted{loop, count, at_end});
    done.wait();
  });
}

figure post_on(asio::io_context& loop, long count) {
  return each_of(count, [&](long handlers) {
    const std::function<void()> at_end = [&] { loop.stop(); };
    asio::post(loop, reposted{loop, handlers, at_end});
    loop.restart();
    loop.run();
  });
}

figure post_on_asio(const setting& how) {
  asio::io_context loop{1};
  return post_on(loop, how(5'000'000));
}

/// As a hub has it: a descriptor is watched, so the loop polls in between.
figure post_on_polling_asio(const setting& how) {
  asio::io_context loop{1};
  asio::posix::stream_descriptor event{loop, eventfd(0, EFD_CLOEXEC)};
  event.async_wait(asio::posix::stream_descriptor::wait_read,
                   [](asio::error_code) {});
  return post_on(loop, how(5'000'000));
}

} // namespace

std::vector<row> micro_rows() {
  const auto at_most = [](double limit) {
    return goal{goal_kind::value, limit};
  };
  return {
      {"yield",
       "ns per yield, 100 greenlets",
       at_most(15),
       &yield_among_100,
       {{"fcontext jump pair", &bare_jump_pair},
        {"fcontext jump, FIFO of 100", &bare_jump_among_100}}},
      {"switch",
       "ns per pair, 2 greenlets",
       {},
       &switch_pair,
       {{"fcontext jump pair", &bare_jump_pair}}},
      {"spawn_join",
       "ns per greenlet",
       at_most(120),
       &spawn_join,
       {{"make_fcontext + jump pair", &bare_context}}},
      {"timer_arm_cancel",
       "ns, 1 M pending",
       at_most(20),
       &timer_arm_cancel,
       {{"asio::steady_timer", &asio_timer_arm_cancel}}},
      {"timeout_scope",
       "ns to arm + cancel",
       {},
       &timeouts,
       {{"steady_clock::now", &clock_reading}}},
      {"asio_post",
       "ns, on the hub's context",
       {},
       &post_on_hub,
       {{"io_context::run, polling", &post_on_polling_asio},
        {"io_context::run", &post_on_asio}}},
  };
}

} // namespace bench
