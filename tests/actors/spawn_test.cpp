#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/loop_actor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

struct depth {
  using reply = int;
  int of = 0;
};

/// Makes two more below itself.
class node : public actor<depth> {
public:
  node(std::string& trace, start_order order, int below)
      : trace_(trace), order_(order), below_(below) {}

private:
  void on_start() override {
    trace_ += std::to_string(below_);
    for (int i = 0; below_ > 0 && i < 2; ++i)
      spawn<node>({.order = order_}, trace_, order_, below_ - 1);
    stop();
  }
  int receive(depth) override { return below_; }

  std::string& trace_;
  start_order order_;
  int below_;
};

/// Takes about a KiB of stack for each level.
[[gnu::noinline]] int dig(int levels) {
  std::array<volatile char, 1024> room{};
  room[0] = static_cast<char>(levels);
  return levels == 0 ? 0 : 1 + dig(levels - 1) + room[1];
}

class digger : public loop_actor<request<depth>> {
  void run() override {
    for (;;) {
      auto asked = inbox().get<request<depth>>();
      asked.reply(dig(asked->of));
    }
  }
};

constexpr std::size_t large = 4 << 20;
constexpr int deep = 3000; // more than a stack of the usual size holds

} // namespace

TEST_SUITE("spawn of actors") {
  TEST_CASE("an actor may be given a name") {
    in_hub([] {
      std::string trace;
      const auto a = spawn<node>({.name = "root"}, trace, start_order::last, 0);
      CHECK(a.name() == "root");
      a.join();
    });
  }

  TEST_CASE("actors begin in the order of their spawning") {
    std::string trace;
    in_hub([&] { spawn<node>(trace, start_order::last, 2).join(); });
    idle();
    CHECK(trace == "2110000");
  }

  TEST_CASE("or each before all others, depth first") {
    std::string trace;
    in_hub([&] {
      spawn<node>(trace, start_order::next, 2).join();
      idle();
    });
    CHECK(trace == "2100100");
  }

  TEST_CASE("one with its own loop may have a large stack") {
    in_hub([] {
      const auto a = spawn<digger>({.name = "mole", .stack_size = large});
      CHECK(a.name() == "mole");
      CHECK(a.ask(depth{deep}).get() == deep);
      a.stop();
      a.join();
      const auto b = spawn_actor<request<depth>>(
          {.stack_size = large}, [](inbox<request<depth>>& mail) {
            auto asked = mail.get<request<depth>>();
            asked.reply(dig(asked->of));
          });
      CHECK(b.ask(depth{deep}).get() == deep);
      b.join();
    });
  }

  TEST_CASE("one with a large stack can be killed, before its first turn and "
            "while it waits") {
    in_hub([] {
      const auto a = spawn<digger>({.stack_size = large});
      const auto answer = a.ask(depth{1});
      a.kill();
      CHECK(error_of([&] { answer.get(); }).find("not alive") !=
            std::string::npos);
      const auto b = spawn<digger>({.stack_size = large});
      CHECK(b.ask(depth{1}).get() == 1);
      b.kill();
      CHECK(b.dead());
    });
  }

  TEST_CASE("one that borrows its stacks cannot have one of a size") {
    in_hub([] {
      std::string trace;
      CHECK_THROWS_AS(
          spawn<node>({.stack_size = large}, trace, start_order::last, 0),
          std::invalid_argument);
    });
  }
}
