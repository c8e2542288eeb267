// Teaches: an async_result: a value that arrives later. Copies of it refer to
//          the same result, and any number may wait for it.
// Run:     build/dev/bin/15_async_results, best with GREENROOM_CLOCK=virtual
// Prints:  expected/15_async_results.txt

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/mailbox/async_result.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

void setter(async_result<std::string> result) {
  sleep(3s);
  result.set("Hello!");
}

void waiter(async_result<std::string> result) {
  std::puts(result.get().c_str());
}

/// The other outcome: get throws it, to everybody who asks.
void failure() {
  async_result<int> result;
  spawn([result]() mutable {
    result.set_exception(
        std::make_exception_ptr(std::runtime_error("no answer")));
  });
  try {
    result.get();
  } catch (const std::runtime_error& error) {
    std::puts(error.what());
  }
}

int main() {
  const async_result<std::string> greeting;
  const any_greenlet both[] = {spawn(setter, greeting),
                               spawn(waiter, greeting)};
  joinall(both);
  failure();
}
