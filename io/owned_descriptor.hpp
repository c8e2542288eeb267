#pragma once

// Private to the io room: a descriptor on its way to whoever keeps it.

#include <unistd.h>

#include <utility>

namespace greenroom {

class owned_descriptor {
public:
  owned_descriptor() = default;
  explicit owned_descriptor(int number) : number_(number) {}
  owned_descriptor(owned_descriptor&& other) noexcept
      : number_(other.release()) {}
  owned_descriptor& operator=(owned_descriptor other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~owned_descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }
  explicit operator bool() const { return number_ >= 0; }

private:
  int number_ = -1;
};

/// As a `Stream`, which takes it over.
template <class Stream>
Stream adopt(owned_descriptor from) {
  Stream made = Stream::adopt(from.get());
  from.release();
  return made;
}

} // namespace greenroom
