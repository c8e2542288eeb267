#include "boost_fiber.hpp"

#ifdef GREENROOM_BENCH_BOOST_FIBER

#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/future.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/recursive_mutex.hpp>
#include <boost/fiber/unbuffered_channel.hpp>

#include <stdexcept>

namespace bench {
namespace {

namespace fibers = boost::fibers;

constexpr std::string_view prefix = "Boost.Fiber ";

void expect(bool came_back) {
  if (!came_back) throw std::logic_error("a wrong item came back");
}

/// Items go there and come back through two channels.
template <class Channel, class... Capacity>
figure round_trips(long full, Capacity... capacity) {
  return each_of(full, [capacity...](long count) {
    Channel there{capacity...};
    Channel back{capacity...};
    fibers::fiber other([&] {
      for (long i = 0; i < count; ++i)
        back.push(there.value_pop());
    });
    for (long i = 0; i < count; ++i) {
      there.push(i);
      expect(back.value_pop() == i);
    }
    other.join();
  });
}

figure fiber_unbuffered_channel(const setting& how) {
  return {round_trips<fibers::unbuffered_channel<long>>(how(1'000'000)).value /
          2};
}

constexpr std::size_t least_capacity = 2; // it holds one item less

figure fiber_buffered_ping_pong(const setting& how) {
  return round_trips<fibers::buffered_channel<long>>(how(1'000'000),
                                                     least_capacity);
}

figure fiber_push_pop(const setting& how) {
  return each_of(how(10'000'000), [](long count) {
    fibers::buffered_channel<long> items{64};
    for (long i = 0; i < count; ++i) {
      items.push(i);
      expect(items.value_pop() == i);
    }
  });
}

figure fiber_push_wakes(const setting& how) {
  return each_of(how(1'000'000), [](long count) {
    fibers::buffered_channel<long> items{64};
    fibers::fiber getter([&] {
      for (long i = 0; i < count; ++i)
        expect(items.value_pop() == i);
    });
    boost::this_fiber::yield();
    for (long i = 0; i < count; ++i) {
      items.push(i);
      boost::this_fiber::yield();
    }
    getter.join();
  });
}

template <class Mutex>
figure lock_unlock(const setting& how) {
  return each_of(how(30'000'000), [](long count) {
    Mutex mutex;
    for (long i = 0; i < count; ++i) {
      mutex.lock();
      keep(mutex);
      mutex.unlock();
    }
  });
}

figure promise_future(const setting& how) {
  return each_of(how(5'000'000), [](long count) {
    for (long i = 0; i < count; ++i) {
      fibers::promise<long> promise;
      fibers::future<long> future = promise.get_future();
      promise.set_value(i);
      expect(future.get() == i);
    }
  });
}

const yardstick known[] = {
    {"Boost.Fiber unbuffered_channel", &fiber_unbuffered_channel},
    {"Boost.Fiber buffered_channel, there and back", &fiber_buffered_ping_pong},
    {"Boost.Fiber buffered_channel", &fiber_push_pop},
    {"Boost.Fiber buffered_channel, waking", &fiber_push_wakes},
    {"Boost.Fiber mutex", &lock_unlock<fibers::mutex>},
    {"Boost.Fiber recursive_mutex", &lock_unlock<fibers::recursive_mutex>},
    {"Boost.Fiber promise, future", &promise_future},
};

} // namespace

std::vector<yardstick> boost_fiber(std::string_view what) {
  for (const yardstick& each : known)
    if (std::string_view(each.what).substr(prefix.size()) == what)
      return {each};
  throw std::logic_error("Boost.Fiber: no such work");
}

} // namespace bench

#else

namespace bench {

std::vector<yardstick> boost_fiber(std::string_view) {
  return {};
}

} // namespace bench

#endif
