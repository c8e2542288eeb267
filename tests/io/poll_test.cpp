#include "hub/support.hpp"
#include "io/poll_support.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/io/poll.hpp>
#include <greenroom/io/tcp.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/select.hpp>

#include <sys/resource.h>
#include <sys/timerfd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
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

/// Those given.
fd_set set_of(std::initializer_list<int> numbers) {
  fd_set made;
  FD_ZERO(&made);
  for (const int each : numbers)
    FD_SET(each, &made);
  return made;
}

/// What waits on one descriptor for reading, by name.
struct poll_call {
  const char* name;
  std::function<void(int, deadline, std::error_code&)> wait;
};

const std::vector<poll_call>& poll_calls() {
  static const std::vector<poll_call> all{
      {"wait_readable",
       [](int number, deadline until, std::error_code& failed) {
         wait_readable(number, until, failed);
       }},
      {"poll",
       [](int number, deadline until, std::error_code& failed) {
         pollfd one{number, POLLIN, 0};
         const auto ready = greenroom::poll({&one, 1}, until, failed);
         if (ready == 0 && !failed) failed = errc::timed_out;
         if (one.revents & POLLNVAL) failed = errc::closed;
       }},
      {"select",
       [](int number, deadline until, std::error_code& failed) {
         fd_set readable = set_of({number});
         const auto ready = greenroom::select(number + 1, &readable, nullptr,
                                              nullptr, until, failed);
         if (ready == 0 && !failed) failed = errc::timed_out;
       }},
  };
  return all;
}

} // namespace

