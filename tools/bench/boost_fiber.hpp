#pragma once

#include "harness.hpp"

#include <string_view>
#include <vector>

namespace bench {

/// The same work by Boost.Fiber's `what`, in its own idiom; none when the
/// benchmark was built without it.
std::vector<yardstick> boost_fiber(std::string_view what);

/// The yardsticks of `first`, then those of `others`.
inline std::vector<yardstick> operator+(std::vector<yardstick> first,
                                        const std::vector<yardstick>& others) {
  first.insert(first.end(), others.begin(), others.end());
  return first;
}

} // namespace bench
