#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/local.hpp>
#include <greenroom/hub/nursery.hpp>
#include <greenroom/hub/tree_local.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::at_exit;
using test::error_of;
using test::in_hub;

namespace {

/// Spawned with nothing but its maker's values.
greenlet<std::string> reader(tree_local<std::string>& of) {
  return spawn([&of] { return of.get_if() ? *of : "none"; });
}

} // namespace

TEST_SUITE("hub") {
  // GEVENT.md 3.2, 18
  TEST_CASE("a greenlet hands down its values to all that come from it") {
    in_hub([] {
      tree_local<std::string> request;
      const auto serve = [&](const char* name) {
        CHECK_FALSE(request.get_if());
        request.emplace(name);
        yield();
        return spawn([&] {
          sleep(1s);
          return reader(request).get();
        });
      };
      const auto one = spawn(serve, "one");
      const auto two = spawn(serve, "two");
      CHECK(one.get().get() == "one"); // though it has ended
      CHECK(two.get().get() == "two");
      CHECK_FALSE(request.get_if());
    });
  }

  // GEVENT.md 3.2, 18
  TEST_CASE("a tree shares one object, and sees what is written to it") {
    in_hub([] {
      tree_local<int> steps;
      spawn([&] {
        *steps = 1;
        int* const mine = steps.get_if();
        const auto child = spawn([&, mine] {
          CHECK(steps.get_if() == mine);
          ++*steps;
          spawn([&] { ++*steps; }).join();
        });
        child.join();
        CHECK(*steps == 3);
      }).join();
    });
  }

  TEST_CASE("a value set anew is for those made afterwards") {
    in_hub([] {
      tree_local<std::string> request;
      request.emplace("first");
      const auto first = reader(request);
      request.emplace("second");
      const auto second = reader(request);
      request.reset();
      const auto none = reader(request);
      request.reset();
      CHECK(first.get() == "first");
      CHECK(second.get() == "second");
      CHECK(none.get() == "none");
    });
  }

  TEST_CASE("what a child sets is not its maker's") {
    in_hub([] {
      tree_local<std::string> request;
      request.emplace("maker's");
      spawn([&] {
        request.emplace("child's");
        CHECK(reader(request).get() == "child's");
        request.reset();
        CHECK(reader(request).get() == "none");
        CHECK((*request).empty()); // and one of its own again
      }).join();
      CHECK(*request == "maker's");
    });
  }

  TEST_CASE("one greenlet may have many tree_locals") {
    in_hub([] {
      tree_local<int> a, b, c;
      *a = 1;
      b.emplace(2);
      c.emplace(3);
      b.reset();
      spawn([&] {
        CHECK(*a == 1);
        CHECK_FALSE(b.get_if());
        CHECK(*c == 3);
        *b = 4;
        CHECK(*a + *b + *c == 8);
      }).join();
      CHECK_FALSE(b.get_if());
    });
  }

  TEST_CASE("a greenlet has the values of who makes it, not of who starts it") {
    struct asking : greenlet_base {
      explicit asking(tree_local<std::string>& variable) : of(variable) {}
      void run() override { seen = *of; }
      tree_local<std::string>& of;
      std::string seen;
    };
    in_hub([] {
      tree_local<std::string> request;
      request.emplace("maker's");
      asking one{request};
      spawn([&] {
        request.emplace("starter's");
        one.start();
      }).join();
      one.join();
      CHECK(one.seen == "maker's");
      const auto later = spawn_later(1s, [&] { return *request; });
      request.emplace("a later one");
      CHECK(later.get() == "maker's");
      nursery([&](nursery_scope& children) {
        CHECK(children.spawn([&] { return *request; }).get() == "a later one");
      });
    });
  }

  TEST_CASE("a value ends with the last greenlet that has it") {
    in_hub([] {
      std::string trace;
      tree_local<at_exit> variable;
      any_greenlet child, killed, failed;
      const auto maker = spawn([&] {
        variable.emplace(trace, "ended ");
        child = spawn([] { sleep(2s); });
        killed = spawn([] { sleep(1h); });
        killed.kill_soon();
        failed = spawn([] { throw 1; });
      });
      sleep(1s);
      CHECK(maker.dead());
      CHECK(killed.dead());
      CHECK(failed.dead());
      CHECK(trace.empty());
      child.join();
      CHECK(trace == "ended "); // handles keep no values
    });
  }

  TEST_CASE("values set over and over do not pile up") {
    in_hub([] {
      std::string trace;
      tree_local<at_exit> variable;
      tree_local<std::shared_ptr<int>> other;
      const auto shared = std::make_shared<int>(1);
      spawn([&] {
        for (int i = 0; i < 5; ++i) {
          other.emplace(shared);
          variable.emplace(trace, "x");
        }
        CHECK(trace == "xxxx");
        CHECK(shared.use_count() == 2);
      }).join();
      CHECK(trace == "xxxxx");
      CHECK(shared.use_count() == 1);
    });
  }

  TEST_CASE("greenlets that spawn their successors keep no dead ones") {
    in_hub([] {
      tree_local<std::shared_ptr<int>> kept;
      const auto counted = std::make_shared<int>(0);
      kept.emplace(counted);
      struct runner {
        std::shared_ptr<int> token;
        tree_local<std::shared_ptr<int>>& variable;
        void operator()() const {
          CHECK(**variable == 0);
          CHECK(token.use_count() < 5); // not one for each before it
          if (--left > 0) spawn(runner{*this});
        }
        mutable int left = 1000;
      };
      const auto token = std::make_shared<int>(0);
      spawn(runner{token, kept});
      idle();
      CHECK(token.use_count() == 1);
      CHECK(counted.use_count() == 2);
    });
  }

  TEST_CASE("values outlive their variable, and no other one finds them") {
    in_hub([] {
      std::string trace;
      std::optional<tree_local<at_exit>> variable{std::in_place};
      const auto owner = spawn([&] {
        variable->emplace(trace, "ended");
        sleep(1s);
        CHECK_FALSE(variable->get_if()); // another at the same place
      });
      yield();
      variable.emplace();
      CHECK(trace.empty());
      owner.join();
      CHECK(trace == "ended");
    });
  }

  TEST_CASE("a value's destructor may wait, and set and read values") {
    in_hub([] {
      struct last_words {
        last_words(tree_local<last_words>& own, tree_local<std::string>& also)
            : variable(own), text(also) {}
        ~last_words() {
          sleep(1s);
          CHECK_FALSE(variable.get_if());
          text.emplace("late");
        }
        tree_local<last_words>& variable;
        tree_local<std::string>& text;
      };
      tree_local<last_words> variable;
      tree_local<std::string> text;
      spawn([&] {
        variable.emplace(variable, text);
        variable.reset();
        CHECK(*text == "late");
      }).join();
      const auto victim = spawn([&] {
        variable.emplace(variable, text);
        sleep(1h);
      });
      yield();
      CHECK(test::time_of([&] { victim.kill(); }) == 1s);
    });
  }

  TEST_CASE("locals end before the values of the tree") {
    in_hub([] {
      tree_local<std::string> request;
      std::string trace;
      struct logs {
        logs(tree_local<std::string>& from, std::string& to)
            : request(from), trace(to) {}
        ~logs() { trace = *request; }
        tree_local<std::string>& request;
        std::string& trace;
      };
      local<std::optional<logs>> own;
      spawn([&] {
        request.emplace("request 7");
        own->emplace(request, trace);
      }).join();
      CHECK(trace == "request 7");
    });
  }

  TEST_CASE("every hub has values of its own") {
    in_hub([] {
      tree_local<int> number;
      *number = 1;
      std::thread([&] {
        CHECK_FALSE(number.get_if());
        *number = 2;
        spawn([&] { CHECK(*number == 2); }).join();
      }).join();
      CHECK(*number == 1);
    });
  }

  TEST_CASE("a hub callback has no values and hands none down") {
    in_hub([] {
      tree_local<std::string> request;
      request.emplace("main's");
      std::string error;
      greenlet<std::string> made;
      hub::current().post([&] {
        error = error_of([&] { request.get_if(); });
        made = reader(request);
      });
      idle();
      CHECK(error.find("wait_refused") != std::string::npos);
      CHECK(made.get() == "none");
    });
  }
}
