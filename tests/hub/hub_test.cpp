#include "hub/support.hpp"

#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::at_exit;
using test::error_of;
using test::in_hub;
using test::in_hub_on;
using test::leftovers;
using test::time_of;

namespace {

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("hub") {
  // --- one hub a thread ---------------------------------------------------

  TEST_CASE("every thread has a hub of its own, made on first use") {
    in_hub([] {
      hub& here = hub::current();
      CHECK(&here == &hub::current());
      CHECK(hub::current_if_any() == &here);
      CHECK(&here.main_greenlet() == &current());
      in_hub([&] { CHECK(&hub::current() != &here); });
      hub* none = &here;
      std::thread([&] { none = hub::current_if_any(); }).join();
      CHECK(none == nullptr);
    });
  }

  TEST_CASE("hubs of several threads run at the same time") {
    std::atomic<int> sum{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        hub::current().use_clock(clock_kind::virtual_time);
        std::vector<any_greenlet> all;
        for (int n = 0; n < 50; ++n)
          all.push_back(spawn([&, n] {
            sleep(std::chrono::milliseconds(n));
            yield();
            sum += n;
          }));
        joinall(all);
      });
    for (std::thread& each : threads)
      each.join();
    CHECK(sum == 4 * 1225);
  }

  TEST_CASE("a greenlet of another thread's hub may not be joined or killed") {
    in_hub([] {
      const auto foreign = spawn([] {});
      in_hub([&] {
        CHECK(has(error_of([&] { foreign.join(); }),
                  "wrong_hub: a greenlet belongs to the hub of another "
                  "thread: use hub::post"));
        CHECK_THROWS_AS(foreign.kill(), wrong_hub);
        CHECK_THROWS_AS(foreign->kill_soon(), wrong_hub);
        CHECK_THROWS_AS(foreign.get(), wrong_hub);
        CHECK_THROWS_AS(foreign.link([](greenlet_base&) {}), wrong_hub);
      });
      CHECK(foreign.join());
    });
  }

  TEST_CASE("a wait_list of another thread's hub may not be waited on") {
    in_hub([] {
      wait_list foreign;
      in_hub([&] {
        CHECK_THROWS_AS(foreign.wait({}, "list", nullptr), wrong_hub);
      });
      CHECK(foreign.empty());
    });
  }

  // --- posting ------------------------------------------------------------

  TEST_CASE("what another thread posts runs in its order") {
    in_hub([] {
      hub& here = hub::current();
      std::vector<int> ran;
      const work_guard guard;
      wait_list done;
      std::thread other([&] {
        for (int i = 0; i < 100; ++i)
          here.post([&, i] { ran.push_back(i); });
        here.post([&] { done.wake_one(); });
      });
      done.wait({}, "done", nullptr);
      other.join();
      CHECK(ran.size() == 100);
      CHECK(std::is_sorted(ran.begin(), ran.end()));
    });
  }

