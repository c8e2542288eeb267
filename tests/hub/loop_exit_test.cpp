#include "hub/support.hpp"

#include <greenroom/hub/timeout.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;
using test::in_hub_on;
using test::time_of;

TEST_SUITE("hub") {
  TEST_CASE("a wait that nothing can end throws loop_exit in main") {
    in_hub([] {
      wait_list never;
      CHECK_THROWS_AS(never.wait({}, "never", &never), loop_exit);
      CHECK(never.empty());
    });
  }

  TEST_CASE("loop_exit lists who waits on what") {
    in_hub([] {
      wait_list gate;
      const auto guard = spawn({.name = "guard"},
                               [&] { gate.wait({}, "gate::watch", &gate); });
      const std::string text = error_of([&] { guard.join(); });
      CHECK(text.find("greenroom::loop_exit: this wait can never end") == 0);
      CHECK(text.find("\n  'main' waits in join on 0x") != std::string::npos);
      CHECK(text.find("\n  'guard' waits in gate::watch on 0x") !=
            std::string::npos);
      guard.kill();
    });
  }

  TEST_CASE("the hub is usable after a loop_exit") {
    in_hub([] {
      wait_list list;
      for (int i = 0; i < 3; ++i)
        CHECK_THROWS_AS(list.wait({}, "list", nullptr), loop_exit);
      CHECK(spawn([] {
              sleep(1s);
              return 5;
            }).get() == 5);
    });
  }

  TEST_CASE("who waited for ever is found again after a loop_exit") {
    in_hub([] {
      wait_list list;
      const auto waiter = spawn([&] { return list.wait({}, "list", nullptr); });
      CHECK_THROWS_AS(waiter.join(), loop_exit);
      list.wake_one();
      CHECK(waiter.get());
    });
  }

  TEST_CASE("loop_exit comes when the last sleeper has ended") {
    in_hub([] {
      wait_list list;
      spawn([] { sleep(50ms); });
      CHECK(time_of([&] {
              CHECK_THROWS_AS(list.wait({}, "list", nullptr), loop_exit);
            }) == 50ms);
    });
  }

  TEST_CASE("a deadline or a timeout keeps a wait from loop_exit") {
    in_hub([] {
      wait_list list;
      CHECK_FALSE(list.wait(1s, "list", nullptr));
      timeout_scope limit{1s};
      CHECK_THROWS_AS(list.wait({}, "list", nullptr), timeout_expired);
    });
  }

  TEST_CASE("joining a greenlet that nobody starts is a loop_exit") {
    in_hub([] {
      struct idler : greenlet_base {
        void run() override {}
      } never_started;
      CHECK_THROWS_AS(never_started.join(), loop_exit);
    });
  }

  TEST_CASE("a shield does not hide a loop_exit") {
    in_hub([] {
      wait_list list;
      const shield guard;
      CHECK_THROWS_AS(list.wait({}, "list", nullptr), loop_exit);
      CHECK(time_of([] { sleep(1s); }) == 1s);
    });
  }

  TEST_CASE("a kill that a shield holds back outlives a loop_exit") {
    in_hub([] {
      wait_list list;
      {
        const shield guard;
        current().kill_soon();
        CHECK_THROWS_AS(list.wait({}, "list", nullptr), loop_exit);
      }
      CHECK_THROWS_AS(sleep(1s), greenlet_exit);
    });
  }

  TEST_CASE("a loop_exit may be thrown inside a catch block") {
    in_hub([] {
      wait_list list;
      try {
        throw 1;
      } catch (int) {
        CHECK_THROWS_AS(list.wait({}, "list", nullptr), loop_exit);
      }
    });
  }

  TEST_CASE("nobody waits on the main greenlet alone") {
    in_hub([] {
      const auto waiter = spawn([] { hub::current().main_greenlet().join(); });
      CHECK_THROWS_AS(waiter.join(), loop_exit);
      waiter.kill();
    });
  }

  TEST_CASE("a work_guard keeps a wait until another thread posts") {
    in_hub([] {
      wait_list list;
      hub& here = hub::current();
      const work_guard guard;
      std::thread other([&] { here.post([&] { list.wake_one(); }); });
      CHECK(list.wait({}, "list", nullptr));
      other.join();
    });
  }

  TEST_CASE("a work_guard may be given up by another thread") {
    in_hub([] {
      wait_list list;
      std::optional<work_guard> guard{std::in_place};
      std::thread other([&] { guard.reset(); });
      CHECK_THROWS_AS(list.wait({}, "list", nullptr), loop_exit);
      other.join();
    });
  }

  TEST_CASE("work guards are counted") {
    in_hub([] {
      wait_list list;
      hub& here = hub::current();
      {
        const work_guard one;
        const work_guard two{here};
      }
      CHECK_THROWS_AS(list.wait({}, "list", nullptr), loop_exit);
      const work_guard again;
      std::thread other([&] { here.post([&] { list.wake_one(); }); });
      CHECK(list.wait({}, "list", nullptr));
      other.join();
    });
  }

  TEST_CASE("an Asio handler that is still to come keeps a wait") {
    in_hub([] {
      wait_list list;
      asio::post(hub::current().context(), [&] { list.wake_one(); });
      CHECK(list.wait({}, "list", nullptr));
      CHECK_THROWS_AS(list.wait({}, "list", nullptr), loop_exit);
    });
  }

  TEST_CASE("a limit that was not needed does not delay loop_exit") {
    in_hub_on(clock_kind::real, [] {
      wait_list list;
      with_timeout(1h, [] { sleep(1us); });
      CHECK_THROWS_AS(list.wait({}, "list", nullptr), loop_exit);
    });
  }

  TEST_CASE("a guard that ends elsewhere is no deadlock of what waits") {
    in_hub_on(clock_kind::real, [] {
      hub& here = hub::current();
      std::atomic<bool> enough{false};
      std::thread other([&] {
        while (!enough)
          work_guard guard{here};
      });
      bool threw = false;
      try {
        for (int i = 0; i < 2000; ++i)
          sleep(20us);
      } catch (const loop_exit&) {
        threw = true;
      }
      enough = true;
      other.join();
      CHECK_FALSE(threw);
    });
  }
}