TEST_SUITE("poll") {
  // --- one descriptor -------------------------------------------------------

  TEST_CASE("a reader waits until there is something, or the end") {
    in_real_hub([] {
      pipe_ends pipe;
      int woken = 0;
      const auto reader = spawn([&] {
        wait_readable(pipe.out.number(), 5s);
        ++woken;
        CHECK(pipe.out.read() == 1);
        wait_readable(pipe.out.number(), 5s);
        ++woken;
        CHECK(pipe.out.read() == 0);
      });
      yield();
      idle();
      CHECK(woken == 0);
      pipe.in.write("x");
      idle();
      idle();
      CHECK(woken == 1);
      pipe.in.close();
      reader.join();
      CHECK(woken == 2);
    });
  }

  TEST_CASE("a writer waits until there is room, or nobody to read") {
    in_real_hub([] {
      pipe_ends pipe;
      wait_writable(pipe.in.number(), 5s);
      pipe.fill();
      std::error_code failed;
      wait_writable(pipe.in.number(), 1ms, failed);
      CHECK(failed == errc::timed_out);
      const auto writer = spawn([&] { wait_writable(pipe.in.number(), 5s); });
      yield();
      while (pipe.out.read() > 0) {
      }
      writer.join();
      CHECK(writer.successful());
      pipe.fill();
      const auto last = spawn([&] { wait_writable(pipe.in.number(), 5s); });
      yield();
      pipe.out.close();
      last.join();
      CHECK(last.successful());
    });
  }

  TEST_CASE("eventfd, timerfd, sockets and files can be waited on") {
    in_real_hub([] {
      counter events;
      const auto adder = spawn([&] { events.add(1); });
      wait_readable(events.number(), 5s);
      adder.join();

      descriptor timer{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)};
      itimerspec soon{};
      soon.it_value.tv_nsec = 1000;
      CHECK(timerfd_settime(timer.number(), 0, &soon, nullptr) == 0);
      wait_readable(timer.number(), 5s);

      socket_ends sockets;
      const auto peer = spawn([&] { sockets.far.close(); });
      wait_readable(sockets.near.number(), 5s);
      CHECK(sockets.near.read() == 0);
      peer.join();

      std::FILE* file = std::tmpfile();
      REQUIRE(file);
      wait_readable(fileno(file), 5s);
      wait_writable(fileno(file), 5s);
      pollfd odd{fileno(file), POLLPRI, 0};
      CHECK(greenroom::poll({&odd, 1}, 1ms) == 0);
      std::fclose(file);
    });
  }

  TEST_CASE("one that is not open is an error, or POLLNVAL") {
    in_real_hub([] {
      int number = -1;
      {
        const counter closed;
        number = closed.number();
      }
      std::error_code failed;
      wait_readable(number, {}, failed);
      CHECK(failed == std::errc::bad_file_descriptor);
      wait_writable(-1, {}, failed);
      CHECK(failed == std::errc::bad_file_descriptor);
      CHECK(mentions(error_of([&] { wait_readable(number); }),
                     "wait_readable of " + std::to_string(number) +
                         ": Bad file descriptor"));
      pollfd one{number, POLLIN, 0};
      CHECK(greenroom::poll({&one, 1}) == 1);
      CHECK(one.revents == POLLNVAL);
      close_descriptor(number, failed);
      CHECK(failed == std::errc::bad_file_descriptor);
      CHECK_THROWS_AS(close_descriptor(number), std::system_error);
    });
  }

  TEST_CASE("a call gives way once, even when it is ready") {
    for (const poll_call& call : poll_calls()) {
      CAPTURE(call.name);
      in_hub([&] {
        counter ready{1};
        int turns = 0;
        const auto other = spawn([&] { ++turns; });
        std::error_code failed;
        call.wait(ready.number(), {}, failed);
        CHECK_FALSE(failed);
        CHECK(turns == 1);
        other.join();
      });
    }
  }

  // --- several greenlets ----------------------------------------------------

  TEST_CASE("many wait on one descriptor, and none is told what is gone") {
    in_real_hub([] {
      counter jobs;
      int taken = 0;
      std::vector<greenlet<void>> workers;
      for (int i = 0; i < 20; ++i)
        workers.push_back(spawn([&] {
          wait_readable(jobs.number(), 5s);
          CHECK(jobs.take()); // nobody was quicker
          ++taken;
        }));
      yield();
      idle();
      jobs.add(7);
      while (taken < 7)
        idle();
      idle();
      CHECK(taken == 7);
      jobs.add(13);
      for (const auto& each : workers)
        each.join();
      CHECK(taken == 20);
    });
  }

  TEST_CASE("a reader and a writer wait on one socket") {
    in_real_hub([] {
      socket_ends sockets;
      const std::string much(1 << 20, 'x');
      while (::write(sockets.near.number(), much.data(), much.size()) > 0) {
      }
      std::string order;
      const auto reader = spawn([&] {
        wait_readable(sockets.near.number(), 5s);
        order += 'r';
      });
      const auto writer = spawn([&] {
        wait_writable(sockets.near.number(), 5s);
        order += 'w';
      });
      yield();
      idle();
      sockets.far.write("x");
      reader.join();
      while (sockets.far.read() > 0) {
      }
      writer.join();
      CHECK(order == "rw");
    });
  }

  TEST_CASE("a descriptor that Asio serves can be waited on, too") {
    in_real_hub([] {
      connection c;
      std::array<char, 8> part;
      const auto reader = spawn([&] { CHECK(c.near.read_some(part) == 1); });
      const auto waiter = spawn([&] { wait_readable(c.near.native_handle()); });
      yield();
      idle();
      c.far.write("x");
      reader.join();
      c.far.write("y"); // whoever came first took the other
      waiter.join();
      CHECK(waiter.successful());
    });
  }

  // --- poll -----------------------------------------------------------------

  TEST_CASE("poll tells what each is ready for") {
    in_real_hub([] {
      pipe_ends pipe;
      pipe_ends hung_up;
      hung_up.in.close();
      socket_ends sockets;
      std::array<pollfd, 5> all{{{pipe.out.number(), POLLIN, 0},
                                 {pipe.in.number(), POLLOUT, 0},
                                 {hung_up.out.number(), 0, 0},
                                 {-1, POLLIN, 55},
                                 {sockets.near.number(), POLLIN, 0}}};
      CHECK(greenroom::poll(all) == 2);
      CHECK(all[0].revents == 0);
      CHECK(all[1].revents == POLLOUT);
      CHECK(all[2].revents == POLLHUP);
      CHECK(all[3].revents == 0);
      CHECK(all[4].revents == 0);
    });
  }

  TEST_CASE("poll waits for any, and one may stand there twice") {
    in_real_hub([] {
      socket_ends sockets;
      pipe_ends pipe;
      pipe.fill();
      std::array<pollfd, 4> all{{{sockets.near.number(), POLLIN, 0},
                                 {sockets.near.number(), POLLPRI, 0},
                                 {pipe.in.number(), POLLOUT, 0},
                                 {sockets.near.number(), POLLIN, 0}}};
      std::size_t ready = 0;
      const auto waiter = spawn([&] { ready = greenroom::poll(all, 5s); });
      yield();
      idle();
      sockets.far.write("x");
      waiter.join();
      CHECK(ready == 2);
      CHECK(all[0].revents == POLLIN);
      CHECK(all[1].revents == 0);
      CHECK(all[2].revents == 0);
      CHECK(all[3].revents == POLLIN);
      CHECK(sockets.near.read() == 1);
      const auto next = spawn([&] { ready = greenroom::poll(all, 5s); });
      yield();
      idle();
      sockets.far.close();
      next.join();
      CHECK(ready == 3);
      CHECK(all[1].revents == POLLHUP);
    });
  }

  TEST_CASE("poll tells of urgent bytes") {
    in_real_hub([] {
      connection c;
      pollfd one{c.near.native_handle(), POLLPRI, 0};
      std::size_t ready = 0;
      const auto waiter = spawn([&] {
        ready = greenroom::poll({&one, 1}, 5s);
      });
      yield();
      c.far.write("ordinary");
      idle();
      CHECK_FALSE(waiter.dead());
      CHECK(::send(c.far.native_handle(), "!", 1, MSG_OOB) == 1);
      waiter.join();
      CHECK(ready == 1);
      CHECK(one.revents == POLLPRI);
    });
  }

  TEST_CASE("poll of nothing sleeps, of many tells all") {
    in_hub([] {
      CHECK(time_of([] { CHECK(greenroom::poll({}, 2s) == 0); }) == 2s);
      std::vector<std::unique_ptr<counter>> counters;
      std::vector<pollfd> all;
      for (int i = 0; i < 300; ++i) {
        counters.push_back(std::make_unique<counter>());
        all.push_back({counters.back()->number(), POLLIN, 0});
      }
      const auto adder = spawn([&] {
        idle();
        for (const auto& each : counters)
          each->add(1);
      });
      CHECK(greenroom::poll(all, 5s) == all.size());
      adder.join();
    });
  }

  // --- select ---------------------------------------------------------------

  TEST_CASE("select leaves those that are ready") {
    in_hub([] {
      pipe_ends pipe;
      pipe_ends other;
      const int count =
          1 + std::max(pipe.in.number(),
                       std::max(other.in.number(), other.out.number()));
      fd_set readable = set_of({pipe.out.number(), other.out.number()});
      fd_set writable = set_of({pipe.in.number()});
      CHECK(greenroom::select(count, &readable, &writable, nullptr) == 1);
      CHECK_FALSE(FD_ISSET(pipe.out.number(), &readable));
      CHECK(FD_ISSET(pipe.in.number(), &writable));

      readable = set_of({pipe.out.number(), other.out.number()});
      const auto writer = spawn([&] {
        idle();
        other.in.write("x");
      });
      CHECK(greenroom::select(count, &readable, nullptr, nullptr, 5s) == 1);
      CHECK_FALSE(FD_ISSET(pipe.out.number(), &readable));
      CHECK(FD_ISSET(other.out.number(), &readable));
      writer.join();

      readable = set_of({pipe.out.number()});
      CHECK(greenroom::select(count, &readable, nullptr, nullptr, 2s) == 0);
      CHECK_FALSE(FD_ISSET(pipe.out.number(), &readable));
      const auto nothing = [] {
        CHECK(greenroom::select(0, nullptr, nullptr, nullptr, 2s) == 0);
      };
      CHECK(time_of(nothing) == 2s);
    });
  }

  TEST_CASE("select that fails leaves the sets as they were") {
    in_hub([] {
      pipe_ends pipe;
      int closed = -1;
      {
        const counter gone;
        closed = gone.number();
      }
      fd_set readable = set_of({pipe.out.number(), closed});
      std::error_code failed;
      greenroom::select(closed + 1, &readable, nullptr, nullptr, 1s, failed);
      CHECK(failed == std::errc::bad_file_descriptor);
      CHECK(FD_ISSET(pipe.out.number(), &readable));
      CHECK(FD_ISSET(closed, &readable));
      for (const int count : {-1, FD_SETSIZE + 1}) {
        greenroom::select(count, &readable, nullptr, nullptr, 1s, failed);
        CHECK(failed == std::errc::invalid_argument);
      }
      CHECK_THROWS_AS(greenroom::select(-1, nullptr, nullptr, nullptr),
                      std::system_error);
    });
  }

  TEST_CASE("select does not tell the third set of a hang-up, as select(2)") {
    in_hub([] {
      pipe_ends pipe;
      pipe.in.close();
      const int number = pipe.out.number();
      fd_set exceptional = set_of({number});
      CHECK(time_of([&] {
              CHECK(greenroom::select(number + 1, nullptr, nullptr,
                                      &exceptional, 2s) == 0);
            }) == 2s);
      fd_set readable = set_of({number});
      exceptional = readable;
      CHECK(greenroom::select(number + 1, &readable, nullptr, &exceptional,
                              2s) == 1);
      CHECK_FALSE(FD_ISSET(number, &exceptional));
    });
  }

  TEST_CASE("select of descriptors stands beside select of queues") {
    in_hub([] {
      queue<int> numbers;
      numbers.put(1);
      const counter ready{1};
      fd_set readable = set_of({ready.number()});
      using greenroom::select;
      CHECK(select(ready.number() + 1, &readable, nullptr, nullptr, 1s) == 1);
      CHECK(select(from(numbers, [](int) {})) == 0);
      CHECK_FALSE(select(1s, from(numbers, [](int) {})));
    });
  }

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
      const rlimit none{static_cast<rlim_t>(lowest), limit.rlim_max};
      setrlimit(RLIMIT_NOFILE, &none);
      std::string text;
      std::vector<std::error_code> errors;
      for (const poll_call& call : poll_calls())
        call.wait(target.number(), 1s, errors.emplace_back());
      text = error_of([&] { wait_readable(target.number(), 1s); });
      std::error_code none_needed;
      wait_readable(ready.number(), 1s, none_needed);
      setrlimit(RLIMIT_NOFILE, &limit);
      for (const std::error_code& each : errors)
        CHECK(each == std::errc::too_many_files_open);
      CHECK(mentions(text, "Too many open files"));
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