  TEST_CASE("nothing is lost when four threads post at once") {
    constexpr int each_posts = 5000;
    in_hub([] {
      hub& here = hub::current();
      const work_guard guard;
      wait_list more;
      int ran = 0;
      int last[4] = {};
      bool in_order = true;
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
          for (int i = 1; i <= each_posts; ++i)
            here.post([&, t, i] {
              in_order &= last[t] == i - 1;
              last[t] = i;
              ++ran;
              more.wake_one();
            });
        });
      while (ran < 4 * each_posts)
        more.wait({}, "more", nullptr);
      for (std::thread& each : threads)
        each.join();
      CHECK(ran == 4 * each_posts);
      CHECK(in_order);
    });
  }

  TEST_CASE("two hubs wake each other over and over") {
    constexpr int rounds = 500;
    struct side {
      hub* home = nullptr;
      wait_list* bell = nullptr;
      int rung = 0; // home's thread only
    };
    side a, b;
    std::atomic<int> ready{0};
    const auto play = [&](side& own, side& other, bool begins) {
      wait_list bell;
      own = {&hub::current(), &bell, 0};
      const work_guard guard;
      ++ready;
      while (ready < 2)
        std::this_thread::yield();
      const auto ring = [&other] {
        other.home->post([&other] {
          ++other.rung;
          other.bell->wake_one();
        });
      };
      for (int i = 0; i < rounds; ++i) {
        if (begins) ring();
        while (own.rung <= i)
          bell.wait({}, "bell", nullptr);
        if (!begins) ring();
      }
      ++ready;
      while (ready < 4)
        std::this_thread::yield();
    };
    std::thread other([&] { play(b, a, false); });
    in_hub([&] { play(a, b, true); });
    other.join();
    CHECK(a.rung == rounds);
    CHECK(b.rung == rounds);
  }

  // GEVENT.md 3.2, 58
  TEST_CASE("a posted function that throws is logged and harms nobody") {
    test::captured_log log;
    in_hub([] {
      bool ran = false;
      hub::current().post([] { throw failure("posted"); });
      hub::current().post([&] { ran = true; });
      idle();
      CHECK(ran);
      CHECK(time_of([] { sleep(1s); }) == 1s);
    });
    CHECK(log.count("a posted function threw") == 1);
    CHECK(log.has("posted"));
  }

  TEST_CASE("a posted function may be one that can only be moved") {
    in_hub([] {
      auto owned = std::make_unique<int>(4);
      int seen = 0;
      hub::current().post([&, kept = std::move(owned)] { seen = *kept; });
      CHECK(seen == 0);
      idle();
      CHECK(seen == 4);
    });
  }

  TEST_CASE("a posted function may spawn, and what it spawns may wait") {
    in_hub([] {
      bool slept = false;
      hub::current().post([&] {
        spawn([&] {
          sleep(1s);
          slept = true;
        });
      });
      sleep(2s);
      CHECK(slept);
    });
  }

  // --- where no greenlet runs ---------------------------------------------

  TEST_CASE("there is no current greenlet in a hub callback") {
    in_hub([] {
      std::string error;
      hub::current().post([&] { error = error_of([] { current(); }); });
      idle();
      CHECK(has(error, "wait_refused: no greenlet runs inside a hub callback"));
      CHECK(hub::current().running() == &current());
    });
  }

  TEST_CASE("a waiting call is refused in a hub callback") {
    in_hub([] {
      std::string slept, yielded, limited;
      hub::current().post([&] {
        slept = error_of([] { sleep(1s); });
        yielded = error_of([] { yield(); });
        limited = error_of([] { timeout_scope limit{1s}; });
      });
      idle();
      CHECK(slept == "greenroom::wait_refused: sleep would wait inside a hub "
                     "callback, where no greenlet runs: spawn one for it");
      CHECK(has(yielded, "yield would wait inside a hub callback"));
      CHECK(has(limited, "wait_refused"));
      CHECK(time_of([] { sleep(1s); }) == 1s);
    });
  }

  TEST_CASE("a waiting call is refused in a no_wait scope, by name") {
    in_hub([] {
      const auto careless = spawn({.name = "careless"}, [] {
        const no_wait outer;
        { const no_wait inner; }
        return error_of([] { sleep(1s); });
      });
      CHECK(careless.get() ==
            "greenroom::wait_refused: greenlet 'careless': sleep would wait "
            "within a no_wait scope");
      CHECK(time_of([] { sleep(1s); }) == 1s);
    });
  }

  // --- Asio ---------------------------------------------------------------

  TEST_CASE("handlers on the hub's context run, and may spawn and wake") {
    in_hub([] {
      wait_list list;
      bool spawned = false;
      asio::post(hub::current().context(), [&] {
        spawn([&] { spawned = true; });
        list.wake_one();
      });
      list.wait({}, "list", nullptr);
      yield();
      CHECK(spawned);
    });
  }

  TEST_CASE("what came from outside together is made ready together") {
    in_hub_on(clock_kind::real, [] {
      std::string trace;
      wait_list left;
      wait_list right;
      asio::post(hub::current().context(), [&] { left.wake_one(); });
      asio::post(hub::current().context(), [&] { right.wake_one(); });
      const auto first = spawn([&] {
        left.wait({}, "left", nullptr);
        trace += "left ";
        yield();
        trace += "again ";
      });
      const auto second = spawn([&] {
        right.wait({}, "right", nullptr);
        trace += "right ";
      });
      first.join();
      second.join();
      CHECK(trace == "left right again ");
    });
  }

  // GEVENT.md 3.2, 58
  TEST_CASE("a handler that throws leaves the hub healthy") {
    test::captured_log log;
    in_hub([] {
      wait_list list;
      asio::post(hub::current().context(), [] { throw failure("handler"); });
      asio::post(hub::current().context(), [&] { list.wake_one(); });
      CHECK(list.wait({}, "list", nullptr));
      CHECK(time_of([] { sleep(1s); }) == 1s);
    });
    CHECK(log.count("a handler on the hub threw") == 1);
  }

  // GEVENT.md 3.2, 58
  TEST_CASE("timers whose handlers throw leave the hub healthy") {
    test::captured_log log;
    in_hub([] {
      for (int i = 1; i <= 10; ++i) {
        asio::steady_timer timer{hub::current().context(), 0s};
        bool rang = false;
        timer.async_wait([&](const asio::error_code&) {
          rang = true;
          throw failure("timer");
        });
        CHECK(time_of([] { sleep(1s); }) == 1s);
        CHECK(rang);
      }
    });
    CHECK(log.count("a handler on the hub threw") == 10);
  }

  TEST_CASE("an Asio timer may wake a greenlet") {
    in_hub_on(clock_kind::real, [] {
      wait_list list;
      asio::steady_timer timer{hub::current().context(), 1us};
      timer.async_wait([&](const asio::error_code&) { list.wake_one(); });
      CHECK(list.wait({}, "list", nullptr));
    });
  }

  TEST_CASE("an endless run of handlers starves no greenlet") {
    in_hub([] {
      bool stop = false;
      int handled = 0;
      struct again {
        static void post(bool& end, int& count) {
          asio::post(hub::current().context(), [&] {
            ++count;
            if (!end) post(end, count);
          });
        }
      };
      again::post(stop, handled);
      asio::post(hub::current().context(),
                 [&] { spawn([&] { stop = true; }); });
      while (!stop)
        yield();
      idle();
      CHECK(handled > 0);
    });
  }

  // --- poll ---------------------------------------------------------------

  TEST_CASE("poll runs what is ready or due and does not block") {
    in_hub_on(clock_kind::real, [] {
      std::string trace;
      spawn([&] { trace += "ready "; });
      spawn_later(0s, [&] { trace += "due "; });
      asio::post(hub::current().context(), [&] { trace += "handler "; });
      const auto later = spawn_later(1h, [&] { trace += "never "; });
      hub::current().poll();
      CHECK(has(trace, "ready "));
      CHECK(has(trace, "due "));
      CHECK(has(trace, "handler "));
      later.kill();
      CHECK_FALSE(has(trace, "never "));
    });
  }

  TEST_CASE("poll comes back although a greenlet keeps yielding") {
    in_hub_on(clock_kind::real, [] {
      const auto spinner = spawn([] {
        for (;;)
          yield();
      });
      hub::current().poll();
      CHECK(spinner.kill());
    });
  }

  TEST_CASE("virtual time cannot turn real again") {
    in_hub([] {
      sleep(1h);
      hub::current().use_clock(clock_kind::virtual_time);
      CHECK_THROWS_AS(hub::current().use_clock(clock_kind::real),
                      std::logic_error);
      sleep(1s);
    });
  }

  TEST_CASE("poll is for the main greenlet") {
    in_hub([] {
      const auto other =
          spawn([] { return error_of([] { hub::current().poll(); }); });
      CHECK(has(other.get(), "poll is for the main greenlet"));
    });
  }

  // --- shutdown -----------------------------------------------------------

  TEST_CASE("shutdown kills everybody in the order they were made") {
    in_hub([] {
      std::string trace;
      for (char name = 'a'; name <= 'd'; ++name)
        spawn([&trace, name] {
          at_exit mark{trace, std::string(1, name)};
          sleep(1h);
        });
      yield();
      spawn([&] { trace += "never"; });
      CHECK(time_of([] { CHECK(shutdown()); }) == 0s);
      CHECK(trace == "abcd");
      CHECK(hub::current().greenlets() == 1);
      CHECK(shutdown());
    });
  }

  TEST_CASE("shutdown first calls those who end what is theirs, the newest "
            "first, each once") {
    struct ending : hub_shutdown_link {
      ending(std::string& out, char mark)
          : hub_shutdown_link(&called), trace(out), name(mark) {}
      static void called(hub_shutdown_link& link, deadline until) {
        auto& self = static_cast<ending&>(link);
        CHECK_FALSE(self.standing());
        sleep_until(now() + 1s);
        CHECK_FALSE(until.is_never());
        self.trace += self.name;
      }
      std::string& trace;
      char name;
    };
    in_hub([] {
      std::string trace;
      hub& here = hub::current();
      ending a{trace, 'a'};
      auto b = std::make_unique<ending>(trace, 'b');
      ending c{trace, 'c'};
      ending late{trace, 'l'};
      for (ending* each : {&a, b.get(), &c})
        here.add_shutdown_link(*each);
      b.reset();
      spawn([&] {
        at_exit mark{trace, "killed"};
        here.add_shutdown_link(late);
        sleep(1h);
      });
      CHECK(time_of([] { CHECK(shutdown(1min)); }) == 3s);
      CHECK(trace == "clakilled");
      CHECK(time_of([] { CHECK(shutdown()); }) == 0s);
    });
  }

  TEST_CASE("shutdown leaves no link untold of one that has just ended") {
    in_hub([] {
      int told = 0;
      {
        auto ends = spawn([] {});
        ends.link([&](greenlet_base&) {
          ++told;
          spawn([&] { ++told; });
        });
      }
      yield();
      REQUIRE(told == 0);
      CHECK(shutdown());
      CHECK(told >= 1);
      CHECK(hub::current().greenlets() == 1);
    });
  }

  TEST_CASE("shutdown also ends what is spawned while it runs") {
    in_hub([] {
      std::string trace;
      spawn([&] {
        try {
          sleep(1h);
        } catch (...) {
          spawn([&] {
            at_exit mark{trace, "second "};
            sleep(1h);
          });
          trace += "first ";
          throw;
        }
      });
      yield();
      CHECK(shutdown());
      CHECK(hub::current().greenlets() == 1);
      CHECK(has(trace, "first "));
    });
  }

  TEST_CASE("a shutdown that runs out of time names who is left") {
    test::captured_log log;
    in_hub([] {
      const auto stubborn = spawn({.name = "stubborn"}, [] {
        const shield guard;
        sleep(10s);
      });
      spawn([] { sleep(1h); });
      yield();
      CHECK(time_of([] { CHECK_FALSE(shutdown(2s)); }) == 2s);
      CHECK(hub::current().greenlets() == 2);
      CHECK(time_of([] { CHECK(shutdown(1h)); }) == 8s);
      CHECK(stubborn.dead());
    });
    CHECK(log.count("shutdown ran out of time") == 1);
    CHECK(log.count("'stubborn' waits in sleep") == 1);
  }

  TEST_CASE("a greenlet other than main may shut the hub down") {
    in_hub([] {
      spawn([] { sleep(1h); });
      const auto closer = spawn([] { return shutdown(); });
      CHECK(closer.get());
      CHECK(hub::current().greenlets() == 1);
    });
  }

  TEST_CASE("greenlets that are left at the end of a thread are named") {
    test::captured_log log;
    std::string trace;
    in_hub(
        [&] {
          spawn({.name = "forgotten"}, [&] {
            at_exit mark{trace, "unwound"};
            sleep(1h);
          });
          yield();
        },
        leftovers::allowed);
    CHECK(log.has("1 greenlets were abandoned, not unwound: 'forgotten'"));
    CHECK(trace.empty());
  }

  // --- what it tells ------------------------------------------------------

  TEST_CASE("a hub lists its greenlets with what they do") {
    in_hub([] {
      wait_list list;
      const auto waits = spawn({.name = "waits"},
                               [&] { list.wait({}, "list::wait", nullptr); });
      const auto yields = spawn({.name = "yields"}, [] { yield(); });
      yield();
      const auto begins = spawn({.name = "begins"}, [] {});
      const std::string text = hub::current().listing();
      CHECK(text == "  'main' runs\n"
                    "  'waits' waits in list::wait\n"
                    "  'yields' is ready to run\n"
                    "  'begins' is about to begin\n");
      CHECK(hub::current().greenlets() == 4);
      list.wake_all();
      begins.join();
    });
  }

  TEST_CASE("a long listing says how many greenlets it leaves out") {
    in_hub([] {
      for (int i = 0; i < 1010; ++i)
        spawn([] {});
      CHECK(has(hub::current().listing(), "  and 11 more\n"));
      idle();
    });
  }

  TEST_CASE("every turn that a hub gives somebody is counted") {
    in_hub([] {
      const auto before = hub::current().switches();
      for (int i = 0; i < 10; ++i)
        yield();
      CHECK(hub::current().switches() >= before + 10);
      CHECK_FALSE(hub::current().is_asleep());
    });
  }

  // --- clocks -------------------------------------------------------------

  TEST_CASE("the virtual clock stands still while anything can run") {
    in_hub([] {
      const auto begin = now();
      for (int i = 0; i < 1000; ++i)
        yield();
      CHECK(now() == begin);
      CHECK(hub::current().clock() == clock_kind::virtual_time);
    });
  }

  TEST_CASE("the virtual clock jumps exactly to the next timer") {
    in_hub([] {
      const auto begin = now();
      const auto real = std::chrono::steady_clock::now();
      sleep(1000h);
      CHECK(now() - begin == 1000h);
      sleep(1ns);
      CHECK(now() - begin == 1000h + 1ns);
      sleep_until(begin);
      CHECK(now() - begin == 1000h + 1ns);
      CHECK(std::chrono::steady_clock::now() - real < 1000h);
    });
  }

  TEST_CASE("many timers close together fire at their exact virtual times") {
    in_hub([] {
      const auto begin = now();
      std::vector<any_greenlet> all;
      bool exact = true;
      for (int i = 1; i <= 300; ++i)
        all.push_back(spawn([&, i] {
          const auto time = std::chrono::nanoseconds(i * i % 97 + 5'000'000);
          sleep(time);
          exact &= now() - begin == time;
        }));
      joinall(all);
      CHECK(exact);
    });
  }

  TEST_CASE("a wait on the real clock lasts at least its time") {
    in_hub_on(clock_kind::real, [] {
      CHECK(time_of([] { sleep(100us); }) >= 100us);
      wait_list list;
      CHECK(time_of([&] { CHECK_FALSE(list.wait(100us, "list", nullptr)); }) >=
            100us);
    });
  }

  TEST_CASE("a thread that cannot have a hub may try again, or end") {
    // UBSan opens a pipe to look at a type that is new to it: it must meet
    // this one while it can.
    CHECK_THROWS_AS(throw_error(errc::closed, "first"), std::system_error);
    for (const bool again : {false, true})
      std::thread([again] {
        rlimit before{};
        getrlimit(RLIMIT_NOFILE, &before);
        rlimit none = before;
        none.rlim_cur = 0;
        setrlimit(RLIMIT_NOFILE, &none);
        bool threw = false;
        try {
          hub::current();
        } catch (...) {
          threw = true;
        }
        setrlimit(RLIMIT_NOFILE, &before);
        CHECK(threw);
        CHECK_FALSE(hub::current_if_any());
        if (again) CHECK(spawn([] { return 1; }).get() == 1);
      }).join();
  }
}
