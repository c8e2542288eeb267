#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/lock.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::captured_log;
using test::error_of;
using test::in_hub;
using test::mentions;
using test::time_of;

namespace {

/// A greenlet that holds `of` until it is killed.
any_greenlet holder_of(greenroom::lock& of, std::string name = "holder") {
  const auto made = spawn({.name = std::move(name)}, [&of] {
    const std::lock_guard held{of};
    sleep(1000h);
  });
  yield();
  return made;
}

} // namespace

TEST_SUITE("mailbox") {
  TEST_CASE("a lock is held by one greenlet, as often as it took it") {
    in_hub([] {
      const no_wait guard;
      greenroom::lock mine;
      CHECK_FALSE(mine.locked());
      CHECK(mine.ready());
      CHECK(mine.holder() == nullptr);
      CHECK(mine.acquire());
      CHECK(mine.acquire());
      CHECK(mine.try_acquire());
      CHECK(mine.holder() == &current());
      mine.release();
      mine.release();
      CHECK(mine.locked());
      CHECK_FALSE(mine.ready());
      mine.release();
      CHECK_FALSE(mine.locked());
      CHECK(mine.ready());
    });
  }

  TEST_CASE("a lock held by another is waited for until the deadline") {
    in_hub([] {
      greenroom::lock other;
      const auto holder = holder_of(other);
      CHECK_FALSE(other.try_acquire());
      CHECK(other.holder() == &*holder);
      CHECK(time_of([&] { CHECK_FALSE(other.acquire(1s)); }) == 1s);
      CHECK_FALSE(other.acquire(0s));
      holder.kill();
      CHECK(other.acquire(0s));
      CHECK(other.holder() == &current());
      other.release();
    });
  }

  TEST_CASE("those who wait for a lock get it oldest first") {
    in_hub([] {
      greenroom::lock other;
      std::string order;
      other.acquire();
      other.acquire();
      std::vector<any_greenlet> all;
      for (const char name : {'a', 'b', 'c'})
        all.push_back(spawn([&other, &order, name] {
          const std::lock_guard held{other};
          order += name;
          yield();
        }));
      yield();
      other.release();
      yield();
      CHECK(order == "");
      other.release();
      joinall(all);
      CHECK(order == "abc");
    });
  }

  TEST_CASE("only its holder may release a lock") {
    in_hub([] {
      greenroom::lock other;
      const auto holder = holder_of(other, "alice");
      std::string error;
      spawn({.name = "bob"}, [&] {
        error = error_of([&] { other.release(); });
      }).join();
      CHECK(error == "std::logic_error: lock: released by greenlet 'bob', held "
                     "by greenlet 'alice'");
      CHECK(other.holder() == &*holder);
      holder.kill();
      CHECK(error_of([&] { other.release(); }) ==
            "std::logic_error: lock: released by greenlet 'main', held by "
            "nobody");
      other.acquire();
      hub::current().post([&] { error = error_of([&] { other.release(); }); });
      idle();
      CHECK(mentions(error, "released by a callback, held by greenlet 'main'"));
      other.release();
    });
  }

  TEST_CASE("a kill gives back what is held and takes nothing while waiting") {
    in_hub([] {
      greenroom::lock other;
      const auto holder = holder_of(other);
      const auto killed = spawn([&] { const std::lock_guard held{other}; });
      const auto next = spawn([&] {
        const std::lock_guard held{other};
        return 1;
      });
      yield();
      SUBCASE("when it comes before the release") {
        killed.kill();
      }
      SUBCASE("when it comes after the release") {
        holder.kill();
        killed.kill();
      }
      holder.kill();
      CHECK(next.get() == 1);
      CHECK_FALSE(other.locked());
    });
  }

  TEST_CASE("the standard's lock types take a lock") {
    in_hub([] {
      greenroom::lock one;
      greenroom::lock two;
      {
        const std::scoped_lock both{one, two};
        CHECK(one.locked());
        CHECK(two.locked());
      }
      {
        std::unique_lock held{one};
        held.unlock();
        CHECK(held.try_lock());
        std::unique_lock again{one, std::try_to_lock};
        CHECK(again.owns_lock());
      }
      const auto holder = holder_of(two);
      std::unique_lock refused{two, std::try_to_lock};
      CHECK_FALSE(refused.owns_lock());
      holder.kill();
      CHECK_FALSE(one.locked());
    });
  }

  TEST_CASE("two that take two locks in different order do not block each "
            "other with scoped_lock") {
    in_hub([] {
      greenroom::lock one;
      greenroom::lock two;
      int inside = 0;
      const auto first = spawn([&] {
        for (int i = 0; i < 100; ++i) {
          const std::scoped_lock both{one, two};
          CHECK(++inside == 1);
          yield();
          --inside;
        }
      });
      const auto second = spawn([&] {
        for (int i = 0; i < 100; ++i) {
          const std::scoped_lock both{two, one};
          CHECK(++inside == 1);
          yield();
          --inside;
        }
      });
      joinall(std::vector<any_greenlet>{first, second});
    });
  }

  // GEVENT.md 3.2, 50
  TEST_CASE("duelling greenlets hold a lock one at a time") {
    in_hub([] {
      greenroom::lock one;
      int inside = 0;
      std::vector<any_greenlet> duelling;
      for (int i = 0; i < 2; ++i)
        duelling.push_back(spawn([&] {
          for (int round = 0; round < 10'000; ++round) {
            const std::lock_guard held{one};
            const std::lock_guard again{one};
            CHECK(++inside == 1);
            if (round % 3) yield();
            --inside;
          }
        }));
      joinall(duelling);
      CHECK_FALSE(one.locked());
    });
  }

  // --- a holder that ends -------------------------------------------------

  TEST_CASE("a lock whose holder ended is an error to everybody") {
    captured_log log;
    in_hub([] {
      greenroom::lock lost;
      std::vector<std::string> errors;
      const auto note = [&] {
        errors.push_back(error_of([&] { lost.acquire(1h); }));
      };
      const auto careless = spawn({.name = "careless"}, [&] {
        lost.acquire();
        lost.acquire();
        sleep(1s);
      });
      yield();
      spawn(note);
      spawn(note);
      CHECK(time_of([&] { note(); }) == 1s);
      note();
      errors.push_back(error_of([&] { lost.try_acquire(); }));
      yield();
      REQUIRE(errors.size() == 5);
      for (const std::string& error : errors)
        CHECK(mentions(error, "lock: greenlet 'careless' ended while it held "
                              "it: Owner died"));
      CHECK(lost.locked());
      CHECK(lost.ready()); // acquire fails at once
      CHECK(lost.holder() == nullptr);
      CHECK(mentions(error_of([&] { lost.release(); }), "held by nobody"));
      try {
        lost.lock();
      } catch (const std::system_error& caught) {
        CHECK(caught.code() == std::errc::owner_dead);
      }
    });
    CHECK(log.count("greenlet 'careless' ended while it held it") == 1);
  }

  TEST_CASE("a lock may end before or after a holder that never released it") {
    in_hub([] {
      std::optional<greenroom::lock> lost{std::in_place};
      const auto careless = spawn([&] {
        lost->acquire();
        yield();
      });
      yield();
      SUBCASE("before the holder") {
        lost.reset();
        careless.join();
      }
      SUBCASE("between its end and the links") {
        spawn([&] { lost.reset(); });
        careless.join();
      }
      SUBCASE("after it") {
        careless.join();
        lost.reset();
      }
    });
  }

  TEST_CASE("a lock that outlives its hub does not touch its holder") {
    std::optional<greenroom::lock> lost;
    in_hub([&] {
      lost.emplace();
      lost->acquire();
    });
    lost.reset();
  }

  TEST_CASE("a greenlet at the address of a former holder holds nothing") {
    in_hub([] {
      greenroom::lock lost;
      // Freed and made again in the same place, likely enough.
      for (int i = 0; i < 10; ++i) {
        spawn([&] {
          if (i == 0) lost.acquire();
          if (i > 0) CHECK_THROWS_AS(lost.acquire(), std::system_error);
        }).join();
      }
    });
  }

  // --- where it may be used -----------------------------------------------

  TEST_CASE("a callback can hold no lock") {
    in_hub([] {
      greenroom::lock one;
      hub::current().post([&] {
        CHECK_THROWS_AS(one.acquire(), wait_refused);
        CHECK_THROWS_AS(one.try_lock(), wait_refused);
      });
      idle();
      CHECK_FALSE(one.locked());
    });
  }

  TEST_CASE("a lock refuses the thread of another hub") {
    in_hub([] {
      greenroom::lock one;
      one.acquire();
      std::thread([&] {
        CHECK_THROWS_AS(one.acquire(), wrong_hub);
#ifndef NDEBUG
        CHECK_THROWS_AS(one.try_acquire(), wrong_hub);
        CHECK_THROWS_AS(one.release(), wrong_hub);
#endif
      }).join();
      one.release();
    });
  }

  TEST_CASE("a lock destroyed while waited for wakes everybody with an error") {
    in_hub([] {
      auto gone = std::make_unique<greenroom::lock>();
      gone->acquire();
      std::string error;
      const auto waiter =
          spawn([&] { error = error_of([&] { gone->acquire(); }); });
      yield();
      SUBCASE("while it is held") {
      }
      SUBCASE("when it was just released") {
        gone->release();
      }
      gone.reset();
      waiter.join();
      CHECK(mentions(error, "lock::acquire: the object was destroyed"));
    });
  }

  TEST_CASE("a lock can be waited for with others, which does not take it") {
    in_hub([] {
      greenroom::lock one;
      CHECK(wait({one}).size() == 1);
      const auto holder = holder_of(one);
      CHECK(wait({one}, 1s).empty());
      spawn_later(1s, [&] { holder.kill_soon(); });
      CHECK(wait({one}).size() == 1);
      CHECK_FALSE(one.locked());
    });
  }

  TEST_CASE("a deadlock report names the lock call") {
    in_hub([] {
      greenroom::lock one;
      const auto stuck = spawn([&] {
        const std::lock_guard held{one};
        wait_list().wait({}, "for ever", nullptr);
      });
      yield();
      const std::string error = error_of([&] { one.acquire(); });
      CHECK(mentions(error, "lock::acquire"));
      stuck.kill();
    });
  }
}
