#include "hub/support.hpp"
#include "io/process_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/process.hpp>
#include <greenroom/mailbox/event.hpp>
#include <greenroom/mailbox/semaphore.hpp>
#include <greenroom/mailbox/waiting.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

/// A child that runs until it is ended, and says that it does.
process endless(process_options options = {}) {
  options.output = stdio::pipe;
  process child = shell("echo ready; exec sleep 1000", options);
  std::array<char, 6> ready;
  child.output().read(ready, 20s);
  return child;
}

bool is_running(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string number, name, state;
  return (file >> number >> name >> state) && state != "Z";
}

/// Until a process that is nobody's child of ours has ended.
bool ends(pid_t pid) {
  for (int i = 0; i < 5000 && is_running(pid); ++i)
    sleep(1ms);
  return !is_running(pid);
}

/// The first line that it prints, a number.
pid_t printed_pid(process& child) {
  std::array<char, 64> line;
  const std::size_t bytes = child.output().read_some(line, 20s);
  return std::stoi(std::string(line.data(), bytes));
}

} // namespace

TEST_SUITE("io") {
  TEST_CASE("a process ends with its exit code") {
    in_real_hub([] {
      CHECK(process{"true"}.wait(20s).success());
      const exit_status status = shell("exit 7").wait(20s);
      CHECK(status == exit_status{.code = 7});
      CHECK(status.returncode() == 7);
      CHECK_FALSE(status.success());
      CHECK(status.text() == "exited with 7");
    });
    CHECK(has_no_children());
  }

  TEST_CASE("a process that a signal ended says which") {
    in_real_hub([] {
      const exit_status status = shell("kill -9 $$").wait(20s);
      CHECK(status == exit_status{.signal = SIGKILL});
      CHECK(status.returncode() == -SIGKILL);
      CHECK_FALSE(status.success());
      CHECK(status.text() == "ended by signal 9 (Killed)");
    });
  }

  TEST_CASE("poll tells the end as soon as there is one") {
    in_real_hub([] {
      process child = endless();
      CHECK_FALSE(child.poll());
      CHECK_FALSE(child.ready());
      CHECK(child.terminate());
      CHECK(child.wait(20s).signal == SIGTERM);
      CHECK(child.ready());
      CHECK(child.poll() == exit_status{.signal = SIGTERM});
      CHECK(child.wait(0s) == child.poll());
    });
  }

  TEST_CASE("only the waiting greenlet waits for a process") {
    in_real_hub([] {
      process child = shell("read line", {.input = stdio::pipe});
      bool ticked = false;
      auto other = spawn([&] {
        sleep(1ms);
        ticked = true;
        child.input().write("go\n");
      });
      CHECK(child.wait(20s).success());
      CHECK(ticked);
      other.join();
    });
  }

  TEST_CASE("many greenlets wait for one process") {
    in_real_hub([] {
      process child = endless();
      std::vector<any_greenlet> waiters;
      int ended = 0;
      for (int i = 0; i < 10; ++i)
        waiters.push_back(
            spawn([&] { ended += child.wait(20s).signal == SIGKILL; }));
      yield();
      waiters[3].kill();
      child.kill();
      joinall(waiters);
      CHECK(ended == 9);
    });
  }

  TEST_CASE("waiting for a process ends at the deadline") {
    in_real_hub([] {
      process child = endless();
      CHECK(mentions(error_of([&] { child.wait(1ms); }),
                     "wait for sh: timed out"));
      std::error_code failed;
      child.wait(0s, failed);
      CHECK(failed == errc::timed_out);
      CHECK_THROWS_AS(with_timeout(1ms, [&] { child.wait(); }),
                      timeout_expired);
      CHECK_FALSE(child.poll());
    });
    CHECK(has_no_children());
  }

  TEST_CASE("processes are waited for with other things") {
    in_real_hub([] {
      process slow = endless();
      process quick = shell("exit 3");
      event never;
      auto done = greenroom::wait({slow, never, quick}, 20s, 1);
      REQUIRE(done.size() == 1);
      CHECK(done.front() == any_waitable{quick});
      slow.kill();
      std::vector<any_waitable> order;
      for (const any_waitable& each : iwait({never, quick, slow}, 20s, 2))
        order.push_back(each);
      REQUIRE(order.size() == 2);
      CHECK(order.front() == any_waitable{quick});
      CHECK(order.back() == any_waitable{slow});
    });
  }

  TEST_CASE("a program that cannot be started is an error that names it") {
    in_real_hub([] {
      CHECK(mentions(error_of([] { process{"no-such-program"}; }),
                     "start no-such-program: No such file or directory"));
      CHECK(mentions(error_of([] { process{"/etc/passwd"}; }),
                     "start /etc/passwd: Permission denied"));
      CHECK(mentions(error_of([] {
                       process{"true", {}, {.directory = "/no/such/place"}};
                     }),
                     "start true in /no/such/place: No such file"));
      try {
        process{"no-such-program", {}, {.output = stdio::pipe}};
        FAIL("it was started");
      } catch (const std::system_error& error) {
        CHECK(error.code() == std::errc::no_such_file_or_directory);
      }
    });
    CHECK(has_no_children());
  }

  TEST_CASE("a stream that is no pipe cannot be asked for") {
    in_real_hub([] {
      process child{"true"};
      CHECK_THROWS_AS(child.input(), std::logic_error);
      CHECK_THROWS_AS(child.output(), std::logic_error);
      CHECK(mentions(error_of([&] { child.error(); }),
                     "the error stream is no pipe"));
      child.wait(20s);
    });
  }

  // --- signals --------------------------------------------------------------

  TEST_CASE("a signal reaches a process, and nobody once it has ended") {
    in_real_hub([] {
      process child = shell("trap 'exit 5' USR1; echo ready; "
                            "while :; do sleep 0.01; done",
                            {.output = stdio::pipe});
      std::array<char, 6> ready;
      child.output().read(ready, 20s);
      CHECK(child.send_signal(SIGUSR1));
      CHECK(child.wait(20s).code == 5);
      CHECK_FALSE(child.send_signal(SIGUSR1));
      CHECK_FALSE(child.terminate());
      CHECK_FALSE(child.kill());
    });
  }

  TEST_CASE("a number that is no signal is an error") {
    in_real_hub([] {
      process child = endless();
      CHECK(mentions(error_of([&] { child.send_signal(4711); }),
                     "signal sh: Invalid argument"));
    });
  }

  TEST_CASE("a child that ignores SIGTERM is killed") {
    in_real_hub([] {
      process child = shell("trap '' TERM; echo ready; "
                            "while :; do sleep 0.01; done",
                            {.output = stdio::pipe});
      std::array<char, 6> ready;
      child.output().read(ready, 20s);
      child.terminate();
      std::error_code failed;
      child.wait(10ms, failed);
      CHECK(failed == errc::timed_out);
      child.kill();
      CHECK(child.wait(20s).signal == SIGKILL);
    });
  }

  TEST_CASE("a child is killed together with its children") {
    in_real_hub([] {
      process child =
          shell("sleep 1000 & echo $!; wait", {.output = stdio::pipe});
      const pid_t grandchild = printed_pid(child);
      CHECK(is_running(grandchild));
      SUBCASE("when its group is killed") {
        CHECK(child.kill(signal_target::group));
        CHECK(child.wait(20s).signal == SIGKILL);
      }
      SUBCASE("when its process is destroyed") {
        { const process gone = std::move(child); }
      }
      CHECK(ends(grandchild));
    });
    CHECK(has_no_children());
  }

  TEST_CASE("the group of a child that has ended can still be killed") {
    in_real_hub([] {
      process child = shell("sleep 1000 & echo $!", {.output = stdio::pipe});
      const pid_t grandchild = printed_pid(child);
      CHECK(child.wait(20s).success());
      CHECK(is_running(grandchild));
      CHECK_FALSE(child.kill());
      CHECK(child.kill(signal_target::group));
      CHECK(ends(grandchild));
    });
    CHECK(has_no_children());
  }

  TEST_CASE("what a child that has ended left running lives on") {
    in_real_hub([] {
      pid_t grandchild = 0;
      {
        process child = shell("sleep 1000 & echo $!", {.output = stdio::pipe});
        grandchild = printed_pid(child);
        child.wait(20s);
      }
      CHECK(is_running(grandchild));
      ::kill(grandchild, SIGKILL);
      CHECK(ends(grandchild));
    });
  }

  TEST_CASE("a child begins a group or a session when it is to") {
    in_real_hub([] {
      process own = endless();
      CHECK(::getpgid(own.pid()) == own.pid());
      CHECK(::getsid(own.pid()) == ::getsid(0));
      process shared = endless({.new_group = false});
      CHECK(::getpgid(shared.pid()) == ::getpgrp());
      process session = endless({.new_session = true});
      CHECK(::getsid(session.pid()) == session.pid());
      for (process* each : {&own, &shared, &session}) {
        CHECK(each->kill(signal_target::group)); // of `shared`, it alone
        CHECK(each->wait(20s).signal == SIGKILL);
      }
    });
  }

  TEST_CASE("every signal is as usual in a child") {
    in_real_hub([] {
      sigset_t blocked, before;
      ::sigemptyset(&blocked);
      ::sigaddset(&blocked, SIGUSR1);
      ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
      const auto handler = ::signal(SIGPIPE, SIG_IGN);
      std::istringstream found(
          printed("grep -E '^Sig(Blk|Ign)' /proc/self/status"));
      ::signal(SIGPIPE, handler);
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      std::string name;
      std::uint64_t ignored = 1;
      std::uint64_t masked = 1;
      found >> std::hex >> name >> masked >> name >> ignored;
      CHECK(masked == 0);
      CHECK((ignored & 0x7fff'ffff) == 0); // above are the C library's own
    });
  }

  // --- ends -----------------------------------------------------------------

  TEST_CASE("a process destroyed while it runs is killed and reaped") {
    in_real_hub([] {
      pid_t pid = 0;
      SUBCASE("when its scope ends") {
        pid = endless().pid();
      }
      SUBCASE("when another is assigned") {
        process child = endless();
        pid = child.pid();
        child = process{"true"};
        CHECK(child.wait(20s).success());
      }
      SUBCASE("when the greenlet that has it is killed") {
        auto owner = spawn([&] {
          process child = endless();
          pid = child.pid();
          child.wait();
        });
        while (pid == 0)
          sleep(1ms);
        owner.kill();
      }
      CHECK(ends(pid));
      CHECK(all_reaped());
    });
  }

  TEST_CASE("a process is reaped also when its hub ends at once") {
    in_real_hub([] { endless(); });
    CHECK(has_no_children());
  }

  TEST_CASE("who waits for a process that is destroyed is told") {
    in_real_hub([] {
      std::optional<process> child = endless();
      std::error_code failed;
      auto waiter = spawn([&] { child->wait(20s, failed); });
      auto watcher = spawn([&] {
        CHECK(mentions(error_of([&] { greenroom::wait({*child}, 20s); }),
                       "destroyed"));
      });
      auto reader = spawn([&] {
        std::array<char, 1> part;
        std::error_code closed;
        child->output().read(part, 20s, closed);
        CHECK(closed == errc::closed);
      });
      yield();
      child.reset();
      waiter.join();
      watcher.join();
      reader.join();
      CHECK(failed == errc::destroyed);
      CHECK(all_reaped());
    });
  }

  TEST_CASE("a child that somebody else has reaped has ended") {
    captured_log log;
    in_real_hub([] {
      process child{"true"};
      REQUIRE(::waitpid(child.pid(), nullptr, 0) == child.pid());
      CHECK(child.wait(20s).code == 255);
      CHECK_FALSE(child.kill(signal_target::group));
    });
    CHECK(log.has("warning: somebody else has reaped true"));
  }

  TEST_CASE("children end also where SIGCHLD is ignored") {
    captured_log log;
    const auto handler = ::signal(SIGCHLD, SIG_IGN);
    in_real_hub([] {
      CHECK(process{"true"}.wait(20s).code == 255);
      CHECK_THROWS_AS(process{"no-such-program"}, std::system_error);
    });
    ::signal(SIGCHLD, handler);
  }

  TEST_CASE("without descriptors nothing is started") {
    in_real_hub([] {
      rlimit before{};
      ::getrlimit(RLIMIT_NOFILE, &before);
      { process{"true"}.wait(20s); } // all that is made once is there
      const int next = ::dup(0);
      ::close(next);
      for (int room = 0; room < 8; ++room) {
        const rlimit few{static_cast<rlim_t>(next + room), before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
        const std::string error = error_of([] {
          process child{"true",
                        {},
                        {.input = stdio::pipe,
                         .output = stdio::pipe,
                         .error = stdio::pipe}};
          child.wait(20s);
        });
        ::setrlimit(RLIMIT_NOFILE, &before);
        if (room < 6) CHECK(mentions(error, "Too many open files"));
        CHECK(all_reaped());
      }
    });
  }

  TEST_CASE("a thousand processes, fifty at a time") {
    in_real_hub([] {
      semaphore fifty{50};
      int ended = 0;
      std::vector<any_greenlet> all;
      for (int i = 0; i < 1000; ++i)
        all.push_back(spawn([&] {
          const semaphore_guard one{fifty};
          process child{"/bin/true", {}, {.output = stdio::pipe}};
          CHECK(read_to_end(child.output()).empty());
          ended += child.wait(20s).success();
        }));
      joinall(all);
      CHECK(ended == 1000);
    });
    CHECK(has_no_children());
  }
}
