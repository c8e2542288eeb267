#include "boost_fiber.hpp"
#include "harness.hpp"

#include <greenroom/mailbox/async_result.hpp>
#include <greenroom/mailbox/lock.hpp>
#include <greenroom/mailbox/semaphore.hpp>

#include <stdexcept>

namespace bench {
namespace {

using namespace greenroom;

figure semaphore_uncontended(const setting& how) {
  return each_in_greenlet(how(100'000'000), [](long count) {
    semaphore one{1};
    for (long i = 0; i < count; ++i) {
      one.acquire();
      keep(one);
      one.release();
    }
  });
}

figure lock_uncontended(const setting& how) {
  return each_in_greenlet(how(100'000'000), [](long count) {
    lock mutex;
    for (long i = 0; i < count; ++i) {
      mutex.lock();
      keep(mutex);
      mutex.unlock();
    }
  });
}

/// Made, set and read: nobody waits.
figure result_set_get(const setting& how) {
  return each_in_greenlet(how(10'000'000), [](long count) {
    for (long i = 0; i < count; ++i) {
      async_result<long> result;
      async_result<long> setter = result;
      setter.set(i);
      if (result.get() != i) throw std::logic_error("a wrong value");
    }
  });
}

} // namespace

std::vector<row> sync_rows() {
  return {
      {"semaphore",
       "ns per acquire and release",
       {},
       &semaphore_uncontended,
       boost_fiber("mutex")},
      {"lock",
       "ns per lock and unlock",
       {},
       &lock_uncontended,
       boost_fiber("recursive_mutex")},
      {"result_set_get",
       "ns per result",
       {},
       &result_set_get,
       boost_fiber("promise, future")},
  };
}

} // namespace bench
