#include "hub/support.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/tcp.hpp>

#include <unistd.h>

#include <array>
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

  TEST_CASE("text as long as the limit may have its mark in pieces") {
    in_real_hub([] {
      for (const std::string& text :
           {std::string(100, 'x'), std::string(99, 'x') + '\r'}) {
        connection c;
        const auto reader = spawn([&] {
          buffered_reader marked{c.near, 100};
          std::error_code failed;
          const auto read = marked.read_until("\r\n\r\n", {}, failed);
          CHECK_FALSE(failed);
          return read.value_or("");
        });
        for (const char byte : text + "\r\n\r\n") {
          c.far.write({&byte, 1});
          idle();
        }
        CHECK(reader.get() == text + "\r\n\r\n");
      }
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

  // --- marks and lengths ----------------------------------------------------

  TEST_CASE("read_until stops after its mark, also one that comes in halves") {
    in_real_hub([] {
      connection c;
      buffered_reader reader{c.near};
      const auto writer = spawn([&] {
        for (const char* part :
             {"head\r\n\r", "\nbody\r", "\n\r\n\r\n\r\nrest"}) {
          c.far.write(part);
          idle();
        }
        c.far.close();
      });
      CHECK(reader.read_until("\r\n\r\n") == "head\r\n\r\n");
      CHECK(reader.read_until("\r\n\r\n") == "body\r\n\r\n");
      CHECK(reader.read_until("\r\n\r\n") == "\r\n\r\n");
      CHECK(reader.read_until("\r\n\r\n") == "rest");
      CHECK(reader.read_until("\r\n\r\n") == std::nullopt);
      writer.join();
    });
  }

  TEST_CASE("text longer than the limit without its mark is refused") {
    in_real_hub([] {
      for (const std::size_t length : {10u, 11u, 9000u}) {
        CAPTURE(length);
        connection c;
        const std::string text(length, 'x');
        c.far.write(text + "--");
        buffered_reader reader{c.near, 10};
        std::error_code failed;
        const auto part = reader.read_until("--", 1s, failed);
        if (length <= 10)
          CHECK(part == text + "--");
        else
          CHECK(failed == std::errc::message_size);
      }
    });
  }

  TEST_CASE("lines, marks and lengths are read in turn") {
    in_real_hub([] {
      connection c;
      c.far.write("4\nbodyname=value;123456789");
      c.far.close();
      buffered_reader reader{c.near};
      CHECK(reader.read_line() == "4");
      std::error_code wrong;
      CHECK_FALSE(reader.read_until("", {}, wrong)); // an empty mark
      CHECK(wrong == std::errc::invalid_argument);
      std::string body(4, ' ');
      reader.read(body);
      CHECK(body == "body");
      CHECK(reader.read_until("=") == "name=");
      CHECK(reader.read_until(";") == "value;");
      CHECK(reader.buffered() == "123456789");
      std::array<char, 5> part;
      CHECK(reader.read_some(part) == 5);
      std::error_code failed;
      CHECK(reader.read(part, {}, failed) == 4);
      CHECK(failed == errc::closed);
      CHECK(reader.read_some(part, {}, failed) == 0);
      CHECK_FALSE(failed);
    });
  }

  TEST_CASE("a reader waits for what is not in its buffer") {
    in_real_hub([] {
      connection c;
      buffered_reader reader{c.near};
      c.far.write("line\nab");
      CHECK(reader.read_line() == "line");
      std::string text(6, ' ');
      const auto waiter = spawn([&] { reader.read(text); });
      idle();
      c.far.write("cdef");
      waiter.join();
      CHECK(text == "abcdef");
      CHECK(error_of([&] {
              reader.read_line(1ms);
            }).find("read a line: timed out") != std::string::npos);
      CHECK(error_of([&] {
              reader.read_until("x", 1ms);
            }).find(": timed out") != std::string::npos);
    });
  }

  TEST_CASE("a megabyte of short lines is read whole") {
    in_real_hub([] {
      connection c;
      constexpr int count = 100'000;
      const auto writer = spawn([&] {
        std::string text;
        for (int i = 0; i < count; ++i)
          text += "0123456789\n";
        c.far.write(text);
        c.far.close();
      });
      buffered_reader reader{c.near};
      int lines = 0;
      while (reader.read_line())
        ++lines;
      CHECK(lines == count);
      writer.join();
    });
  }
}
