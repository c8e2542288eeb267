#include "hub/support.hpp"
#include "io/busy_pool.hpp"
#include "io/stream_support.hpp"
#include "io/temporary_folder.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/buffered_reader.hpp>
#include <greenroom/io/file.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// `body(path)` with a path in a fresh folder; leaves no descriptor open.
template <class Body>
void with_path(Body&& body) {
  in_real_hub([&] {
    const temporary_folder folder;
    const std::string path = folder.path() + "/file";
    write_file(path, ""); // the pool's and the hub's own descriptors
    std::filesystem::remove(path);
    const std::size_t before = open_descriptors();
    body(path);
    CHECK(open_descriptors() == before);
  });
}

constexpr file_options both{.write = true, .create = true};

} // namespace

TEST_SUITE("file") {
  TEST_CASE("what is written is read again") {
    with_path([](const std::string& path) {
      file made = file::open(path, both);
      made.write("hello ");
      made.write({"there", ", ", "you"});
      CHECK(made.position() == 16);
      CHECK(made.size() == 16);
      made.seek(6);
      CHECK(read_all(made) == "there, you");
      CHECK(read_file(path) == "hello there, you");
    });
  }

  TEST_CASE("lines of a file are read as those of a connection") {
    with_path([](const std::string& path) {
      write_file(path, "one\ntwo\n\nlast");
      file text = file::open(path);
      buffered_reader lines{text};
      CHECK(lines.read_line() == "one");
      CHECK(lines.read_line() == "two");
      CHECK(lines.read_line() == "");
      CHECK(lines.read_line() == "last");
      CHECK(lines.read_line() == std::nullopt);
    });
  }

  TEST_CASE("any place is read and written") {
    with_path([](const std::string& path) {
      file made = file::open(path, both);
      made.write_at(4, "efgh");
      made.write_at(0, "abcd");
      std::array<char, 3> part;
      CHECK(made.read_at(3, part) == 3);
      CHECK(std::string_view(part.data(), 3) == "def");
      CHECK(made.read_at(7, part) == 1);
      CHECK(made.read_at(8, part) == 0);
      CHECK(made.read_at(1000, part) == 0);
      CHECK(made.position() == 0);
      made.truncate(2);
      CHECK(made.size() == 2);
      made.sync();
    });
  }

  TEST_CASE("appending writes to the end, wherever one has read") {
    with_path([](const std::string& path) {
      write_file(path, "first ");
      file log = file::open(path, {.append = true});
      std::array<char, 2> part;
      log.read(part);
      log.write("second ");
      log.write("third");
      CHECK(read_file(path) == "first second third");
    });
  }

  TEST_CASE("options say what is to be there") {
    with_path([](const std::string& path) {
      std::error_code failed;
      file::open(path, {}, {}, failed);
      CHECK(failed == std::errc::no_such_file_or_directory);
      CHECK(error_of([&] { file::open(path); }) ==
            "std::system_error: open " + path + ": No such file or directory");
      write_file(path, "text");
      file::open(path, {.write = true, .create = true, .exclusive = true}, {},
                 failed);
      CHECK(failed == std::errc::file_exists);
      CHECK(read_file(path) == "text");
      file::open(path, {.write = true, .truncate = true});
      CHECK(read_file(path) == "");
      file only_read = file::open(path);
      CHECK(error_of([&] { only_read.write("x"); }) ==
            "std::system_error: write to " + path + ": Bad file descriptor");
    });
  }

  TEST_CASE("permissions are those asked for, less the umask") {
    with_path([](const std::string& path) {
      file::open(path, {.write = true, .create = true, .permissions = 0600});
      struct stat what {};
      ::stat(path.c_str(), &what);
      CHECK((what.st_mode & 0777) == 0600);
    });
  }

  TEST_CASE("pipes and folders are refused, by name") {
    with_path([](const std::string& path) {
      CHECK(::mkfifo(path.c_str(), 0600) == 0);
      std::error_code failed;
      file::open(path, {}, {}, failed);
      CHECK(failed == std::errc::not_supported);
      file::open("/tmp", {.write = true}, {}, failed);
      CHECK(failed == std::errc::is_a_directory);
      CHECK(error_of([] { read_file("/tmp"); }) ==
            "std::system_error: read /tmp: Is a directory");
    });
  }

  TEST_CASE("what the system makes up is read to its end") {
    with_path([](const std::string&) {
      CHECK(read_file("/proc/self/status").find("Threads:") !=
            std::string::npos);
      file zeros = file::open("/dev/zero");
      std::array<char, 4> part{1, 1, 1, 1};
      zeros.read(part);
      CHECK(part == std::array<char, 4>{});
    });
  }

  TEST_CASE("the end within a read is an error that says how far it came") {
    with_path([](const std::string& path) {
      write_file(path, "abc");
      file text = file::open(path);
      std::array<char, 8> part;
      std::error_code failed;
      CHECK(text.read(part, {}, failed) == 3);
      CHECK(failed == errc::closed);
      CHECK(text.read_some(part) == 0);
    });
  }

  TEST_CASE("a closed file says so") {
    with_path([](const std::string& path) {
      file made = file::open(path, both);
      CHECK(made.is_open());
      made.close();
      CHECK_FALSE(made.is_open());
      CHECK(made.native_handle() == -1);
      std::array<char, 8> part;
      std::error_code failed;
      made.read_some(part, {}, failed);
      CHECK(failed == errc::closed);
      made.write("x", {}, failed);
      CHECK(failed == errc::closed);
      made.read_at(0, part, {}, failed);
      CHECK(failed == errc::closed);
      CHECK_THROWS_AS(made.size(), std::system_error);
      CHECK_THROWS_AS(made.sync(), std::system_error);
      file none;
      CHECK_FALSE(none.is_open());
    });
  }

  TEST_CASE("reading and writing in sequence are for one at a time") {
    with_path([](const std::string& path) {
      file made = file::open(path, both);
      const auto writer = spawn([&] { made.write("text"); });
      yield();
      std::error_code failed;
      std::array<char, 8> part;
      made.read_some(part, {}, failed);
      CHECK(failed == errc::busy);
      made.write("x", {}, failed);
      CHECK(failed == errc::busy);
      made.write_at(10, "y"); // any number of these
      writer.join();
      CHECK(made.size() == 11);
    });
  }

  TEST_CASE("a call that no thread has taken ends at its deadline") {
    with_path([](const std::string& path) {
      file made = file::open(path, both);
      std::error_code failed;
      const busy_pool pool;
      made.write("x", 1ms, failed);
      CHECK(failed == errc::timed_out);
      CHECK(error_of([&] { file::open(path, both, 1ms); }) ==
            "std::system_error: open " + path + ": timed out");
      CHECK_FALSE(timeout{1ms}.run([&] { made.write("x"); }));
      const auto victim = spawn([&] { made.write("x"); });
      yield();
      victim.kill();
      CHECK(victim.killed());
      CHECK(made.position() == 0);
    });
  }

  TEST_CASE("closed under a call, it is closed at that call's end") {
    with_path([](const std::string& path) {
      file made = file::open(path, both);
      std::error_code failed;
      std::size_t written = 0;
      const auto writer =
          spawn([&] { written = made.write("text", {}, failed); });
      yield();
      made.close();
      writer.join();
      CHECK(written == 4);
      CHECK_FALSE(failed);
    });
  }

  TEST_CASE("many greenlets read one file, and what is cached at once") {
    with_path([](const std::string& path) {
      std::string bytes(1 << 20, ' ');
      for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(i >> 12);
      write_file(path, bytes);
      file made = file::open(path);
      std::vector<any_greenlet> readers;
      int right = 0;
      for (std::size_t i = 0; i < 256; ++i)
        readers.push_back(spawn([&, i] {
          std::array<char, 4096> part;
          const std::size_t got = made.read_at(i << 12, part);
          right += got == 4096 && part[0] == static_cast<char>(i);
        }));
      joinall(readers);
      CHECK(right == 256);
    });
  }

  TEST_CASE("a reader of cached bytes gives others their turn") {
    with_path([](const std::string& path) {
      write_file(path, std::string(1000, 'x'));
      file made = file::open(path);
      int turns = 0;
      const auto other = spawn([&] {
        for (;; ++turns)
          yield();
      });
      std::array<char, 1> part;
      for (int i = 0; i < 1000; ++i)
        made.read_some(part);
      CHECK(turns >= 10);
      other.kill();
    });
  }

  TEST_CASE("a full disk is an error that says how much was written") {
    with_path([](const std::string& path) {
      rlimit before{};
      getrlimit(RLIMIT_FSIZE, &before);
      rlimit small = before;
      small.rlim_cur = 1000;
      const auto handler = std::signal(SIGXFSZ, SIG_IGN);
      file made = file::open(path, both);
      setrlimit(RLIMIT_FSIZE, &small);
      std::error_code failed;
      const std::size_t written =
          made.write(std::string(5000, 'x'), {}, failed);
      setrlimit(RLIMIT_FSIZE, &before);
      std::signal(SIGXFSZ, handler);
      CHECK(failed == std::errc::file_too_large);
      CHECK(written == 1000);
      CHECK(made.position() == 1000);
    });
  }

  TEST_CASE("a file is sent over a connection without a copy") {
    with_path([](const std::string& path) {
      write_file(path, "page");
      connection c;
      const file page = file::open(path);
      CHECK(c.near.send_file(page.native_handle(), 0, page.size()) == 4);
      CHECK(read_text(c.far, 4) == "page");
    });
  }
}
