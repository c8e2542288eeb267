// Who spawned whom, and who is told of it.

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

using namespace greenroom;
using namespace std::chrono_literals;
using test::in_hub;

namespace {

class plain : public greenlet_base {
  void run() override {}
};

} // namespace

TEST_SUITE("hub") {
  // --- the spawner --------------------------------------------------------

  // GEVENT.md 3.2, 18
  TEST_CASE("a greenlet knows who made it, while that lives") {
    in_hub([] {
      CHECK_FALSE(current().spawner());
      any_greenlet child;
      const auto maker = spawn([&] {
        CHECK(&*current().spawner() == &hub::current().main_greenlet());
        child = spawn([] { sleep(3s); });
        plain unstarted;
        CHECK(&*unstarted.spawner() == &current());
        sleep(1s);
      });
      yield();
      CHECK(child->spawner() == maker);
      maker.join();
      CHECK(maker->spawner());
      CHECK_FALSE(child->spawner());
      child.join();
    });
  }

  TEST_CASE("what a hub callback makes has no spawner") {
    in_hub([] {
      any_greenlet made;
      hub::current().post([&] { made = spawn([] { sleep(1s); }); });
      idle();
      CHECK_FALSE(made->spawner());
      made.join();
    });
  }

  // --- spawn callbacks ----------------------------------------------------

  // GEVENT.md 3.2, 19
  TEST_CASE("a spawn callback is called once for every way to start one") {
    in_hub([] {
      hub& here = hub::current();
      std::string told;
      const auto id = here.add_spawn_callback(
          [&](greenlet_base& started) { told += started.name() + " "; });
      const auto now = spawn({.name = "now"}, [] {});
      CHECK(told == "now ");
      const auto next =
          spawn({.name = "next", .order = start_order::next}, [] {});
      CHECK(told == "now next ");
      told.clear();
      const auto later = spawn_later(1s, [] {});
      CHECK(told == later.name() + " ");
      told.clear();
      plain own;
      own.name("own");
      CHECK(told.empty());
      own.start();
      own.start();
      CHECK(told == "own ");
      later.join();
      here.remove_spawn_callback(id);
      here.remove_spawn_callback(id);
      spawn([] {}).join();
      own.join();
      CHECK(told == "own ");
    });
  }

  TEST_CASE("spawn callbacks are called in order, where a start happens") {
    in_hub([] {
      hub& here = hub::current();
      std::string order;
      const auto first = here.add_spawn_callback([&](greenlet_base& started) {
        CHECK(started.started());
        CHECK(here.running() == &*started.spawner());
        order += "first ";
      });
      const auto second =
          here.add_spawn_callback([&](greenlet_base&) { order += "second "; });
      spawn([&] { order += "ran "; }).join();
      CHECK(order == "first second ran ");
      here.remove_spawn_callback(first);
      order.clear();
      spawn([&] { order += "ran "; }).join();
      CHECK(order == "second ran ");
      here.remove_spawn_callback(second);
    });
  }

  TEST_CASE("a spawn callback may name, link and kill what is started") {
    in_hub([] {
      hub& here = hub::current();
      std::string trace;
      const auto id = here.add_spawn_callback([&](greenlet_base& started) {
        started.link(
            [&](greenlet_base& ended) { trace += ended.name() + " "; });
        if (started.name() != "innocent") started.kill_soon();
      });
      bool ran = false;
      const auto now = spawn({.name = "now"}, [&] { ran = true; });
      const auto next = spawn({.name = "next", .order = start_order::next},
                              [&] { ran = true; });
      const auto later = spawn_later(1h, [&] { ran = true; });
      plain own;
      own.name("own");
      own.start();
      const auto innocent = spawn({.name = "innocent"}, [] { return 1; });
      here.remove_spawn_callback(id);
      CHECK(innocent.get() == 1);
      for (const any_greenlet& each : {any_greenlet{now}, any_greenlet{next},
                                       any_greenlet{later}, any_greenlet{own}})
        CHECK(each.killed());
      CHECK_FALSE(ran);
      idle();
      CHECK(trace.find("next ") == 0);
      CHECK(trace.find("now ") != std::string::npos);
      CHECK(trace.find("own ") != std::string::npos);
    });
  }

  TEST_CASE("what a spawn callback throws is logged, and all goes on") {
    test::captured_log log;
    in_hub([] {
      hub& here = hub::current();
      int told = 0;
      const auto throws = here.add_spawn_callback(
          [](greenlet_base&) { throw std::runtime_error("not now"); });
      const auto waits =
          here.add_spawn_callback([](greenlet_base&) { sleep(1s); });
      const auto counts =
          here.add_spawn_callback([&](greenlet_base&) { ++told; });
      CHECK(spawn([] { return 1; }).get() == 1);
      CHECK(told == 1);
      for (const auto id : {throws, waits, counts})
        here.remove_spawn_callback(id);
      CHECK(test::time_of([] { sleep(1s); }) == 1s);
    });
    CHECK(log.count("a spawn callback threw std::runtime_error: not now") == 1);
    CHECK(log.count("a spawn callback threw greenroom::wait_refused") == 1);
  }

  TEST_CASE("a spawn callback may start greenlets, add and remove callbacks") {
    in_hub([] {
      hub& here = hub::current();
      int told = 0;
      int ran = 0;
      spawn_callback_id self{}, added{};
      self = here.add_spawn_callback([&](greenlet_base&) {
        ++told;
        spawn([&] { ++ran; }); // which nobody is told of
        here.remove_spawn_callback(self);
        added = here.add_spawn_callback([&](greenlet_base&) { told += 10; });
      });
      spawn([&] { ++ran; }).join();
      CHECK(told == 1);
      CHECK(ran == 2);
      spawn([&] { ++ran; }).join();
      CHECK(told == 11);
      here.remove_spawn_callback(added);
      spawn([&] { ++ran; }).join();
      CHECK(told == 11);
    });
  }

  TEST_CASE("spawn callbacks belong to one hub") {
    in_hub([] {
      hub& here = hub::current();
      int told = 0;
      const auto id = here.add_spawn_callback([&](greenlet_base&) { ++told; });
      std::thread([&] {
        spawn([] {}).join();
        CHECK_THROWS_AS(here.remove_spawn_callback(id), wrong_hub);
        CHECK_THROWS_AS(here.add_spawn_callback({}), wrong_hub);
      }).join();
      CHECK(told == 0);
      hub::current().post([] { spawn([] {}); });
      idle();
      CHECK(told == 1);
      here.remove_spawn_callback(id);
    });
  }
}
