// hub::join: waiting until nothing is left to do.

#include "support.hpp"

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/signal.hpp>
#include <greenroom/hub/timeout.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <csignal>
#include <memory>
#include <stdexcept>
#include <thread>

using namespace greenroom;
using namespace std::chrono_literals;
using test::in_hub;
using test::time_of;

TEST_CASE("hub::join returns at once when there is nothing to do") {
  in_hub([] {
    CHECK(time_of([] { CHECK(hub::current().join()); }) == 0ns);
    CHECK(hub::current().join(1s));
    CHECK(hub::current().join()); // and may be called again
  });
}

// GEVENT.md 3.2, 57
TEST_CASE("hub::join waits for greenlets and timers, and for nothing else") {
  in_hub([] {
    int ended = 0;
    for (auto time : {1s, 3s, 2s})
      spawn([&ended, time] {
        sleep(time);
        ++ended;
      });
    CHECK(time_of([] { CHECK(hub::current().join()); }) == 3s);
    CHECK(ended == 3);
  });
}

TEST_CASE("the limit of hub::join is no work to wait for") {
  in_hub([] {
    spawn([] { sleep(1s); });
    CHECK(time_of([] { CHECK(hub::current().join(1h)); }) == 1s);
  });
}

// GEVENT.md 3.2, 57
TEST_CASE("hub::join is false when its time is over, and may be repeated") {
  in_hub([] {
    spawn([] { sleep(3s); });
    CHECK(time_of([] { CHECK_FALSE(hub::current().join(1s)); }) == 1s);
    CHECK(time_of([] { CHECK_FALSE(hub::current().join(1s)); }) == 1s);
    CHECK(time_of([] { CHECK(hub::current().join(5s)); }) == 1s);
  });
}

// GEVENT.md 3.2, 57
TEST_CASE("hub::join waits for a delayed start until that is cancelled, and "
          "not for the handlers of signals") {
  in_hub([] {
    auto handler = on_signal(SIGHUP, [] {});
    for (int i = 0; i < 2; ++i) {
      const auto later = spawn_later(10s, [] {});
      CHECK(time_of([] { CHECK_FALSE(hub::current().join(1s)); }) == 1s);
      later.kill();
      CHECK(time_of([] { CHECK(hub::current().join()); }) == 0s);
    }
    handler.cancel();
  });
}

TEST_CASE("hub::join does not wait for who waits for ever") {
  in_hub([] {
    wait_list gate;
    auto stuck = spawn([&] { gate.wait({}, "gate", nullptr); });
    CHECK(hub::current().join());
    CHECK_FALSE(stuck.dead());
    stuck.kill();
  });
}

TEST_CASE("a timeout and a kill pass through hub::join") {
  in_hub([] {
    auto sleeper = spawn([] { sleep(10s); });
    timeout limit{1s};
    CHECK_FALSE(limit.run([] { hub::current().join(); }));
    spawn([] { hub::current().main_greenlet().kill_soon(); });
    CHECK_THROWS_AS(hub::current().join(), greenlet_exit);
    sleeper.kill();
  });
}

TEST_CASE("hub::join waits for operations of Asio and for work guards") {
  test::in_hub_on(clock_kind::real, [] {
    bool ran = false;
    asio::steady_timer timer(hub::current().context(), 1ms);
    timer.async_wait([&](const asio::error_code&) { ran = true; });
    CHECK(hub::current().join(1h));
    CHECK(ran);

    std::thread other;
    {
      bool posted = false;
      auto guard = std::make_unique<work_guard>();
      other = std::thread([&, &here = hub::current()] {
        here.post([&] {
          posted = true;
          guard.reset();
        });
      });
      CHECK(hub::current().join());
      CHECK(posted);
    }
    other.join();
  });
}

TEST_CASE("hub::join is for the main greenlet") {
  in_hub([] {
    spawn([] {
      CHECK_THROWS_AS(hub::current().join(), std::logic_error);
    }).join();
  });
}
