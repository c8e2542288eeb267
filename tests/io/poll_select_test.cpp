#include "hub/support.hpp"
#include "io/poll_support.hpp"

#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/hub.hpp>
#include <greenroom/io/poll.hpp>
#include <greenroom/mailbox/queue.hpp>
#include <greenroom/mailbox/select.hpp>

#include <algorithm>
#include <chrono>
#include <system_error>

using namespace greenroom;
using namespace std::chrono_literals;
using namespace test;

TEST_SUITE("poll") {
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
}
