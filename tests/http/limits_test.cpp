// Clients that are slow, or say nothing; on the virtual clock.

#include "http/support.hpp"

#include <greenroom/io/unix.hpp>

#include <doctest/doctest.h>

#include <stop_token>
#include <string>

namespace test {
namespace {

using namespace std::chrono_literals;

struct outcome {
  std::string answer;
  std::chrono::nanoseconds time;
};

/// Of a client that sends these pieces, and then is silent.
outcome silent_after(std::deque<std::string> pieces, const handler& handle,
                     const service_options& options = {}) {
  outcome result;
  in_hub([&] {
    scripted_stream client{std::move(pieces)};
    client.stays_silent = true;
    result.time = time_of([&] { serve(client, handle, options); });
    result.answer = client.written();
  });
  return result;
}

TEST_SUITE("http") {
  TEST_CASE("an idle connection is closed without a word") {
    const outcome end = silent_after({get}, hello);
    CHECK(without_dates(end.answer) == hello_response);
    CHECK(end.time == 60s + 1s);
  }

  TEST_CASE("a connection is served, and can be stopped, after long silence") {
    in_hub([] {
      auto both = greenroom::socketpair();
      greenroom::stream& client = both.first;
      static std::stop_source stopping; // g++ 12 misjudges a local one
      const auto serving = greenroom::spawn(
          [&] { serve(both.second, hello, {}, stopping.get_token()); });
      for (int i = 0; i < 3; ++i) {
        greenroom::sleep(50s);
        client.write(i == 1 ? get + get : get);
        for (int count = i == 1 ? 2 : 1; count > 0; --count) {
          std::string answer(hello_response.size() + 37, ' ');
          client.read(answer, 1s);
          CHECK(without_dates(answer) == hello_response);
        }
      }
      greenroom::sleep(5s);
      stopping.request_stop();
      char none;
      CHECK(time_of([&] {
              CHECK(client.read_some({&none, 1}, 1s) == 0);
            }) == 0s);
      both.first.close();
      serving.join();
    });
  }

  TEST_CASE("a head that does not come in time is answered by 408") {
    const outcome end = silent_after({"GET / HTTP/1.1\r\n"}, hello);
    CHECK(status_line(end.answer) == "HTTP/1.1 408 Request Timeout");
    CHECK(end.time == 10s + 1s);
  }

  TEST_CASE("a body that does not come in time is answered by 408") {
    const outcome end = silent_after(
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na"}, repeat);
    CHECK(status_line(end.answer) == "HTTP/1.1 408 Request Timeout");
    CHECK(end.time == 60s + 1s);
  }

  TEST_CASE("the rest of a body is waited for no longer than for the body") {
    const outcome end = silent_after(
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na"}, hello);
    CHECK(without_dates(end.answer) == hello_response);
    CHECK(end.time == 60s + 1s);
  }

  TEST_CASE("limits are the server's to set") {
    service_options options;
    options.most.idle_time = 5s;
    options.most.head_time = 2s;
    CHECK(silent_after({get}, hello, options).time == 5s + 1s);
    CHECK(silent_after({"G"}, hello, options).time == 2s + 1s);
  }

  TEST_CASE("a handler that is killed unwinds, and writes nothing more") {
    in_hub([] {
      scripted_stream client{{get}};
      const auto serving = greenroom::spawn([&] {
        serve(client, [](request&, response&) { greenroom::sleep(1h); });
      });
      greenroom::yield();
      serving.kill();
      CHECK(client.written().empty());
    });
  }
}

} // namespace
} // namespace test
