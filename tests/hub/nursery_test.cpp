#include "hub/support.hpp"

#include <greenroom/hub/nursery.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;
using test::at_exit;
using test::error_of;
using test::in_hub;
using test::time_of;

namespace {

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

bool is(const std::string& error, const char* text) {
  return error.find(text) != std::string::npos;
}

} // namespace

TEST_SUITE("hub") {
  // GEVENT.md 3.2, 16
  TEST_CASE("a nursery ends when all its children have ended") {
    in_hub([] {
      std::string trace;
      const auto took = time_of([&] {
        nursery([&](nursery_scope& children) {
          for (const int time : {3, 1, 2})
            children.spawn([&trace, time] {
              sleep(std::chrono::seconds(time));
              trace += std::to_string(time);
            });
          CHECK(children.size() == 3);
          trace += "body ";
        });
      });
      CHECK(took == 3s);
      CHECK(trace == "body 123");
    });
  }

  TEST_CASE("a nursery without children ends with its body") {
    in_hub([] {
      bool ran = false;
      nursery([&](nursery_scope&) { ran = true; });
      CHECK(ran);
    });
  }

  // GEVENT.md 3.2, 16
  TEST_CASE("a child's result may be had inside the nursery") {
    in_hub([] {
      nursery([](nursery_scope& children) {
        const auto sum =
            children.spawn([](int a, int b) { return a + b; }, 2, 3);
        CHECK(sum.get() == 5);
        const auto named = children.spawn({.name = "child"}, [] {});
        CHECK(named.name() == "child");
      });
    });
  }

  // GEVENT.md 3.2, 16
  TEST_CASE("a child that fails ends the nursery and the other children") {
    in_hub([] {
      std::string trace;
      const auto took = time_of([&] {
        CHECK(is(error_of([&] {
                   nursery([&](nursery_scope& children) {
                     children.spawn([&] {
                       at_exit mark{trace, "killed "};
                       sleep(1h);
                     });
                     children.spawn([] {
                       sleep(1s);
                       throw failure("first");
                     });
                     children.spawn([&] {
                       at_exit mark{trace, "too "};
                       sleep(1h);
                     });
                   });
                 }),
                 "first"));
      });
      CHECK(took == 1s);
      CHECK(trace == "killed too ");
    });
  }

  // GEVENT.md 3.2, 16
  TEST_CASE("a child that fails ends the body's wait") {
    in_hub([] {
      std::string trace;
      CHECK(is(error_of([&] {
                 nursery([&](nursery_scope& children) {
                   at_exit mark{trace, "unwound"};
                   children.spawn([] { throw failure("child's"); });
                   sleep(1h);
                   trace += "never ";
                 });
               }),
               "child's"));
      CHECK(trace == "unwound");
    });
  }

  // GEVENT.md 3.2, 16
  TEST_CASE("of several errors the first is thrown") {
    in_hub([] {
      const auto fails_while_killed = [] {
        try {
          sleep(1h);
        } catch (...) {
          throw failure("second");
        }
      };
      CHECK(is(error_of([&] {
                 nursery([&](nursery_scope& children) {
                   children.spawn(fails_while_killed);
                   children.spawn([] {
                     sleep(1s);
                     throw failure("first");
                   });
                 });
               }),
               "first"));
    });
  }

  // GEVENT.md 3.2, 16
  TEST_CASE("an error of the body ends the children and is thrown") {
    in_hub([] {
      std::string trace;
      CHECK(is(error_of([&] {
                 nursery([&](nursery_scope& children) {
                   children.spawn([&] {
                     at_exit mark{trace, "killed"};
                     sleep(1h);
                   });
                   children.spawn([&] { trace += "never"; }).kill_soon();
                   yield();
                   throw failure("body's");
                 });
               }),
               "body's"));
      CHECK(trace == "killed");
    });
  }

  TEST_CASE("a body may swallow nothing of a child's failure") {
    in_hub([] {
      CHECK(is(error_of([] {
                 nursery([](nursery_scope& children) {
                   children.spawn([] { throw failure("child's"); });
                   try {
                     sleep(1h);
                   } catch (const failure&) {
                   }
                   sleep(1s);
                 });
               }),
               "child's"));
    });
  }

  TEST_CASE("a child that is killed is no failure") {
    in_hub([] {
      nursery([](nursery_scope& children) {
        const auto victim = children.spawn([] { sleep(1h); });
        children.spawn([] { sleep(1s); });
        yield();
        victim.kill();
      });
    });
  }

  TEST_CASE("a kill from outside ends the children, then the nursery") {
    in_hub([] {
      std::string trace;
      const auto owner = spawn([&] {
        at_exit mark{trace, "nursery"};
        nursery([&](nursery_scope& children) {
          children.spawn([&] {
            at_exit child{trace, "child "};
            sleep(1h);
          });
        });
      });
      yield();
      owner.kill();
      CHECK(owner.killed());
      CHECK(trace == "child nursery");
    });
  }

  TEST_CASE("a killed nursery waits for children that take their time") {
    in_hub([] {
      const auto owner = spawn([] {
        nursery([](nursery_scope& children) {
          children.spawn([] {
            const shield guard;
            sleep(3s);
          });
        });
      });
      yield();
      CHECK_FALSE(owner.kill(1s));
      CHECK_FALSE(owner.kill(1s));
      CHECK(time_of([&] { owner.kill(); }) == 1s);
      CHECK(owner.killed());
    });
  }

  TEST_CASE("a timeout around a nursery ends its children") {
    in_hub([] {
      std::string trace;
      CHECK(with_timeout(
                1s,
                [&] {
                  nursery([&](nursery_scope& children) {
                    children.spawn([&] {
                      at_exit mark{trace, "child"};
                      sleep(1h);
                    });
                  });
                  return 1;
                },
                2) == 2);
      CHECK(trace == "child");
    });
  }

  TEST_CASE("nurseries nest, and an error climbs through them") {
    in_hub([] {
      std::string trace;
      const auto fail_inside = [&] {
        nursery([&](nursery_scope& outer) {
          outer.spawn([&] {
            at_exit mark{trace, "sibling "};
            sleep(1h);
          });
          outer.spawn([&] {
            nursery([&](nursery_scope& inner) {
              inner.spawn([&] {
                at_exit mark{trace, "inner "};
                sleep(1h);
              });
              inner.spawn([] {
                sleep(1s);
                throw failure("deep");
              });
            });
          });
        });
      };
      CHECK(is(error_of(fail_inside), "deep"));
      CHECK(trace == "inner sibling ");
    });
  }

  TEST_CASE("a child may spawn siblings") {
    in_hub([] {
      std::string trace;
      nursery([&](nursery_scope& children) {
        children.spawn([&] {
          sleep(1s);
          children.spawn([&] {
            sleep(1s);
            trace += "sibling";
          });
        });
      });
      CHECK(trace == "sibling");
    });
  }

  TEST_CASE("a child spawned while the nursery ends never runs") {
    in_hub([] {
      std::string trace;
      CHECK_THROWS_AS(nursery([&](nursery_scope& children) {
                        children.spawn([&] {
                          try {
                            sleep(1h);
                          } catch (...) {
                            children.spawn([&] { trace += "never "; });
                            trace += "spawned";
                            throw;
                          }
                        });
                        yield();
                        throw failure("ends");
                      }),
                      failure);
      CHECK(trace == "spawned");
    });
  }

  TEST_CASE("a greenlet may use nurseries one after the other") {
    in_hub([] {
      for (int i = 0; i < 3; ++i)
        CHECK_THROWS_AS(nursery([](nursery_scope& children) {
                          children.spawn([] { throw failure("each"); });
                        }),
                        failure);
      CHECK(time_of([] { sleep(1s); }) == 1s);
    });
  }

  TEST_CASE("a failure ends children though the body caught it") {
    in_hub([] {
      const auto body = [](nursery_scope& children) {
        children.spawn([] { throw failure("first"); });
        children.spawn([] { sleep(1h); });
        try {
          sleep(1s);
        } catch (const failure&) {
        }
      };
      CHECK(time_of([&] { CHECK_THROWS_AS(nursery(body), failure); }) == 0s);
      const shield guard;
      CHECK(time_of([&] { CHECK_THROWS_AS(nursery(body), failure); }) == 1s);
    });
  }

  TEST_CASE("children that would wait for ever do not outlive it") {
    in_hub([] {
      bool ended = false;
      wait_list list;
      CHECK_THROWS_AS(nursery([&](nursery_scope& children) {
                        children.spawn([&] {
                          try {
                            list.wait({}, "list", nullptr);
                          } catch (const greenlet_exit&) { // refuses
                          }
                          try {
                            list.wait({}, "list", nullptr);
                          } catch (...) {
                            ended = true;
                            throw;
                          }
                        });
                      }),
                      loop_exit);
      CHECK(ended);
    });
  }

  TEST_CASE("a nursery where nobody may wait is refused before it begins") {
    in_hub([] {
      bool begun = false;
      {
        const no_wait nobody;
        CHECK_THROWS_AS(nursery([&](nursery_scope& children) {
                          begun = true;
                          children.spawn([] {});
                        }),
                        wait_refused);
      }
      CHECK_FALSE(begun);
    });
  }
}
