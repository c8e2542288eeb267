#pragma once

namespace greenroom {

/// Private to the io room: one greenlet at a time in one direction.
class turn {
public:
  explicit turn(bool& taken) : taken_(taken) { taken_ = true; }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() { taken_ = false; }

private:
  bool& taken_;
};

} // namespace greenroom
