#include "hub/support.hpp"
#include "io/stream_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/pipe.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// Writes until nothing fits any more.
void fill(pipe_stream& writer) {
  std::error_code failed;
  writer.write(more_than_fits(), 1ms, failed);
  REQUIRE(failed == errc::timed_out);
}

bool is_pending(int number) {
  sigset_t pending;
  ::sigpending(&pending);
  return ::sigismember(&pending, number) == 1;
}

/// Blocks SIGPIPE for this thread.
class sigpipe_blocked {
public:
  sigpipe_blocked() {
    ::sigemptyset(&only);
    ::sigaddset(&only, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &only, nullptr);
  }
  ~sigpipe_blocked() {
    const timespec at_once{};
    ::sigtimedwait(&only, nullptr, &at_once);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  }
  sigset_t only;
};

} // namespace

TEST_SUITE("io") {
  TEST_CASE("what is written into a pipe is read from it") {
    in_real_hub([] {
      auto [reader, writer] = greenroom::pipe();
      writer.write({"hello ", "there", "\n"});
      CHECK(buffered_reader{reader}.read_line() == "hello there");
      auto& in = writer;
      auto later = spawn([&in] { in.write("more"); });
      std::array<char, 4> part;
      reader.read(part, 1s);
      CHECK(std::string(part.data(), part.size()) == "more");
      later.join();
    });
  }

  TEST_CASE("a pipe ends where its writer is closed, each time one reads") {
    in_real_hub([] {
      auto [reader, writer] = greenroom::pipe();
      writer.write("last");
      writer.shutdown_write();
      CHECK_FALSE(writer.is_open());
      CHECK(read_all(reader) == "last");
      CHECK(read_all(reader).empty());
      std::array<char, 1> part;
      std::error_code failed;
      CHECK(reader.read(part, 1s, failed) == 0);
      CHECK(failed == errc::closed);
    });
  }

  TEST_CASE("shutdown_write leaves an end that is read as it is") {
    in_real_hub([] {
      auto [reader, writer] = greenroom::pipe();
      reader.shutdown_write();
      writer.write("a");
      writer.close();
      CHECK(read_all(reader) == "a");
    });
  }

  TEST_CASE("more than fits into a pipe waits for its reader") {
    in_real_hub([] {
      auto [reader, writer] = greenroom::pipe();
      auto& in = writer;
      auto sender = spawn([&in] {
        in.write({"<", more_than_fits(), ">"});
        in.close();
      });
      const std::string all = read_all(reader);
      CHECK(all.size() == more_than_fits().size() + 2);
      CHECK(all.front() == '<');
      CHECK(all.back() == '>');
      sender.join();
    });
  }

  TEST_CASE("writing what nobody can read is an error, and no signal") {
    in_real_hub([] {
      auto [reader, writer] = greenroom::pipe();
      reader.close();
      std::error_code failed;
      CHECK(writer.write("lost", 1s, failed) == 0);
      CHECK(failed == std::errc::broken_pipe);
      auto& in = writer;
      CHECK(mentions(error_of([&in] { in.write("lost"); }),
                     "write to a pipe: Broken pipe"));
      CHECK_FALSE(is_pending(SIGPIPE));
    });
  }

  TEST_CASE("a SIGPIPE that is pending stays so") {
    in_real_hub([] {
      auto [reader, writer] = greenroom::pipe();
      reader.close();
      const sigpipe_blocked blocked;
      std::error_code failed;
      writer.write("lost", 1s, failed);
      CHECK_FALSE(is_pending(SIGPIPE));
      ::raise(SIGPIPE);
      writer.write("lost", 1s, failed);
      CHECK(failed == std::errc::broken_pipe);
      CHECK(is_pending(SIGPIPE));
    });
  }

  TEST_CASE("a writer is told when its reader goes while it waits") {
    in_real_hub([] {
      auto [reader, writer] = greenroom::pipe();
      auto& in = writer;
      fill(in);
      std::error_code failed;
      auto sender = spawn([&] { in.write("x", 5s, failed); });
      yield();
      reader.close();
      sender.join();
      CHECK(failed == std::errc::broken_pipe);
    });
  }

  TEST_CASE("waiting on a pipe ends at the deadline, and nothing is lost") {
    in_real_hub([] {
      auto [reader, writer] = greenroom::pipe();
      std::array<char, 8> part;
      std::error_code failed;
      reader.read_some(part, 1ms, failed);
      CHECK(failed == errc::timed_out);
      auto& from = reader;
      CHECK(mentions(error_of([&] { from.read(part, 1ms); }),
                     "read from a pipe: timed out"));
      writer.write("ok");
      CHECK(reader.read_some(part, 1s) == 2);
    });
  }

  TEST_CASE("a kill ends a wait on a pipe") {
    in_real_hub([] {
      auto [reader, writer] = greenroom::pipe();
      auto& out = reader;
      auto& in = writer;
      fill(in);
      auto stuck = spawn([&in] { in.write("x"); });
      yield();
      CHECK(stuck.kill(1s));
      std::string text(64, ' ');
      auto other = greenroom::pipe();
      auto idle_reader = spawn([&] { other.reader.read(text); });
      yield();
      CHECK(idle_reader.kill(1s));
      other.writer.write("x");
      CHECK(other.reader.read_some(text, 1s) == 1);
      out.close();
    });
  }

  TEST_CASE("closing, moving or destroying a pipe wakes who waits on it") {
    in_real_hub([] {
      std::optional<pipe_ends> ends{greenroom::pipe()};
      std::error_code failed;
      const auto reader = [&] {
        return spawn([&] {
          std::array<char, 8> part;
          ends->reader.read_some(part, 5s, failed);
        });
      };
      auto first = reader();
      yield();
      SUBCASE("when it is closed") {
        ends->reader.close();
      }
      SUBCASE("when it is destroyed") {
        ends.reset();
      }
      SUBCASE("when another is assigned") {
        ends->reader = greenroom::pipe().reader;
      }
      SUBCASE("when the descriptor is given away") {
        ::close(ends->reader.release());
      }
      first.join();
      CHECK(failed == errc::closed);
    });
  }

  TEST_CASE("a second greenlet in one direction of a pipe is busy") {
    in_real_hub([] {
      auto [reader, writer] = greenroom::pipe();
      auto& out = reader;
      std::array<char, 8> part;
      auto first = spawn([&] { out.read_some(part); });
      yield();
      std::error_code failed;
      out.read_some(part, 1s, failed);
      CHECK(failed == errc::busy);
      first.kill();
    });
  }

  TEST_CASE("a closed pipe says so") {
    in_real_hub([] {
      auto ends = greenroom::pipe();
      ends.writer.close();
      ends.reader.close();
      ends.reader.close();
      CHECK(ends.reader.native_handle() == -1);
      std::array<char, 8> part;
      std::error_code failed;
      ends.reader.read_some(part, 1s, failed);
      CHECK(failed == errc::closed);
      ends.writer.write("x", 1s, failed);
      CHECK(failed == errc::closed);
    });
  }

  TEST_CASE("a terminal is adopted, and has both directions") {
    in_real_hub([] {
      const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
      REQUIRE(master >= 0);
      REQUIRE(::grantpt(master) == 0);
      REQUIRE(::unlockpt(master) == 0);
      const int slave =
          ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
      auto keyboard = pipe_stream::adopt(master);
      auto terminal = pipe_stream::adopt(slave);
      keyboard.write("ls\n");
      CHECK(buffered_reader{terminal}.read_line(1s) == "ls");
      terminal.write("file\n");
      CHECK(buffered_reader{keyboard}.read_line(1s) == "ls"); // its echo
      std::error_code failed;
      std::array<char, 8> part;
      terminal.shutdown_write();
      terminal.read_some(part, 1ms, failed);
      CHECK(failed == errc::timed_out);
      CHECK(mentions(error_of([&] { terminal.read_some(part, 1ms); }),
                     "read from /dev/pts/"));
    });
  }

  TEST_CASE("a socket is adopted, and shut down for writing") {
    in_real_hub([] {
      std::array<int, 2> ends{};
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
                           ends.data()) == 0);
      auto near = pipe_stream::adopt(ends[0]);
      auto far = pipe_stream::adopt(ends[1]);
      near.write("ask");
      near.shutdown_write();
      CHECK(read_all(far) == "ask");
      far.write("reply");
      far.close();
      CHECK(read_all(near) == "reply");
      std::error_code failed;
      near.write("x", 1s, failed);
      CHECK(failed == std::errc::broken_pipe);
    });
  }

  TEST_CASE("what is no descriptor is not adopted") {
    in_real_hub([] {
      CHECK(mentions(error_of([] { pipe_stream::adopt(-1); }),
                     "adopt a descriptor: Bad file descriptor"));
    });
  }

  TEST_CASE("a writer whose reader keeps up lets others run") {
    in_real_hub([] {
      auto [reader, writer] = greenroom::pipe();
      bool ran = false;
      auto other = spawn([&] { ran = true; });
      for (int i = 0; i < 100 && !ran; ++i)
        writer.write("x");
      CHECK(ran);
      other.join();
      reader.close();
    });
  }
}
