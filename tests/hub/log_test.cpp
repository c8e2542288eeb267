#include <greenroom/hub/log.hpp>

#include "hub/support.hpp"

#include <stdexcept>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;
using test::captured_log;
using test::in_hub;

TEST_SUITE("hub") {
  TEST_CASE("the framework logs to the logger that is registered for it") {
    captured_log log;
    log_debug("small");
    log_info("told");
    log_warning("odd {}");
    log_error("bad");
    CHECK(log.text() == "debug: small\ninfo: told\nwarning: odd {}\n"
                        "error: bad\n");
  }

  TEST_CASE("a logger may be replaced at any time") {
    std::string first_text;
    {
      captured_log first;
      log_error("one");
      first_text = first.text();
    }
    captured_log second;
    log_error("two");
    CHECK(first_text == "error: one\n");
    CHECK(second.text() == "error: two\n");
  }

  TEST_CASE("what leaves a greenlet is logged once, with its name and text") {
    captured_log log;
    in_hub([] {
      const auto failing = spawn({.name = "unlucky"},
                                 [] { throw std::runtime_error("no luck"); });
      failing.join();
      failing.join();
      CHECK_THROWS(failing.get());
      CHECK_THROWS(failing.get());
    });
    CHECK(log.text() ==
          "error: greenlet 'unlucky' failed with std::runtime_error: no "
          "luck\n");
  }

  TEST_CASE("a failure without any text is logged by its type") {
    captured_log log;
    in_hub([] { spawn({.name = "odd"}, [] { throw 5; }).join(); });
    CHECK(log.text() == "error: greenlet 'odd' failed with int\n");
  }

  TEST_CASE("a kill is not logged") {
    captured_log log;
    in_hub([] {
      const auto victim = spawn([] { sleep(1h); });
      const auto fresh = spawn([] {});
      fresh.kill();
      yield();
      victim.kill();
    });
    CHECK(log.text().empty());
  }

  TEST_CASE("an exception is described by its type and text") {
    const auto text_of = [](auto error) {
      return describe(std::make_exception_ptr(error));
    };
    CHECK(text_of(std::runtime_error("x")) == "std::runtime_error: x");
    CHECK(text_of(5) == "int");
    CHECK(text_of(std::string("text")).find("string") != std::string::npos);
    CHECK(describe(nullptr) == "no error");
    const std::error_code code = errc::timed_out;
    CHECK(code == std::errc::timed_out);
    CHECK(code.category() == error_category());
    CHECK(std::string(code.category().name()) == "greenroom");
    for (int value = 1; value <= 10; ++value)
      CHECK(error_category().message(value).find("unknown") ==
            std::string::npos);
    CHECK(error_category().message(99) == "unknown error 99");
  }
}
