#include "hub/support.hpp"
#include "io/process_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/process.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

class temporary_directory {
public:
  temporary_directory() {
    std::string name = "/tmp/greenroom-XXXXXX";
    REQUIRE(::mkdtemp(name.data()));
    path = std::filesystem::canonical(name);
  }
  ~temporary_directory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

std::string content_of(const std::filesystem::path& file) {
  std::ifstream from(file);
  return {std::istreambuf_iterator<char>(from), {}};
}

} // namespace

TEST_SUITE("io") {
  TEST_CASE("a program is given its arguments as they are") {
    in_real_hub([] {
      process child{"printf",
                    {"<%s>", "one two", "", "*", "$HOME"},
                    {.output = stdio::pipe}};
      CHECK(read_to_end(child.output()) == "<one two><><*><$HOME>");
    });
  }

  TEST_CASE("a zero byte would cut a word, and is refused") {
    in_real_hub([] {
      const std::string cut("a\0b", 3);
      CHECK_THROWS_AS(process("true", {cut}), std::invalid_argument);
      CHECK_THROWS_AS(process("true", {}, {.environment = {{"NAME", cut}}}),
                      std::invalid_argument);
    });
    CHECK(has_no_children());
  }

  TEST_CASE("variables are set, taken away, or all that there are") {
    in_real_hub([] {
      ::setenv("GREENROOM_TEST", "ours", 1);
      const auto variable = [](process_options options) {
        return printed("echo ${GREENROOM_TEST-none} ${HOME+home}", options);
      };
      CHECK(variable({}) == "ours home\n");
      CHECK(variable({.environment = {{"GREENROOM_TEST", "its"}}}) ==
            "its home\n");
      CHECK(variable({.environment = {{"GREENROOM_TEST", std::nullopt}}}) ==
            "none home\n");
      process_options only{.environment = {{"GREENROOM_TEST", "a=b"}},
                           .inherit_environment = false};
      CHECK(variable(only) == "a=b\n");
      process bare{"env",
                   {},
                   {.output = stdio::pipe,
                    .environment = only.environment,
                    .inherit_environment = false}};
      CHECK(read_to_end(bare.output()) == "GREENROOM_TEST=a=b\n");
      ::unsetenv("GREENROOM_TEST");
    });
  }

  TEST_CASE("a child runs in the directory it is given") {
    in_real_hub([] {
      const temporary_directory place;
      CHECK(printed("pwd", {.directory = place.path}) ==
            place.path.string() + "\n");
    });
  }

  // --- redirections ---------------------------------------------------------

  TEST_CASE("all three streams are pipes") {
    in_real_hub([] {
      process child = shell(
          "read a; echo out $a; echo err $a >&2",
          {.input = stdio::pipe, .output = stdio::pipe, .error = stdio::pipe});
      child.input().write("x\n");
      CHECK(read_to_end(child.output()) == "out x\n");
      CHECK(read_to_end(child.error()) == "err x\n");
      CHECK(child.wait(20s).success());
    });
  }

  TEST_CASE("the error stream goes where the output goes") {
    in_real_hub([] {
      CHECK(printed("echo a; echo b >&2; echo c", {.error = stdio::output}) ==
            "a\nb\nc\n");
      CHECK_THROWS_AS(process("true", {}, {.output = stdio::output}),
                      std::logic_error);
      CHECK_THROWS_AS(process("true", {}, {.input = stdio::output}),
                      std::logic_error);
    });
  }

  TEST_CASE("the null device is empty and takes all") {
    in_real_hub([] {
      CHECK(printed("cat; echo end; echo lost >&2",
                    {.input = stdio::null, .error = stdio::null}) == "end\n");
    });
  }

  TEST_CASE("streams are files") {
    in_real_hub([] {
      const temporary_directory place;
      const auto in = place.path / "in";
      const auto out = place.path / "out";
      std::ofstream(in) << "text\n";
      std::ofstream(out) << "what was there before";
      CHECK(shell("cat", {.input = in, .output = out}).wait(20s).success());
      CHECK(content_of(out) == "text\n");
      CHECK(mentions(
          error_of([&] { shell("cat", {.input = place.path / "none"}); }),
          "/none: No such file"));
    });
  }

  TEST_CASE("streams are descriptors of ours, which stay so") {
    in_real_hub([] {
      auto ends = greenroom::pipe();
      process child = shell(
          "echo to out; echo to err >&2",
          {.output = ends.writer.native_handle(), .error = stdio::output});
      CHECK(child.wait(20s).success());
      CHECK(ends.writer.is_open());
      ends.writer.close();
      CHECK(read_to_end(ends.reader) == "to out\nto err\n");
      CHECK(mentions(error_of([] { shell("true", {.output = 4711}); }),
                     "redirect to a descriptor: Bad file descriptor"));
    });
  }

  TEST_CASE("output and error are exchanged") {
    in_real_hub([] {
      auto ends = greenroom::pipe();
      const int ours = ::fcntl(2, F_DUPFD_CLOEXEC, 3);
      ::dup2(ends.writer.native_handle(), 2);
      const int status =
          shell("echo to out", {.output = 2, .error = 1}).wait(20s).code;
      ::dup2(ours, 2);
      ::close(ours);
      CHECK(status == 0);
      ends.writer.close();
      CHECK(read_to_end(ends.reader) == "to out\n");
    });
  }

  TEST_CASE("a child's ends of its pipes block as usual") {
    in_real_hub([] { // GEVENT.md 3.2, 67
      const std::string flags =
          printed("grep flags /proc/self/fdinfo/0 /proc/self/fdinfo/1",
                  {.input = stdio::pipe});
      CHECK(flags == "/proc/self/fdinfo/0:flags:\t00\n"
                     "/proc/self/fdinfo/1:flags:\t01\n");
    });
  }

  TEST_CASE("pipes are made also where 0 to 2 are closed") {
    in_real_hub([] {
      const int ours = ::fcntl(0, F_DUPFD_CLOEXEC, 3);
      ::close(0);
      std::string text;
      const std::string error = error_of([&] {
        process child{"cat",
                      {},
                      {.input = stdio::pipe,
                       .output = stdio::pipe,
                       .error = stdio::pipe}};
        text = child.communicate("through", 20s).output;
      });
      ::dup2(ours, 0);
      ::close(ours);
      CHECK(error.empty());
      CHECK(text == "through");
    });
  }

  // --- descriptors ----------------------------------------------------------

  TEST_CASE("a child has no descriptor that it was not given") {
    in_real_hub([] {
      const int open = ::dup(2); // without FD_CLOEXEC
      auto other = greenroom::pipe();
      process idle = shell("read a", {.input = stdio::pipe});
      process child{
          "ls",
          {"/proc/self/fd"},
          {.input = stdio::null, .output = stdio::pipe, .error = stdio::pipe}};
      // 3 is the directory that ls reads
      CHECK(read_to_end(child.output()) == "0\n1\n2\n3\n");
      ::close(open);
    });
  }

  TEST_CASE("descriptors are passed on under their numbers") {
    in_real_hub([] {
      auto first = greenroom::pipe();
      auto second = greenroom::pipe();
      const int a = first.writer.native_handle();
      const int b = second.writer.native_handle();
      process child = shell("echo one >/dev/fd/" + std::to_string(a) +
                                "; echo two >/dev/fd/" + std::to_string(b) +
                                "; ls /proc/self/fd | wc -l",
                            {.output = stdio::pipe, .descriptors = {b, a, 1}});
      CHECK(read_to_end(child.output()) == "6\n");
      first.writer.close();
      second.writer.close();
      CHECK(read_to_end(first.reader) == "one\n");
      CHECK(read_to_end(second.reader) == "two\n");
      CHECK(mentions(error_of([] { shell("true", {.descriptors = {4711}}); }),
                     "pass a descriptor on: Bad file descriptor"));
    });
  }

  TEST_CASE("several children at once hold no end of each other's pipes") {
    in_real_hub([] {
      std::vector<process> cats;
      for (int i = 0; i < 5; ++i)
        cats.emplace_back(
            "cat", std::vector<std::string>{},
            process_options{.input = stdio::pipe, .output = stdio::pipe});
      for (process& each : cats) {
        each.input().write("x");
        each.input().close(); // the others still run
        CHECK(read_to_end(each.output()) == "x");
        CHECK(each.wait(20s).success());
      }
    });
    CHECK(has_no_children());
  }
}
