// What travels with a greenlet over a switch: exceptions in flight and being
// handled, and errno.

#include "hub/support.hpp"

#include <greenroom/hub/greenlet.hpp>

#include <cerrno>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using test::in_hub;

namespace {

/// Throws `text`, waits `time` while handling it, and returns the text of
/// what a bare `throw` then throws.
std::string rethrown_after(const std::string& text,
                           std::chrono::nanoseconds time) {
  try {
    try {
      throw std::runtime_error(text);
    } catch (const std::runtime_error&) {
      sleep(time);
      throw;
    }
  } catch (const std::runtime_error& caught) {
    return caught.what();
  }
}

} // namespace

TEST_SUITE("hub") {
  TEST_CASE("greenlets that wait in catch blocks rethrow their own") {
    in_hub([] {
      std::vector<greenlet<std::string>> all;
      for (const int time : {3, 1, 4, 1, 5, 9, 2, 6, 0, 0})
        all.push_back(spawn([time] {
          return rethrown_after(std::to_string(time),
                                std::chrono::seconds(time));
        }));
      std::string seen;
      for (const auto& each : all)
        seen += each.get();
      CHECK(seen == "3141592600");
    });
  }

  TEST_CASE("catch blocks may nest around waits") {
    in_hub([] {
      const auto nested = [](const std::string& name) {
        try {
          throw std::runtime_error("outer " + name);
        } catch (const std::runtime_error& outer) {
          yield();
          const std::string inner = rethrown_after("inner " + name, 1s);
          yield();
          return inner + ", " + outer.what();
        }
      };
      const auto a = spawn(nested, "a");
      const auto b = spawn(nested, "b");
      CHECK(b.get() == "inner b, outer b");
      CHECK(a.get() == "inner a, outer a");
    });
  }

  TEST_CASE("a wait in a catch block hides the exception from others") {
    in_hub([] {
      try {
        throw std::runtime_error("main's");
      } catch (const std::runtime_error&) {
        const auto other =
            spawn([] { return std::current_exception() == nullptr; });
        CHECK(other.get());
        CHECK(std::current_exception() != nullptr);
      }
      CHECK(std::current_exception() == nullptr);
    });
  }

  TEST_CASE("an exception in flight is counted for its own greenlet only") {
    in_hub([] {
      struct counts {
        explicit counts(std::string& text) : trace(text) {}
        ~counts() {
          trace += std::to_string(std::uncaught_exceptions());
          const auto other = spawn([] { return std::uncaught_exceptions(); });
          sleep(1s);
          trace += std::to_string(*other.value());
          trace += std::to_string(std::uncaught_exceptions());
        }
        std::string& trace;
      };
      std::string trace;
      try {
        const counts cleanup{trace};
        throw std::runtime_error("in flight");
      } catch (const std::runtime_error&) {
        trace += std::to_string(std::uncaught_exceptions());
      }
      CHECK(trace == "1010");
    });
  }

  TEST_CASE("an exception kept in a pointer may be rethrown by another") {
    in_hub([] {
      std::exception_ptr kept;
      spawn([&] {
        try {
          throw std::runtime_error("kept");
        } catch (...) {
          kept = std::current_exception();
          yield();
        }
      }).join();
      const auto other = spawn([&] { std::rethrow_exception(kept); });
      CHECK_THROWS_AS(other.get(), std::runtime_error);
    });
  }

  TEST_CASE("a kill reaches a greenlet that handles another exception") {
    in_hub([] {
      const auto victim = spawn([] { rethrown_after("handled", 1h); });
      const auto other = spawn([] { return rethrown_after("other", 1s); });
      yield();
      victim.kill();
      CHECK(victim.killed());
      CHECK(other.get() == "other");
    });
  }

  TEST_CASE("errno is kept over a wait") {
    in_hub([] {
      const auto keeps = [](int number) {
        for (int i = 0; i < 3; ++i) {
          errno = number + i;
          if (i == 0)
            yield();
          else
            sleep(1ms);
          if (errno != number + i) return false;
        }
        return true;
      };
      std::vector<greenlet<bool>> all;
      for (int i = 0; i < 5; ++i)
        all.push_back(spawn(keeps, 10 * i));
      for (const auto& each : all)
        CHECK(each.get());
    });
  }
}
