#include "hub/support.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/tcp.hpp>

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("io") {
  // --- lines --------------------------------------------------------------

  TEST_CASE("lines end with a line feed, with or without a return") {
    in_real_hub([] {
      connection c;
      c.far.write("one\ntwo\r\n\n\r\nfive\rstill five\nlast");
      c.far.close();
      buffered_reader lines{c.near};
      CHECK(lines.read_line() == "one");
      CHECK(lines.read_line() == "two");
      CHECK(lines.read_line() == "");
      CHECK(lines.read_line() == "");
      CHECK(lines.read_line() == "five\rstill five");
      CHECK(lines.read_line() == "last");
      CHECK(lines.read_line() == std::nullopt);
      CHECK(lines.read_line() == std::nullopt);
    });
  }

  TEST_CASE("a stream without text has no lines") {
    in_real_hub([] {
      connection c;
      c.far.close();
      buffered_reader lines{c.near};
      CHECK(lines.read_line() == std::nullopt);
    });
  }

  TEST_CASE("a line may come in any number of pieces") {
    in_real_hub([] {
      connection c;
      std::vector<std::string> read;
      const auto reader = spawn([&] {
        buffered_reader lines{c.near};
        while (const auto line = lines.read_line())
          read.push_back(*line);
      });
      for (const char byte : std::string("ab\r\ncd\n\r\ne")) {
        c.far.write({&byte, 1});
        idle();
      }
      c.far.close();
      reader.join();
      CHECK(read == std::vector<std::string>{"ab", "cd", "", "e"});
    });
  }

  TEST_CASE("a line as long as the limit is read, a longer one refused") {
    for (const char* end : {"\n", "\r\n", ""}) {
      CAPTURE(end);
      in_real_hub([&] {
        for (const std::size_t length : {9u, 10u, 11u, 5000u}) {
          CAPTURE(length);
          connection c;
          const std::string text(length, 'x');
          c.far.write("short\n" + text + end);
          c.far.close();
          buffered_reader lines{c.near, 10};
          CHECK(lines.read_line() == "short");
          std::error_code failed;
          const auto line = lines.read_line({}, failed);
          if (length <= 10) {
            CHECK(line == text);
            CHECK(lines.read_line() == std::nullopt);
          } else {
            CHECK_FALSE(line);
            CHECK(failed == std::errc::message_size);
            CHECK_THROWS_AS(lines.read_line(), std::system_error);
          }
        }
      });
    }
  }

  TEST_CASE("a line longer than the limit is refused before its end comes") {
    in_real_hub([] {
      connection c;
      buffered_reader lines{c.near, 10};
      std::error_code failed;
      c.far.write("1234567890");
      CHECK_FALSE(lines.read_line(1ms, failed));
      CHECK(failed == errc::timed_out);
      c.far.write("\r");
      CHECK_FALSE(lines.read_line(1ms, failed));
      CHECK(failed == errc::timed_out);
      c.far.write("!");
      CHECK_FALSE(lines.read_line(1s, failed));
      CHECK(failed == std::errc::message_size);
    });
  }

  TEST_CASE("many short lines together may exceed the limit") {
    in_real_hub([] {
      connection c;
      std::string text;
      for (int i = 0; i < 1000; ++i)
        text += std::to_string(i) + "\n";
      c.far.write(text);
      c.far.close();
      buffered_reader lines{c.near, 5};
      for (int i = 0; i < 1000; ++i)
        CHECK(lines.read_line() == std::to_string(i));
      CHECK(lines.read_line() == std::nullopt);
    });
  }

  TEST_CASE("a reader that was killed or late goes on without a loss") {
    in_real_hub([] {
      connection c;
      buffered_reader lines{c.near};
      c.far.write("first\nsec");
      CHECK(lines.read_line() == "first");
      std::error_code failed;
      CHECK_FALSE(lines.read_line(1ms, failed));
      CHECK(failed == errc::timed_out);
      CHECK_FALSE(timeout{1ms}.run([&] { lines.read_line(); }));
      c.far.write("o");
      const auto victim = spawn([&] { lines.read_line(); });
      yield();
      idle();
      victim.kill();
      CHECK(victim.killed());
      c.far.write("nd\n");
      CHECK(lines.read_line() == "second");
    });
  }

  TEST_CASE("an error in the middle of a line is reported") {
    in_real_hub([] {
      connection c;
      buffered_reader lines{c.near};
      c.far.write("half");
      std::error_code failed;
      CHECK_FALSE(lines.read_line(1ms, failed));
      c.far.reset();
      CHECK_FALSE(lines.read_line({}, failed));
      CHECK(failed == std::errc::connection_reset);
    });
  }
}
