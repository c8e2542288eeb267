#pragma once

// Private to the actors room: an object that each hub has one of.

#include <greenroom/hub/address.hpp>
#include <greenroom/hub/hub.hpp>

namespace greenroom {

/// Made on first use, destroyed when its hub ends.
template <class Value>
class per_hub : hub_end_link {
public:
  static Value& here() {
    if (!here_) {
      here_ = new per_hub;
      hub::current().add_end_link(*here_);
    }
    return here_->value_;
  }
  /// Null when it was never needed.
  static Value* here_if_any() { return here_ ? &here_->value_ : nullptr; }

private:
  per_hub() : hub_end_link(&ended) {}
  static void ended(hub_end_link& entry) noexcept {
    here_ = nullptr;
    delete static_cast<per_hub*>(&entry);
  }

  static inline constinit thread_local per_hub* here_ = nullptr;

  Value value_;
};

} // namespace greenroom
