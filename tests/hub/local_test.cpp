#include "hub/support.hpp"

#include <greenroom/hub/local.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::at_exit;
using test::in_hub;

TEST_SUITE("hub") {
  TEST_CASE("every greenlet has its own value of a local") {
    in_hub([] {
      local<std::string> name;
      *name = "main";
      std::vector<greenlet<std::string>> all;
      for (const char* each : {"a", "b", "c"})
        all.push_back(spawn([&, each] {
          CHECK_FALSE(name.get_if());
          *name = each;
          yield();
          *name += each;
          yield();
          return *name;
        }));
      std::string seen;
      for (const auto& each : all)
        seen += each.get();
      CHECK(seen == "aabbcc");
      CHECK(*name == "main");
    });
  }

  TEST_CASE("reading a local that was not set makes an empty value") {
    in_hub([] {
      local<int> number;
      CHECK_FALSE(number.get_if());
      CHECK(*number == 0);
      CHECK(number.get_if());
      number.reset();
      CHECK_FALSE(number.get_if());
      number.reset();
    });
  }

  TEST_CASE("a local's value may be made from arguments, and made anew") {
    in_hub([] {
      local<std::string> text;
      CHECK(text.emplace(3, 'x') == "xxx");
      CHECK(text.emplace("anew") == "anew");
      CHECK(text->size() == 4);
    });
  }

  TEST_CASE("one greenlet may have many locals") {
    in_hub([] {
      local<int> a, b, c;
      *a = 1;
      *b = 2;
      *c = 3;
      b.reset();
      CHECK(*a == 1);
      CHECK_FALSE(b.get_if());
      CHECK(*c == 3);
      *b = 4;
      CHECK(*a + *b + *c == 8);
    });
  }

  TEST_CASE("a value ends with its greenlet, also while handles are left") {
    in_hub([] {
      std::string trace;
      local<at_exit> variable;
      const auto owner = spawn([&] {
        variable.emplace(trace, "ended ");
        yield();
      });
      yield();
      CHECK(trace.empty());
      owner.join();
      CHECK(trace == "ended ");
    });
  }

  TEST_CASE("a value ends with a greenlet that is killed or fails") {
    in_hub([] {
      std::string trace;
      local<at_exit> variable;
      const auto killed = spawn([&] {
        variable.emplace(trace, "killed ");
        sleep(1h);
      });
      yield();
      killed.kill();
      spawn([&] {
        variable.emplace(trace, "failed ");
        throw 1;
      }).join();
      CHECK(trace == "killed failed ");
    });
  }

  TEST_CASE("all values end with their local") {
    in_hub([] {
      std::string trace;
      std::optional<local<at_exit>> variable{std::in_place};
      variable->emplace(trace, "m");
      std::vector<any_greenlet> owners;
      for (int i = 0; i < 3; ++i)
        owners.push_back(spawn([&] {
          variable->emplace(trace, "g");
          sleep(1s);
        }));
      yield();
      variable.reset();
      CHECK(trace.size() == 4);
      joinall(owners);
      CHECK(trace.size() == 4);
    });
  }

  TEST_CASE("a value's destructor may wait, and still be in its greenlet") {
    in_hub([] {
      struct last_words {
        explicit last_words(std::string& text) : trace(text) {}
        ~last_words() {
          sleep(1s);
          trace = current().name();
        }
        std::string& trace;
      };
      std::string trace;
      local<last_words> variable;
      const auto owner = spawn({.name = "owner"}, [&] {
        variable.emplace(trace);
        sleep(1h);
      });
      yield();
      CHECK(test::time_of([&] { owner.kill(); }) == 1s);
      CHECK(trace == "owner");
    });
  }

  TEST_CASE("a value's destructor may reset its own local") {
    in_hub([] {
      struct resets {
        explicit resets(local<resets>& of) : variable(of) {}
        ~resets() { variable.reset(); }
        local<resets>& variable;
      };
      local<resets> variable;
      variable.emplace(variable);
      variable.reset();
      CHECK_FALSE(variable.get_if());
      spawn([&] { variable.emplace(variable); }).join();
    });
  }

  TEST_CASE("a value whose destructor waits ends once, whoever drops it") {
    in_hub([] {
      struct slow {
        explicit slow(int& count) : ends(count) {}
        ~slow() {
          sleep(1s);
          ++ends;
        }
        int& ends;
      };
      int ends = 0;
      auto* variable = new local<slow>;
      const auto owner = spawn([&] {
        variable->emplace(ends);
        sleep(1ms);
      });
      yield();
      delete variable; // waits, and the owner ends meanwhile
      CHECK(owner.join());
      CHECK(ends == 1);
    });
  }

  TEST_CASE("the main greenlet's values end with its thread") {
    std::string trace;
    local<at_exit>* variable = nullptr;
    in_hub([&] {
      variable = new local<at_exit>;
      variable->emplace(trace, "ended ");
    });
    CHECK(trace == "ended ");
    delete variable;
  }
}
