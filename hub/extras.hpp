#pragma once

// Private to the hub room: the parts of a greenlet that few greenlets need.

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timer.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <string>

namespace greenroom {

struct greenlet_base::extras {
  struct delayed_start : timer {
    explicit delayed_start(fire_function on_fire) : timer(on_fire) {}
    greenlet_base* target = nullptr;
  };

  explicit extras(timer::fire_function start) : delay(start) {}

  std::string name;
  std::unique_ptr<greenlet_part> part;
  std::exception_ptr kill_reason;          // thrown instead of greenlet_exit
  local_value* locals = nullptr;           // newest first
  std::shared_ptr<const tree_values> tree; // null: no values
  std::size_t stack_size = 0;              // bytes; 0: any worker stack will do
  delayed_start delay;
};

} // namespace greenroom
