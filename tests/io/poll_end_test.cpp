// Waits for a descriptor that are killed, or that end with it.

#include "hub/support.hpp"
#include "io/poll_support.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/poll.hpp>

#include <sys/resource.h>

#include <array>
#include <chrono>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

namespace {

bool is_ready(int number, short events) {
  pollfd one{number, events, 0};
  return greenroom::poll({&one, 1}, 0s) == 1;
}

} // namespace

TEST_SUITE("poll") {
  // --- close_descriptor -----------------------------------------------------

  TEST_CASE("closing a descriptor wakes all that wait on it") {
    in_real_hub([] {
      counter other;
      counter closed;
      const int number = closed.number();
      std::vector<greenlet<void>> waiters;
      for (const poll_call& call : poll_calls())
        for (int i = 0; i < 3; ++i)
          waiters.push_back(spawn([&call, number] {
            CAPTURE(call.name);
            std::error_code failed;
            call.wait(number, {}, failed);
            CHECK(failed == errc::closed);
          }));
      const auto unconcerned =
          spawn([&] { wait_readable(other.number(), 5s); });
      yield();
      idle();
      waiters.push_back(spawn([number] { // does not wait yet
        std::error_code failed;
        wait_writable(number, {}, failed);
        CHECK(failed == errc::closed);
      }));
      yield();
      close_descriptor(closed.give());
      const counter next{1}; // of the same number, and ready
      CHECK(next.number() == number);
      for (const auto& each : waiters)
        each.join();
      CHECK_FALSE(unconcerned.dead());
      other.add(1);
      unconcerned.join();
    });
  }

  TEST_CASE("poll tells of the one that was closed") {
    in_real_hub([] {
      counter closed;
      pipe_ends pipe;
      std::array<pollfd, 2> both{
          {{pipe.out.number(), POLLIN, 0}, {closed.number(), POLLIN, 0}}};
      std::size_t ready = 0;
      const auto waiter = spawn([&] { ready = greenroom::poll(both); });
      yield();
      idle();
      pipe.in.write("x"); // too late to be told of
      close_descriptor(closed.give());
      waiter.join();
      CHECK(ready >= 1);
      CHECK(both[1].revents == POLLNVAL);
    });
  }

  TEST_CASE("a number that is used again wakes nobody, whoever closed it") {
    in_hub([] {
      pipe_ends pipe;
      const descriptor kept{dup(pipe.out.number())};
      for (const poll_call& call : poll_calls()) {
        CAPTURE(call.name);
        std::error_code failed;
        counter target;
        const auto waiter =
            spawn([&] { call.wait(target.number(), 5s, failed); });
        yield();
        sleep(1s);
        const counter ready{1};
        CHECK(dup2(ready.number(), target.number()) == target.number());
        CHECK(time_of([&] { waiter.join(); }) == 4s);
        CHECK(failed == errc::timed_out);
      }
    });
  }

  // --- deadlines, kills, the end --------------------------------------------

  TEST_CASE("a kill or timeout at any wait leaks no descriptor") {
    in_hub([] {
      counter target;
      const std::size_t before = open_descriptors();
      for (const poll_call& call : poll_calls()) {
        CAPTURE(call.name);
        std::error_code failed;
        const auto wait = [&] { call.wait(target.number(), {}, failed); };
        const auto unborn = spawn(wait);
        const auto victim = spawn(wait);
        yield();
        idle();
        const auto early = spawn(wait);
        yield();
        for (const auto* each : {&unborn, &victim, &early}) {
          each->kill();
          CHECK(each->killed());
        }
        CHECK_FALSE(timeout{1s}.run(wait));
        CHECK(time_of([&] { call.wait(target.number(), 2s, failed); }) == 2s);
        CHECK(failed == errc::timed_out);
        CHECK_FALSE(is_ready(target.number(), POLLIN));
      }
      CHECK(open_descriptors() == before);
    });
  }

  TEST_CASE("without a descriptor to wait with there is an error") {
    in_hub([] {
      counter target;
      counter ready{1};
      const int lowest = dup(target.number());
      ::close(lowest);
      rlimit limit{};
      getrlimit(RLIMIT_NOFILE, &limit);
      // Nothing throws meanwhile: UBSan needs a pipe to look at an exception.
      const rlimit none{static_cast<rlim_t>(lowest), limit.rlim_max};
      setrlimit(RLIMIT_NOFILE, &none);
      std::vector<std::error_code> errors;
      for (const poll_call& call : poll_calls())
        call.wait(target.number(), 1s, errors.emplace_back());
      std::error_code none_needed;
      wait_readable(ready.number(), 1s, none_needed);
      setrlimit(RLIMIT_NOFILE, &limit);
      for (const std::error_code& each : errors)
        CHECK(each == std::errc::too_many_files_open);
      CHECK_FALSE(none_needed);
    });
  }

  TEST_CASE("a shutdown ends the waits") {
    in_real_hub([] {
      counter target;
      const std::size_t before = open_descriptors();
      std::vector<greenlet<void>> waiters;
      for (const poll_call& call : poll_calls())
        waiters.push_back(spawn([&] {
          std::error_code failed;
          call.wait(target.number(), {}, failed);
        }));
      yield();
      idle();
      CHECK(shutdown(5s));
      for (const auto& each : waiters)
        CHECK(each.killed());
      CHECK(open_descriptors() == before);
    });
  }

  // A frame that is abandoned keeps what it owns.
  TEST_CASE("a hub may end while somebody waits" *
            doctest::description("leaves a descriptor")) {
    counter target;
    in_hub_on(
        clock_kind::real,
        [&] {
          spawn([&] { wait_readable(target.number()); });
          yield();
          idle();
        },
        leftovers::allowed);
    close_descriptor(target.give()); // of no hub
  }
}
