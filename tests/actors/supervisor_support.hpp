#pragma once

// Supervised actors that write down what happens to them.

#include "hub/support.hpp"

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace test {

using namespace greenroom;
using namespace std::chrono_literals;

class member;

struct call {
  std::function<void(member&)> function;
};
struct note {
  std::string text;
};
struct serial {
  using reply = int;
};

/// Writes down when it starts and ends.
class member : public actor<call, note, serial> {
public:
  explicit member(std::string& trace, std::function<void()> start = {})
      : trace_(trace), start_(std::move(start)), serial_(++made) {}

  using actor::exit;
  static inline int made = 0;

private:
  void on_start() override {
    if (start_) start_();
    trace_ += "up(" + name() + ") ";
  }
  void on_stop(const exit_reason& why) override {
    trace_ += "down(" + name() + ", " + to_string(why) + ") ";
  }
  void receive(call message) override { message.function(*this); }
  void receive(note message) override { trace_ += message.text + " "; }
  int receive(serial) override { return serial_; }

  std::string& trace_;
  std::function<void()> start_;
  int serial_;
};

inline const exit_reason boom = exit_reason::custom(0, "boom");
inline const supervisor_options often{.max_restarts = 10, .within = 5s};

/// Adds members with these names.
inline std::vector<actor_ref<member>>
add_members(const supervisor_ref& tree, const std::string& names,
            std::string& trace, const child_options& how = {}) {
  std::vector<actor_ref<member>> all;
  for (const char each : names)
    all.push_back(tree.add<member>(std::string(1, each), how, std::ref(trace)));
  return all;
}

inline void end(const actor_ref<member>& one, exit_reason why) {
  one.send(call{[why = std::move(why)](member& self) { self.exit(why); }});
  idle();
}

inline std::string names(const supervisor_ref& tree) {
  std::string all;
  for (const child_info& each : tree.children())
    all += each.id + (each.state == child_state::running ? "" : "!") + " ";
  return all;
}

/// Takes out and returns what has been written.
inline std::string taken(std::string& trace) {
  return std::exchange(trace, {});
}

} // namespace test
