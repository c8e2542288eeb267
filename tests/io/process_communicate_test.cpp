#include "hub/support.hpp"
#include "io/process_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/process.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

const process_options all_pipes{
    .input = stdio::pipe, .output = stdio::pipe, .error = stdio::pipe};

std::string numbered(std::size_t lines) {
  std::string text;
  for (std::size_t i = 0; i < lines; ++i)
    text += std::to_string(i) + "\n";
  return text;
}

/// Waits to be told by a byte on its descriptor 3 before it goes on.
struct held_child {
  explicit held_child(const std::string& before, const std::string& after) {
    process_options options = all_pipes;
    options.descriptors = {gate.reader.native_handle()};
    child.emplace(shell(before + "; read go </dev/fd/" +
                            std::to_string(gate.reader.native_handle()) + "; " +
                            after,
                        options));
  }
  void let_go() { gate.writer.write("\n"); }

  pipe_ends gate = greenroom::pipe();
  std::optional<process> child;
};

} // namespace

TEST_SUITE("io") {
  TEST_CASE("communicate gives the input and takes what is written") {
    in_real_hub([] {
      process child = shell("cat; echo oops >&2; exit 4", all_pipes);
      const process_output texts = child.communicate("some input", 20s);
      CHECK(texts.output == "some input");
      CHECK(texts.error == "oops\n");
      CHECK(texts.dropped == 0);
      CHECK(child.poll() == exit_status{.code = 4});
      CHECK(child.communicate({}, 20s).output.empty());
    });
    CHECK(has_no_children());
  }

  TEST_CASE("communicate leaves alone what is no pipe") {
    in_real_hub([] {
      CHECK(shell("exit 0").communicate({}, 20s).output.empty());
      process reader = shell("read a; exit $a", {.input = stdio::pipe});
      reader.communicate("6\n", 20s);
      CHECK(reader.poll()->code == 6);
      CHECK(printed("cat", {.input = stdio::null}).empty());
    });
  }

  TEST_CASE("much input, output and errors at once do not block each other") {
    in_real_hub([] {
      const std::string input = numbered(300'000); // 2 MB
      SUBCASE("when they are mixed") {
        process child{"tee", {"/dev/stderr"}, all_pipes};
        const process_output texts = child.communicate(input, 60s);
        CHECK(texts.output == input);
        CHECK(texts.error == input);
      }
      SUBCASE("when it writes before it reads") {
        process child = shell("seq 300000; seq 300000 >&2; wc -c", all_pipes);
        const process_output texts = child.communicate(input, 60s);
        CHECK(texts.error.size() > 1'000'000);
        CHECK(mentions(texts.output, std::to_string(input.size()) + "\n"));
      }
    });
  }

  TEST_CASE("a child that does not read its input is no error") {
    in_real_hub([] {
      process child = shell("exec <&-; echo done", all_pipes);
      CHECK(child.communicate(numbered(300'000), 20s).output == "done\n");
      CHECK(child.poll()->success());
    });
  }

  TEST_CASE("only so much is kept, and the child is not held up") {
    in_real_hub([] {
      process_options options = all_pipes;
      options.output_limit = 1000;
      process child = shell("seq 100000; echo short >&2", options);
      const process_output texts = child.communicate({}, 20s);
      CHECK(texts.output == numbered(100'001).substr(2, 1000));
      CHECK(texts.error == "short\n");
      CHECK(texts.dropped == numbered(100'001).size() - 2 - 1000);
      CHECK(child.poll()->success());
    });
  }

  TEST_CASE("communicate goes on where it was") {
    in_real_hub([] { // GEVENT.md 3.2, 67
      held_child held{"read a; echo first $a; echo err1 >&2",
                      "cat; echo err2 >&2"};
      process& child = *held.child;
      const std::string input = "one\n" + numbered(100'000);
      std::error_code failed;
      SUBCASE("after its deadline") {
        CHECK(child.communicate(input, 20ms, failed).output.empty());
        CHECK(failed == errc::timed_out);
        CHECK(mentions(error_of([&] { child.communicate({}, 1ms); }),
                       "communicate with sh: timed out"));
      }
      SUBCASE("after a kill") {
        for (int i = 0; i < 5; ++i) {
          auto victim = spawn([&] { child.communicate(input); });
          sleep(2ms);
          CHECK(victim.kill(20s));
        }
      }
      SUBCASE("after somebody else's time-out") {
        CHECK_THROWS_AS(with_timeout(10ms, [&] { child.communicate(input); }),
                        timeout_expired);
      }
      held.let_go();
      const process_output texts = child.communicate("ignored", 20s);
      CHECK(texts.output == "first one\n" + numbered(100'000));
      CHECK(texts.error == "err1\nerr2\n");
      CHECK(child.poll()->success());
    });
    CHECK(has_no_children());
  }

  TEST_CASE("two greenlets do not communicate with one process") {
    in_real_hub([] {
      held_child held{"true", "true"};
      auto first = spawn([&] { held.child->communicate({}, 20s); });
      yield();
      std::error_code failed;
      held.child->communicate({}, 20s, failed);
      CHECK(failed == errc::busy);
      held.let_go();
      first.join();
      CHECK(first.successful());
    });
  }

  TEST_CASE("communicate is told when its process is destroyed") {
    in_real_hub([] {
      held_child held{"true", "true"};
      std::error_code failed;
      auto first = spawn(
          [&] { held.child->communicate(numbered(100'000), 20s, failed); });
      sleep(1ms);
      held.child.reset();
      first.join();
      CHECK(failed == errc::closed);
      CHECK(all_reaped());
    });
  }

  // --- run ------------------------------------------------------------------

  TEST_CASE("run returns how it ended and what it wrote") {
    in_real_hub([] {
      const auto done =
          run("sh", {"-c", "cat; echo out; echo err >&2; exit 3"});
      CHECK(done.status.code == 3);
      CHECK(done.output == "out\n");
      CHECK(done.error == "err\n");
      CHECK(run("pwd", {}, {.directory = "/"}, 20s).output == "/\n");
      CHECK(run("sh", {"-c", "echo a; echo b >&2"}, {.error = stdio::output})
                .output == "a\nb\n");
      CHECK(mentions(error_of([] { run("no-such-program"); }),
                     "start no-such-program"));
    });
    CHECK(has_no_children());
  }

  TEST_CASE("run kills all that it started") {
    in_real_hub([] {
      const std::vector<std::string> words{
          "-c", "echo begun; trap '' TERM; sleep 1000 & sleep 1000; echo no"};
      SUBCASE("at its deadline") {
        CHECK(mentions(error_of([&] { run("sh", words, {}, 50ms); }),
                       "run sh: timed out"));
      }
      SUBCASE("at its deadline, and returns what had come") {
        std::error_code failed;
        const auto done = run("sh", words, {}, 200ms, failed);
        CHECK(failed == errc::timed_out);
        CHECK(done.status.signal == SIGKILL);
        CHECK((done.output == "begun\n" || done.output.empty()));
      }
      SUBCASE("when the caller is killed") {
        auto caller = spawn([&] { run("sh", words); });
        sleep(20ms);
        CHECK(caller.kill(20s));
      }
      SUBCASE("when the caller's time is up") {
        CHECK_THROWS_AS(with_timeout(20ms, [&] { run("sh", words); }),
                        timeout_expired);
      }
      CHECK(all_reaped());
    });
  }

  TEST_CASE("run kills what holds its output when the child has ended") {
    in_real_hub([] {
      std::error_code failed;
      const auto done =
          run("sh", {"-c", "sleep 1000 & echo $!"}, {}, 200ms, failed);
      CHECK(failed == errc::timed_out);
      CHECK(done.status.success());
      const pid_t grandchild = std::stoi(done.output);
      for (int i = 0; i < 5000 && ::kill(grandchild, 0) == 0; ++i)
        sleep(1ms);
      CHECK(::kill(grandchild, 0) != 0);
    });
    CHECK(has_no_children());
  }
}
