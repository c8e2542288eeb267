#pragma once

// A resolver in front of the C library's, under the test's control. It is in
// resolve_test.cpp.

#include <future>
#include <string>
#include <vector>

namespace test {

/// While it lives, the host "hangs.test" takes for ever to resolve. Hosts that
/// begin with "crowd" resolve when ten of them are being looked up at once.
/// Always, "several.test" has the addresses of `several_addresses`.
class hanging_resolver {
public:
  hanging_resolver();
  hanging_resolver(const hanging_resolver&) = delete;
  hanging_resolver& operator=(const hanging_resolver&) = delete;
  ~hanging_resolver();

  void release();
  std::shared_future<void> end() const { return ended_; }

private:
  bool released_ = false;
  std::promise<void> end_;
  std::shared_future<void> ended_{end_.get_future()};
};

void several_addresses(std::vector<std::string> numeric);

/// How often the resolver was asked for a host, ever.
int lookups_of(const std::string& host);

} // namespace test
