#pragma once

#include <stdexcept>

namespace test {

/// Its moves and copies throw, one of them, when the countdown reaches zero.
struct fragile {
  explicit fragile(int identity) : id(identity) {}
  fragile(const fragile& other) : id(other.id) { strike(); }
  fragile(fragile&& other) : id(other.id) {
    strike();
    other.id = -1;
  }
  fragile& operator=(const fragile&) = delete;
  ~fragile() = default;

  static void strike() {
    if (countdown > 0 && --countdown == 0) throw std::runtime_error("it broke");
  }

  static inline int countdown = 0;
  int id;
};

} // namespace test
