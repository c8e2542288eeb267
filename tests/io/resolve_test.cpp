#include "hub/support.hpp"
#include "io/hanging_resolver.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/resolve.hpp>

#include <dlfcn.h>
#include <netdb.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

// --- the resolver under the test's control --------------------------------

namespace test {
namespace {

struct {
  std::mutex lock;
  std::condition_variable changed;
  std::shared_future<void> end; // of the one that lives
  std::map<std::string, int> asked;
  int together = 0;
  std::vector<std::string> several;
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

void several_addresses(std::vector<std::string> numeric) {
  const std::lock_guard own{state.lock};
  state.several = std::move(numeric);
}

/// The lists of all of them, as one.
addrinfo* all_of(decltype(&getaddrinfo) real, const char* service,
                 const addrinfo* hints) {
  const std::lock_guard own{state.lock};
  addrinfo* first = nullptr;
  addrinfo** end = &first;
  for (const std::string& each : state.several) {
    real(each.c_str(), service, hints, end);
    while (*end)
      end = &(*end)->ai_next;
  }
  return first;
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
  if (name == "several.test") {
    *found = test::all_of(real, service, hints);
    return 0;
  }
  if (name == "nowhere.test") return EAI_NONAME;
  return real(host, service, hints, found);
}

// --- tests ------------------------------------------------------------------

using namespace greenroom;
using namespace std::chrono_literals;
using test::error_of;
using test::in_hub;

namespace {

using addresses = std::vector<std::string>;

} // namespace

TEST_SUITE("resolve") {
  TEST_CASE("a host of the hosts file has its addresses") {
    in_hub([] {
      const auto found = resolve("localhost");
      CHECK(std::find(found.begin(), found.end(), "127.0.0.1") != found.end());
    });
  }

  TEST_CASE("a number is its own address, and nobody is asked") {
    in_hub([] {
      CHECK(resolve("10.1.2.3") == addresses{"10.1.2.3"});
      CHECK(resolve("::1") == addresses{"::1"});
      CHECK(test::lookups_of("10.1.2.3") == 0);
    });
  }

  TEST_CASE("one family may be asked for") {
    in_hub([] {
      CHECK(resolve("localhost", {}, ip_family::v4) == addresses{"127.0.0.1"});
      CHECK(error_of([] {
              resolve("::1", {}, ip_family::v4);
            }).find("resolve ::1: Host not found") != std::string::npos);
      CHECK(resolve("::1", {}, ip_family::v6) == addresses{"::1"});
    });
  }

  TEST_CASE("a host that does not exist is an error that names it, in both "
            "forms") {
    in_hub([] {
      CHECK(error_of([] {
              resolve("nowhere.test");
            }).find("resolve nowhere.test: Host not found") !=
            std::string::npos);
      std::error_code failed;
      CHECK(resolve("nowhere.test", {}, failed).empty());
      CHECK(failed.message().find("Host not found") != std::string::npos);
      CHECK(resolve("localhost", {}, failed).size() > 0);
      CHECK_FALSE(failed);
    });
  }

  TEST_CASE("a name that no host can have is refused") {
    in_hub([] {
      std::error_code failed;
      for (const std::string& name :
           {std::string{}, std::string("localhost\0.evil.test", 20),
            std::string(5000, 'a')}) {
        CHECK(resolve(name, {}, failed).empty());
        CHECK(failed);
      }
    });
  }

  TEST_CASE("ten slow lookups run together") {
    const test::hanging_resolver resolver;
    in_hub([] {
      std::vector<greenlet<addresses>> all;
      for (int i = 0; i < 10; ++i)
        all.push_back(
            spawn([i] { return resolve("crowd" + std::to_string(i)); }));
      for (const auto& each : all) // else the first would never return
        CHECK(each.get() == addresses{"127.0.0.1"});
    });
  }

  TEST_CASE("those who ask for the same host at once share a lookup") {
    test::hanging_resolver resolver;
    in_hub([&] {
      const int before = test::lookups_of("hangs.test");
      std::vector<greenlet<std::string>> all;
      for (int i = 0; i < 5; ++i)
        all.push_back(
            spawn([] { return error_of([] { resolve("hangs.test"); }); }));
      yield();
      resolver.release();
      for (const auto& each : all)
        CHECK(each.get().find("Host not found") != std::string::npos);
      CHECK(test::lookups_of("hangs.test") == before + 1);
      (void)error_of([] { resolve("hangs.test"); });
      CHECK(test::lookups_of("hangs.test") == before + 2);
    });
  }

  TEST_CASE("a lookup that hangs holds up neither deadline nor timeout nor "
            "kill") {
    test::hanging_resolver resolver;
    in_hub([&] {
      std::error_code failed;
      CHECK(resolve("hangs.test", 1s, failed).empty());
      CHECK(failed == errc::timed_out);
      CHECK_FALSE(timeout{1s}.run([] { resolve("hangs.test"); }));
      const auto victim = spawn([] { resolve("hangs.test"); });
      yield();
      victim.kill();
      CHECK(victim.killed());
      resolver.release();
      CHECK(resolve("localhost").size() > 0);
    });
  }

  TEST_CASE("hubs of several threads may resolve at once") {
    std::atomic<int> found = 0;
    std::vector<std::thread> all;
    for (int i = 0; i < 4; ++i)
      all.emplace_back([&] {
        for (int j = 0; j < 20; ++j)
          found += !resolve("localhost").empty();
      });
    for (auto& each : all)
      each.join();
    CHECK(found == 80);
  }
}
