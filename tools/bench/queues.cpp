#include "bare.hpp"
#include "boost_fiber.hpp"
#include "harness.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/channel.hpp>
#include <greenroom/mailbox/queue.hpp>

#include <deque>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

using namespace greenroom;

void expect(bool came_back) {
  if (!came_back) throw std::logic_error("a wrong item came back");
}

figure queue_ping_pong(const setting& how) {
  return each_in_greenlet(how(3'000'000), [](long count) {
    queue<long> there{1};
    queue<long> back{1};
    const auto other = spawn([&] {
      for (long i = 0; i < count; ++i)
        back.put(there.get());
    });
    for (long i = 0; i < count; ++i) {
      there.put(i);
      expect(back.get() == i);
    }
    other.join();
  });
}

/// Nobody waits: what a queue costs beyond its container.
figure queue_put_get(const setting& how) {
  return each_in_greenlet(how(30'000'000), [](long count) {
    queue<long> items;
    for (long i = 0; i < count; ++i) {
      items.put(i);
      expect(items.get() == i);
    }
  });
}

figure deque_push_pop(const setting& how) {
  return each_of(how(30'000'000), [](long count) {
    std::deque<long> items;
    for (long i = 0; i < count; ++i) {
      items.push_back(i);
      keep(items);
      expect(items.front() == i);
      items.pop_front();
    }
  });
}

/// A put that finds a getter waiting, and the switches to it and back.
figure queue_put_wakes(const setting& how) {
  return each_in_greenlet(how(5'000'000), [](long count) {
    queue<long> items;
    const auto getter = spawn([&] {
      for (long i = 0; i < count; ++i)
        expect(items.get() == i);
    });
    greenroom::yield();
    for (long i = 0; i < count; ++i) {
      items.put(i);
      greenroom::yield();
    }
    getter.join();
  });
}

/// There and back are two messages, each from hand to hand.
figure channel_ping_pong(const setting& how) {
  const figure round = each_in_greenlet(how(3'000'000), [](long count) {
    channel<long> there;
    channel<long> back;
    const auto other = spawn([&] {
      for (long i = 0; i < count; ++i)
        back.put(there.get());
    });
    for (long i = 0; i < count; ++i) {
      there.put(i);
      expect(back.get() == i);
    }
    other.join();
  });
  return {round.value / 2};
}

} // namespace

std::vector<row> queue_rows() {
  const std::vector<yardstick> jump_pair{
      {"fcontext jump pair", &bare_jump_pair}};
  const auto unbuffered = boost_fiber("unbuffered_channel");
  const goal third = unbuffered.empty() ? goal{} : goal{goal_kind::ratio, 0.33};
  return {
      {"queue_ping_pong",
       "ns per round trip",
       {},
       &queue_ping_pong,
       boost_fiber("buffered_channel, there and back") + jump_pair},
      {"queue_put_get",
       "ns per item, no wait",
       {},
       &queue_put_get,
       boost_fiber("buffered_channel") +
           std::vector<yardstick>{{"std::deque push, pop", &deque_push_pop}}},
      {"queue_put_wakes",
       "ns per item, getter waits",
       {},
       &queue_put_wakes,
       boost_fiber("buffered_channel, waking") + jump_pair},
      {"channel_ping_pong", "ns per message", third, &channel_ping_pong,
       unbuffered + jump_pair},
  };
}

} // namespace bench
