// R01 to R04 are OTP.md 1.6.

#include "hub/beside.hpp"
#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/registry.hpp>
#include <greenroom/actors/supervisor.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

struct add {
  int number;
};
struct total {
  using reply = int;
};
struct crash {};

class counter : public actor<add, total, crash> {
  void receive(add message) override { sum_ += message.number; }
  int receive(total) override { return sum_; }
  void receive(crash) override { throw std::runtime_error("crash"); }
  int sum_ = 0;
};

class other : public actor<add> {
  void receive(add) override {}
};

using names = std::vector<std::string>;

template <class Function>
std::error_code code_of(Function function) {
  try {
    function();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("actors") {
  TEST_CASE("R01: a name has one actor, and an actor one name") {
    in_hub([] {
      const auto a = spawn<counter>();
      const auto b = spawn<counter>();
      a.target()->name("Ann");
      b.target()->name("Bob");
      register_name("nm", a);
      const auto taken = error_of([&] { register_name("nm", b); });
      CHECK_MESSAGE(has(taken, "\"nm\" for 'Bob', 'Ann' has it"), taken);
      const auto second = error_of([&] { register_name("nm2", a); });
      CHECK_MESSAGE(has(second, "\"nm2\" for 'Ann', which has \"nm\""), second);
      CHECK(code_of([&] { register_name("nm", a); }) == errc::name_taken);
      CHECK(whereis<counter>("nm") == a);
      CHECK(whereis<counter>("nm2") == std::nullopt);
      CHECK(registry::here().name_of(a.key()) == "nm");
      CHECK(registry::here().name_of(b.key()) == "");
      a.kill();
      b.kill();
    });
  }

  TEST_CASE("R02: a name is free at its actor's death") {
    in_hub([] {
      const auto a = spawn<counter>();
      register_name("nm", a);
      a.kill();
      CHECK(whereis<counter>("nm") == std::nullopt);
      const name_ref<counter> nm{"nm"};
      const auto before = dead_letters();
      CHECK(code_of([&] { nm.send(add{1}); }) == errc::unknown_name);
      CHECK(code_of([&] { nm.ask(total{}); }) == errc::unknown_name);
      CHECK(has(error_of([&] { nm.get(); }), "nobody is called \"nm\""));
      CHECK(dead_letters() == before); // to a name, it is an error
      const auto b = spawn<counter>();
      register_name("nm", b);
      CHECK(whereis<counter>("nm") == b);
      unregister_name("nm");
      CHECK(code_of([] { unregister_name("nm"); }) == errc::unknown_name);
      register_name("other", b); // it may have another now
      CHECK(registered_names() == names{"other"});
      b.kill();
      CHECK(registered_names().empty());
    });
  }

  TEST_CASE("R03: a dead actor gets no name") {
    in_hub([] {
      const auto a = spawn<counter>();
      a.kill();
      CHECK(code_of([&] { register_name("nm3", a); }) == errc::dead);
      CHECK(code_of([&] { register_name("nm3", actor_ref<counter>{}); }) ==
            errc::dead);
      CHECK(registered_names().empty());
    });
  }

  TEST_CASE("R04: a registry of one's own has names of its own") {
    in_hub([] {
      const auto a = spawn<counter>();
      {
        registry own;
        own.register_name("a", a);
        register_name("b", a);
        CHECK(own.whereis<counter>("a") == a);
        CHECK(own.names() == names{"a"});
        CHECK(registered_names() == names{"b"});
      }
      a.kill();
      CHECK(registered_names().empty());
    });
  }

  TEST_CASE("a name is free as soon as its actor has ended") {
    in_hub([] {
      const auto a = spawn<counter>();
      register_name("nm", a);
      bool free = false;
      a.target()->link([&](greenlet_base&) {
        free = !whereis<counter>("nm");
        register_name("nm", spawn<counter>());
      });
      a.stop();
      sleep(1s);
      CHECK(free);
      whereis<counter>("nm")->kill();
    });
  }

  TEST_CASE("an actor of another type is no answer to whereis") {
    in_hub([] {
      const auto a = spawn<counter>();
      register_name("nm", a);
      CHECK(code_of([] { whereis<other>("nm"); }) == errc::wrong_type);
      const auto text = error_of([] { name_ref<other>{"nm"}.send(add{1}); });
      CHECK_MESSAGE(has(text, "\"nm\" is greenroom::actor<"), text);
      // Its messages count, not its class.
      CHECK(whereis<actor<add, total, crash>>("nm")->key() == a.key());
      a.kill();
    });
  }

  TEST_CASE("a name is looked up at each use of a name_ref") {
    in_hub([] {
      const name_ref<counter> nm{"nm"};
      for (int i = 1; i < 3; ++i) {
        const auto a = spawn<counter>();
        register_name("nm", a);
        nm.send(add{i});
        nm.send(add{i}, 1s);
        CHECK(nm.try_send(add{i}));
        CHECK(nm.ask(total{}).get() == 3 * i);
        a.kill();
      }
    });
  }

  TEST_CASE("an actor keeps its name when its supervisor restarts it") {
    in_hub([] {
      const test::captured_log quiet;
      supervisor tree{one_for_one};
      const auto a = tree.add<counter>("counter", permanent);
      tree.start();
      register_name("nm", a);
      const name_ref<counter> nm{"nm"};
      nm.send(add{7});
      CHECK(nm.ask(total{}).get() == 7);
      nm.send(crash{});
      nm.send(add{1});
      CHECK(nm.ask(total{}).get() == 1);
      CHECK(nm.get() == a);
      tree.stop();
      CHECK(registered_names().empty());
    });
  }

  TEST_CASE("names are of one hub") {
    in_hub([] {
      const auto a = spawn<counter>();
      register_name("nm", a);
      test::beside there([a] {
        CHECK(registered_names().empty());
        CHECK(whereis<counter>("nm") == std::nullopt);
        CHECK(has(error_of([a] { register_name("nm", a); }), "wrong_hub"));
      });
      there.join();
      a.kill();
    });
  }

  TEST_CASE("a hub may end while its actors have names") {
    in_hub(
        [] {
          register_name("nm", spawn<counter>());
          yield();
        },
        test::leftovers::allowed);
  }

  TEST_CASE("a thousand names are in order, and free when all have ended") {
    in_hub([] {
      std::vector<actor_ref<counter>> all;
      for (int i = 0; i < 1000; ++i) {
        all.push_back(spawn<counter>());
        register_name(std::to_string(1000 + i), all.back());
      }
      CHECK(registered_names().size() == 1000);
      CHECK(registered_names().front() == "1000");
      CHECK(registered_names().back() == "1999");
      for (const auto& each : all)
        each.stop();
      idle();
      CHECK(registered_names().empty());
    });
  }
}
