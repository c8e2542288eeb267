#include "hub/support.hpp"
#include "io/poll_support.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/poll.hpp>
#include <greenroom/io/tcp.hpp>

#include <sys/timerfd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

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
}
