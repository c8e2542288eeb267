#include "http/support.hpp"

#include <greenroom/http/event_stream.hpp>
#include <greenroom/http/json.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

namespace test {
namespace {

using greenroom::http::event_stream;

/// What follows the head and its first comment, without the chunks' heads.
std::string events_of(const handler& handle) {
  std::string text = answer_to("GET / HTTP/1.0\r\n\r\n", handle);
  const std::string first = ": \n\n";
  CHECK(has(text, "Content-Type: text/event-stream\r\n"));
  return body_of(text).substr(first.size());
}

TEST_SUITE("http") {
  TEST_CASE("events go out as browsers read them") {
    CHECK(events_of([](request&, response& to) {
            event_stream events{to};
            events.send("one");
            events.send("two\nlines\r\nand\rmore\n");
            events.send("", {.name = "news", .id = "7"});
            events.comment("still here");
            events.retry_after(std::chrono::seconds(2));
          }) == "data: one\n\n"
                "data: two\ndata: lines\ndata: and\ndata: more\ndata: \n\n"
                "event: news\nid: 7\ndata: \n\n"
                ": still here\n\n"
                "retry: 2000\n\n");
  }

  TEST_CASE("each event leaves at once") {
    in_hub([] {
      scripted_stream client{{get}};
      serve(client, [](request&, response& to) {
        event_stream events{to};
        events.send("a");
        events.send("b");
      });
      CHECK(client.writes().size() == 4); // with the end
    });
  }

  TEST_CASE("a name cannot make an event of its own") {
    captured_log log;
    events_of([](request&, response& to) {
      event_stream events{to};
      CHECK_THROWS_AS(events.send("x", {.name = "a\ndata: b", .id = {}}),
                      std::invalid_argument);
    });
  }

  TEST_CASE("JSON that is nested too deeply is refused") {
    const std::string body = std::string(200, '[') + std::string(200, ']');
    CHECK(
        status_line(answer_to(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\n" + body,
            [](request& asked, response&) {
              greenroom::http::read_json(asked);
            })) == "HTTP/1.1 400 Bad Request");
  }

  TEST_CASE("JSON comes and goes") {
    const auto handle = [](request& asked, response& to) {
      auto value = greenroom::http::read_json(asked);
      value["more"] = "\xff";
      send_json(to, value);
    };
    const auto post = [&](const std::string& body) {
      return answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body,
                       handle);
    };
    const std::string answer = post(R"({"a": [1, 2]})");
    CHECK(has(answer, "Content-Type: application/json\r\n"));
    CHECK(body_of(answer) == "{\"a\":[1,2],\"more\":\"\xEF\xBF\xBD\"}");
    for (const std::string bad : {"", "{", "{\"a\": }", "nul"})
      CHECK(status_line(post(bad)) == "HTTP/1.1 400 Bad Request");
  }
}

} // namespace
} // namespace test
