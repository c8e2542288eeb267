#pragma once

// What the models of the stress programs are made of.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>

namespace stress {

using namespace std::chrono_literals;

class dice {
public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}

  int below(int limit) {
    return static_cast<int>(engine_() % static_cast<unsigned>(limit));
  }
  bool one_in(int chance) { return below(chance) == 0; }
  /// Often nothing at all, so that much happens in the same turn.
  std::chrono::nanoseconds pause() { return below(4) * 1ms; }
  template <class Container>
  auto& one_of(Container& things) {
    return things[static_cast<std::size_t>(
        below(static_cast<int>(things.size())))];
  }

private:
  std::mt19937_64 engine_;
};

/// What a check that does not hold throws.
class broken : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

inline void check(bool holds, const char* what) {
  if (!holds) throw broken(what);
}

/// Says for the rest of a scope that one more is in there.
class counted {
public:
  explicit counted(int& count) : count_(count) { ++count_; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --count_; }

private:
  int& count_;
};

/// The sender, and which of his.
using name = std::pair<int, int>;

/// Something that is in one place at a time. Moving it may throw; a copy has
/// no content.
class parcel {
public:
  /// What moving one may throw.
  struct slipped {};

  explicit parcel(name called)
      : called_(called), content_(std::make_unique<int>(7)) {
    ++whole;
  }
  parcel(const parcel& other) : called_(other.called_) {}
  parcel(parcel&& other) : called_(other.called_) {
    slip();
    content_ = std::move(other.content_);
  }
  parcel& operator=(const parcel&) = delete;
  parcel& operator=(parcel&&) = delete;
  ~parcel() {
    if (content_) --whole;
  }

  name called() const { return called_; }
  bool has_content() const { return content_ && *content_ == 7; }

  static void slip() {
    if (slippery && slippery->one_in(12)) throw slipped{};
  }

  static inline int whole = 0; // with content, anywhere
  static inline dice* slippery = nullptr;

private:
  name called_;
  std::unique_ptr<int> content_;
};

} // namespace stress
