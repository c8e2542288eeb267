#include "hub/support.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/standard_streams.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// In place of descriptor 0, 1 or 2 for a while.
class in_place_of {
public:
  in_place_of(int number, int replacement)
      : number_(number), before_(::fcntl(number, F_DUPFD_CLOEXEC, 3)) {
    ::dup2(replacement, number);
  }
  ~in_place_of() {
    ::dup2(before_, number_);
    ::close(before_);
  }

private:
  int number_;
  int before_;
};

using two = std::array<int, 2>;

two blocking_pipe() {
  two ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  return ends;
}

two blocking_sockets() {
  two ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) ==
          0);
  return ends;
}

void close_both(const two& ends) {
  ::close(ends[0]);
  ::close(ends[1]);
}

bool is_blocking(int descriptor) {
  return (::fcntl(descriptor, F_GETFL) & O_NONBLOCK) == 0;
}

void put(int into, const std::string& text) {
  REQUIRE(::write(into, text.data(), text.size()) ==
          static_cast<ssize_t>(text.size()));
}

std::string take(int from) {
  std::array<char, 100> part;
  const ssize_t bytes = ::read(from, part.data(), part.size());
  return {part.data(), static_cast<std::size_t>(std::max<ssize_t>(bytes, 0))};
}

/// Lines that come later are waited for, by this greenlet alone.
void read_lines(two ends) {
  const in_place_of input{0, ends[0]};
  in_real_hub([&] {
    buffered_reader lines{standard_input()};
    std::error_code failed;
    lines.read_line(1ms, failed);
    CHECK(failed == errc::timed_out);
    auto typist = spawn([&] { put(ends[1], "one\ntwo\n"); });
    CHECK(lines.read_line(5s) == "one");
    CHECK(lines.read_line(5s) == "two");
    CHECK(is_blocking(0));
    typist.join();
    auto reader = spawn([&] { lines.read_line(); });
    yield();
    CHECK(reader.kill(1s));
    standard_input().write("x", 1s, failed);
    CHECK(failed == std::errc::bad_file_descriptor);
  });
}

void read_to_the_end(two ends) {
  const in_place_of input{0, ends[0]};
  put(ends[1], "last");
  ::close(ends[1]);
  in_real_hub([] {
    buffered_reader lines{standard_input()};
    CHECK(lines.read_line(5s) == "last");
    CHECK_FALSE(lines.read_line(5s));
    std::error_code failed;
    std::array<char, 1> part;
    CHECK(standard_input().read(part, 5s, failed) == 0);
    CHECK(failed == errc::closed);
  });
  ::close(ends[0]);
}

/// Until nothing fits, then the rest.
void write_much(two ends) {
  const in_place_of output{1, ends[1]};
  in_real_hub([&] {
    stream& out = standard_output();
    out.write({"a", "b"}, 5s);
    CHECK(take(ends[0]) == "ab");
    std::error_code failed;
    const std::size_t fitted = out.write(more_than_fits(), 5ms, failed);
    CHECK(failed == errc::timed_out);
    CHECK(is_blocking(1));
    std::size_t read = 0;
    while (read < fitted)
      read += take(ends[0]).size();
    CHECK(read == fitted);
    std::array<char, 1> part;
    out.read(part, 1s, failed);
    CHECK(failed == std::errc::bad_file_descriptor);
  });
}

} // namespace

TEST_SUITE("io") {
  TEST_CASE("lines are read from a standard input of any kind") {
    two ends{};
    SUBCASE("when it is a pipe") {
      ends = blocking_pipe();
    }
    SUBCASE("when it is a socket") {
      ends = blocking_sockets();
    }
    read_lines(ends);
    close_both(ends);
  }

  TEST_CASE("standard input has an end") {
    two ends{};
    SUBCASE("when it is a pipe") {
      ends = blocking_pipe();
    }
    SUBCASE("when it is a socket") {
      ends = blocking_sockets();
    }
    read_to_the_end(ends);
  }

  TEST_CASE("lines are read from a terminal") {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(::grantpt(master) == 0);
    REQUIRE(::unlockpt(master) == 0);
    const int slave = ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    read_lines({slave, master});
    close_both({slave, master});
  }

  TEST_CASE("standard output waits for its reader, of any kind") {
    two ends{};
    SUBCASE("when it is a pipe") {
      ends = blocking_pipe();
    }
    SUBCASE("when it is a socket") {
      ends = blocking_sockets();
    }
    write_much(ends);
    close_both(ends);
  }

  TEST_CASE("standard output without a reader is a broken pipe") {
    two ends{};
    SUBCASE("when it is a pipe") {
      ends = blocking_pipe();
    }
    SUBCASE("when it is a socket") {
      ends = blocking_sockets();
    }
    {
      const in_place_of output{1, ends[1]};
      ::close(ends[0]);
      in_real_hub([] {
        std::error_code failed;
        standard_output().write("lost", 1s, failed);
        CHECK(failed == std::errc::broken_pipe);
      });
    }
    ::close(ends[1]);
  }

  TEST_CASE("a regular file is read and written where it stands") {
    const int file = ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    put(file, "begun\n");
    {
      const in_place_of output{1, file};
      in_real_hub([] { standard_output().write({"gone", " on\n"}); });
      put(1, "shared\n");
    }
    ::lseek(file, 6, SEEK_SET);
    {
      const in_place_of input{0, file};
      in_real_hub([] {
        buffered_reader lines{standard_input()};
        CHECK(lines.read_line(0s) == "gone on");
        CHECK(lines.read_line() == "shared");
        CHECK_FALSE(lines.read_line());
      });
      CHECK(is_blocking(0));
    }
    ::close(file);
  }

  TEST_CASE("the null device is empty, and takes all") {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    {
      const in_place_of input{0, null};
      const in_place_of error{2, null};
      in_real_hub([] {
        CHECK_FALSE(buffered_reader{standard_input()}.read_line());
        standard_error().write(more_than_fits());
      });
    }
    ::close(null);
  }

  TEST_CASE("to close a standard stream leaves the descriptor open") {
    two ends{};
    SUBCASE("when it is a pipe") {
      ends = blocking_pipe();
    }
    SUBCASE("when it is a socket") {
      ends = blocking_sockets();
    }
    {
      const in_place_of input{0, ends[0]};
      in_real_hub([] {
        std::error_code failed;
        std::array<char, 8> part;
        auto reader =
            spawn([&] { standard_input().read_some(part, 5s, failed); });
        yield();
        standard_input().close();
        reader.join();
        CHECK(failed == errc::closed);
        standard_input().read_some(part, 5s, failed);
        CHECK(failed == errc::closed);
      });
      put(ends[1], "still there");
      CHECK(take(0) == "still there");
    }
    close_both(ends);
  }
}
