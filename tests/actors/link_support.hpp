#pragma once

// Actors that can be tied to each other, and tell what they hear.

#include "hub/support.hpp"

#include <greenroom/actors/actor.hpp>
#include <greenroom/actors/exit_reason.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace test {

using namespace greenroom;
using namespace std::chrono_literals;

class process;
using process_ref = actor_ref<process>;

struct call {
  std::function<void(process&)> function;
};

/// Does as it is told, and keeps what it is told about others.
class process : public actor<call, down, exit_signal> {
public:
  explicit process(std::string& trace) : trace_(trace) {}

  using actor::demonitor;
  using actor::exit;
  using actor::link_to;
  using actor::monitor;
  using actor::trap_exits;
  using actor::unlink_from;

private:
  void receive(call message) override { message.function(*this); }
  void receive(down message) override {
    trace_ += "down(" + to_string(message.why) + ") ";
  }
  void receive(exit_signal message) override {
    trace_ += "exit(" + to_string(message.why) + ") ";
  }
  void on_stop(const exit_reason& why) override {
    trace_ += "ended(" + to_string(why) + ") ";
  }

  std::string& trace_;
};

inline const exit_reason boom = exit_reason::custom(0, "boom");

/// An actor that notes what it hears, and one that it can be tied to.
struct pair {
  pair() : a(spawn<process>(heard)), b(spawn<process>(other)) { yield(); }
  ~pair() {
    for (const auto& each : {a, b}) {
      each.exit(exit_kind::kill);
      each.join();
    }
  }

  void in(const process_ref& who, std::function<void(process&)> function) {
    who.send(call{std::move(function)});
    idle();
  }
  void link() {
    in(a, [this](process& self) { self.link_to(b); });
  }
  void trap() {
    in(a, [](process& self) { self.trap_exits(); });
  }
  void end(const exit_reason& why) {
    in(b, [&](process& self) { self.exit(why); });
  }

  std::string heard;
  std::string other;
  process_ref a;
  process_ref b;
};

inline void with_pair(const std::function<void(pair&)>& function) {
  in_hub([&] {
    pair both;
    function(both);
  });
}

} // namespace test
