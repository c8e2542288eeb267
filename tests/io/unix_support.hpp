#pragma once

#include "hub/support.hpp"

#include <greenroom/hub/error.hpp>
#include <greenroom/io/unix.hpp>

#include <chrono>
#include <system_error>
#include <vector>

namespace test {

/// Whose backlog is full.
struct full_door {
  explicit full_door(const greenroom::unix_address& at)
      : door{at, {.backlog = 0}} {
    std::error_code failed;
    while (!failed)
      waiting.push_back(greenroom::unix_socket::connect(
          at, std::chrono::milliseconds(5), failed));
    CHECK(failed == greenroom::errc::timed_out);
  }
  greenroom::unix_listener door;
  std::vector<greenroom::unix_socket> waiting;
};

} // namespace test
