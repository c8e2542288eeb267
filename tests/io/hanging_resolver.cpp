#include "io/hanging_resolver.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string_view>

namespace test {
namespace {

struct {
  std::mutex lock;
  std::condition_variable changed;
  std::shared_future<void> end; // of the one that lives
  std::map<std::string, int> asked;
  int together = 0;
} state;

constexpr int crowd = 10;

/// Returns when `crowd` lookups have come here.
void meet_others() {
  std::unique_lock own{state.lock};
  ++state.together;
  state.changed.notify_all();
  state.changed.wait(own, [] { return state.together >= crowd; });
}

} // namespace

hanging_resolver::hanging_resolver() {
  const std::lock_guard own{state.lock};
  state.end = ended_;
  state.together = 0;
}

hanging_resolver::~hanging_resolver() {
  release();
}

void hanging_resolver::release() {
  if (!released_) end_.set_value();
  released_ = true;
}

int lookups_of(const std::string& host) {
  const std::lock_guard own{state.lock};
  return state.asked[host];
}

} // namespace test

// Stands in front of the C library's.
extern "C" int getaddrinfo(const char* host, const char* service,
                           const addrinfo* hints, addrinfo** found) {
  static const auto real =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string name = host ? host : "";
  std::shared_future<void> end;
  {
    const std::lock_guard own{test::state.lock};
    ++test::state.asked[name];
    end = test::state.end;
  }
  if (name == "hangs.test") {
    end.wait();
    return EAI_AGAIN;
  }
  if (name.starts_with("crowd")) {
    test::meet_others();
    return real("127.0.0.1", service, hints, found);
  }
  if (name == "nowhere.test") return EAI_NONAME;
  return real(host, service, hints, found);
}
