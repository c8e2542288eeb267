// 200,000 greenlets wait at once, are killed and unwound, and their memory
// goes back to the system.

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/wait.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

// A sanitizer keeps notes on every stack.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool checks_memory = false;
constexpr std::size_t greenlets = 5'000;
#else
constexpr bool checks_memory = true;
constexpr std::size_t greenlets = 200'000;
#endif

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::exit(EXIT_FAILURE);
}

/// Bytes of memory this process uses now.
std::size_t memory() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream{"/proc/self/statm"} >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

struct counted {
  explicit counted(std::size_t& count) : alive(count) { ++alive; }
  counted(const counted&) = delete;
  ~counted() { --alive; }
  std::size_t& alive;
};

/// Says what the memory was before, with all parked, and after their end.
void park_and_kill(std::size_t& parked_bytes, std::size_t& trimmed_bytes) {
  std::size_t alive = 0;
  wait_list gate;
  std::vector<any_greenlet> all;
  all.reserve(greenlets);
  for (std::size_t i = 0; i < greenlets; ++i)
    all.push_back(spawn([&] {
      const counted self{alive};
      gate.wait({}, "gate", &gate);
    }));
  while (alive < greenlets)
    yield();
  require(hub::current().greenlets() == greenlets + 1, "all are counted");
  parked_bytes = memory();
  require(killall(all), "all end");
  require(alive == 0, "all are unwound");
  require(gate.empty(), "none is left in the list");
  require(hub::current().greenlets() == 1, "none is counted any more");
  for (const any_greenlet& each : all)
    require(each.killed(), "each was killed");
  all.clear();
  sleep(1ms); // the first rest of the hub, when it gives half of them back
  trimmed_bytes = memory();
}

} // namespace

int main() {
  const std::size_t before = memory();
  std::size_t parked = 0;
  std::size_t trimmed = 0;
  std::thread([&] { park_and_kill(parked, trimmed); }).join();
  const std::size_t after = memory();
  std::printf("parked: %zu bytes a greenlet\n", (parked - before) / greenlets);
  if (!checks_memory) return EXIT_SUCCESS;
  require(trimmed - before < (parked - before) * 2 / 3,
          "a hub at rest gives free stacks back");
  require(after < before || after - before < (parked - before) / 4,
          "the end of the hub gives all of them back");
}
