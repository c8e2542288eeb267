// What a greenlet tells at its end. See greenlet.hpp.

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>

#include <chrono>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::failure;
using test::in_hub;

namespace {

any_greenlet sleeps(std::chrono::nanoseconds time) {
  return spawn([time] { sleep(time); });
}

any_greenlet fails_after(std::chrono::nanoseconds time, const char* text) {
  return spawn([=] {
    sleep(time);
    throw failure(text);
  });
}

} // namespace

TEST_SUITE("hub") {
  TEST_CASE("links are called in order with the ended greenlet") {
    in_hub([] {
      std::string order;
      const auto target = sleeps(1s);
      for (char name = 'a'; name <= 'c'; ++name)
        target.link([&order, name, target](greenlet_base& ended) {
          CHECK(&ended == &*target);
          CHECK(ended.dead());
          order += name;
        });
      target.join();
      CHECK(order == "abc");
    });
  }

  // GEVENT.md 3.2, 7
  TEST_CASE("a thousand links run in order before join returns") {
    in_hub([] {
      std::vector<int> called;
      const auto target = sleeps(1s);
      for (int i = 0; i < 1000; ++i)
        target.link([&called, i](greenlet_base&) { called.push_back(i); });
      target.join();
      std::vector<int> expected(1000);
      std::iota(expected.begin(), expected.end(), 0);
      CHECK(called == expected);
    });
  }

  TEST_CASE("links added before its turn are called before join returns, "
            "also for one killed before it began") {
    in_hub([] {
      std::string order;
      const auto target = sleeps(1s);
      target.link([&](greenlet_base&) { order += 'l'; });
      target.kill();
      order += 'k';
      CHECK(order == "lk");
    });
  }

  TEST_CASE("a link may wait") {
    in_hub([] {
      bool done = false;
      spawn([] {}).link([&](greenlet_base&) {
        sleep(1s);
        done = true;
      });
      sleep(2s);
      CHECK(done);
    });
  }

  TEST_CASE("a link on a dead greenlet is called, though not at once") {
    in_hub([] {
      const auto target = spawn([] {});
      target.join();
      int called = 0;
      target.link([&](greenlet_base&) { ++called; });
      target.link([&](greenlet_base&) { ++called; });
      CHECK(called == 0);
      idle();
      CHECK(called == 2);
      target.link([&](greenlet_base&) { ++called; });
      idle();
      CHECK(called == 3);
    });
  }

  // GEVENT.md 3.2, 13
  TEST_CASE("only the links that fit the way it ended are called") {
    in_hub([] {
      const auto ends = [](const any_greenlet& target) {
        std::string called;
        target.link([&](greenlet_base&) { called += "any "; });
        target.link_value([&](greenlet_base&) { called += "value "; });
        target.link_exception([&](greenlet_base&) { called += "error "; });
        target.join();
        idle();
        return called;
      };
      CHECK(ends(sleeps(1s)) == "any value ");
      CHECK(ends(fails_after(1s, "")) == "any error ");
      const auto victim = sleeps(1h);
      victim.kill_soon();
      CHECK(ends(victim) == "any value ");
    });
  }

  TEST_CASE("a link that was removed is not called") {
    in_hub([] {
      std::string order;
      const auto target = sleeps(1s);
      target.link([&](greenlet_base&) { order += 'a'; });
      const link_id removed =
          target.link([&](greenlet_base&) { order += 'b'; });
      target.link([&](greenlet_base&) { order += 'c'; });
      target.unlink(removed);
      target.unlink(removed);
      target.join();
      CHECK(order == "ac");
    });
  }

  TEST_CASE("removing a link that was called already does nothing") {
    in_hub([] {
      const auto target = spawn([] {});
      int called = 0;
      const link_id first = target.link([&](greenlet_base&) { ++called; });
      target.join();
      // Whatever takes the memory of the first must not be removed for it.
      std::vector<any_greenlet> several;
      target.link([&](greenlet_base&) { ++called; });
      target.unlink(first);
      idle();
      CHECK(called == 2);
    });
  }

  TEST_CASE("an old link's name does not remove somebody who joins") {
    in_hub([] {
      const auto target = sleeps(1s);
      std::vector<link_id> gone;
      for (int i = 0; i < 64; ++i)
        gone.push_back(target.link([](greenlet_base&) {}));
      for (const link_id each : gone)
        target.unlink(each);
      const auto joiner = spawn([&] {
        return joinall(std::vector<any_greenlet>(16, target)).size();
      });
      yield();
      for (const link_id each : gone)
        target.unlink(each);
      CHECK(joiner.get() == 16);
    });
  }

  // GEVENT.md 3.2, 9
  TEST_CASE("links that throw do not stop the others") {
    test::captured_log log;
    in_hub([] {
      for (const auto& target : {sleeps(1s), fails_after(1s, "its own")}) {
        std::string order;
        for (const char* name : {"first", "second"})
          target.link([&order, name](greenlet_base&) {
            order += name + std::string(" ");
            throw failure(name + std::string(" link"));
          });
        target.link([&](greenlet_base&) { order += "third"; });
        target.join();
        CHECK(order == "first second third");
      }
    });
    CHECK(log.count("first link") == 2);
    CHECK(log.count("second link") == 2);
  }

  // GEVENT.md 3.2, 10
  TEST_CASE("a link that an earlier one removed is not called") {
    test::captured_log log;
    in_hub([] {
      std::string order;
      const auto target = sleeps(1s);
      link_id second{};
      target.link([&](greenlet_base& ended) {
        order += "first ";
        ended.unlink(second);
        throw failure("in a link");
      });
      second = target.link([&](greenlet_base&) { order += "second "; });
      SUBCASE("when another one follows") {
        target.link([&](greenlet_base&) { order += "third "; });
      }
      SUBCASE("when somebody joins after it") {
        spawn([&] {
          target.join();
          order += "third ";
        });
      }
      SUBCASE("when it is the last") {
        spawn_later(2s, [&] { order += "third "; });
      }
      sleep(3s);
      CHECK(order == "first third ");
      target.link([&](greenlet_base&) { order += "late"; });
      target.join();
      CHECK(order == "first third late");
    });
    CHECK(log.count("in a link") == 1);
  }

  TEST_CASE("a link that waits does not hold up the next ones") {
    in_hub([] {
      std::string order;
      const auto target = sleeps(1s);
      for (const auto& time : {3s, 1s, 2s})
        target.link([&order, time](greenlet_base&) {
          order += 'b';
          sleep(time);
          order += std::to_string(time.count());
        });
      target.join();
      CHECK(order == "bbb");
      sleep(3s);
      CHECK(order == "bbb123");
    });
  }

  TEST_CASE("a link may go on waiting when its greenlet is gone") {
    class declared : public greenlet_base {
      void run() override {}
    };
    in_hub([] {
      bool done = false;
      auto one = std::make_unique<declared>();
      one->link([&](greenlet_base&) {
        sleep(1s);
        done = true;
      });
      one->start();
      one->join();
      one.reset();
      sleep(2s);
      CHECK(done);
    });
  }

  TEST_CASE("a link may add links and have them called") {
    in_hub([] {
      std::string order;
      const auto target = sleeps(1s);
      target.link([&](greenlet_base& ended) {
        order += 'a';
        ended.link([&](greenlet_base&) { order += 'c'; });
      });
      target.link([&](greenlet_base&) { order += 'b'; });
      target.join();
      idle();
      CHECK(order == "abc");
    });
  }
}
