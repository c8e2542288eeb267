// What is on the wire, byte by byte; GEVENT.md 1.12.

#include "http/support.hpp"

#include <greenroom/http/error.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <stop_token>
#include <string>

namespace test {
namespace {

std::string request_of(const std::string& fields,
                       const std::string& version = "1.1") {
  return "GET / HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n";
}

TEST_SUITE("http") {
  TEST_CASE("a whole body goes with its length, in one write with the head") {
    in_hub([] {
      scripted_stream client{{get}};
      serve(client, hello);
      REQUIRE(client.writes().size() == 1);
      CHECK(without_dates(client.written()) == hello_response);
      CHECK(has(client.written(), "\r\nDate: "));
      CHECK(has(client.written(), " GMT\r\n"));
    });
  }

  TEST_CASE("fields stand in the order and case they were set in") {
    const auto answer = answer_to(get, [](request&, response& to) {
      to.status(201).set("x-B", "1").add("A", "2").add("x-b", "3");
      to.set("Date", "today").set("Content-Type", "text/html");
      to.send("<p>");
    });
    CHECK(answer == "HTTP/1.1 201 Created\r\nx-B: 1\r\nA: 2\r\nx-b: 3\r\n"
                    "Content-Type: text/html\r\nContent-Length: 3\r\n\r\n<p>");
  }

  TEST_CASE("pieces are chunked, each sent at once, with the head the first") {
    in_hub([] {
      scripted_stream client{{get}};
      serve(client, [](request&, response& to) {
        to.set("Content-Type", "text/html");
        to.write("<p>Hello");
        to.write("");
        to.write("World</p>");
      });
      REQUIRE(client.writes().size() == 3);
      CHECK(without_dates(client.writes()[0]) ==
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
            "Transfer-Encoding: chunked\r\n\r\n8\r\n<p>Hello\r\n");
      CHECK(client.writes()[1] == "9\r\nWorld</p>\r\n");
      CHECK(client.writes()[2] == "0\r\n\r\n");
    });
  }

  TEST_CASE("pieces of a known length are not chunked") {
    CHECK(answer_to(get, [](request&, response& to) {
            to.set("Content-Length", "4");
            to.write("ab");
            to.write("cd");
          }) == "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd");
  }

  TEST_CASE("an HTTP/1.0 client gets pieces up to the end of the connection") {
    CHECK(answer_to(request_of("Connection: keep-alive\r\n", "1.0"),
                    [](request&, response& to) {
                      to.write("ab");
                      to.write("cd");
                    }) == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcd");
  }

  TEST_CASE("a connection lives on as the client wants it") {
    const std::string body = "\r\n\r\nhello";
    const auto two = [](const std::string& fields, const std::string& version) {
      return answer_to(request_of(fields, version) + get, hello);
    };
    CHECK(two("", "1.1") == hello_response + hello_response);
    for (const char* closing :
         {"Connection: close\r\n", "Connection: CLOSE\r\n",
          "Connection: x, close\r\n", "Connection: close, x\r\n",
          "Connection: x\r\nConnection: close\r\n"}) {
      CAPTURE(closing);
      CHECK(two(closing, "1.1") ==
            hello_response.substr(0, hello_response.size() - body.size()) +
                "\r\nConnection: close" + body);
    }
    CHECK(two("", "1.0") ==
          hello_response.substr(0, hello_response.size() - body.size()) +
              "\r\nConnection: close" + body);
    CHECK(two("Connection: keep-alive\r\n", "1.0") ==
          hello_response.substr(0, hello_response.size() - body.size()) +
              "\r\nConnection: keep-alive" + body + hello_response);
  }

  TEST_CASE("a handler may close the connection") {
    CHECK(answer_to(get + get,
                    [](request&, response& to) {
                      to.set("Connection", "close").send("x");
                    }) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
          "Content-Length: 1\r\nConnection: close\r\n\r\nx");
  }

  TEST_CASE("requests that came together are answered together, in order") {
    in_hub([] {
      std::string many;
      for (int i = 0; i < 16; ++i)
        many += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
      scripted_stream client{{many}};
      serve(client,
            [](request& asked, response& to) { to.send(asked.path()); });
      CHECK(client.writes().size() == 1);
      std::size_t at = 0;
      for (int i = 0; i < 16; ++i) {
        at = client.written().find("\r\n\r\n/" + std::to_string(i), at);
        REQUIRE(at != std::string::npos);
      }
    });
  }

  TEST_CASE("an answer is out before the connection waits for more") {
    in_hub([] {
      const std::string half = get.substr(0, 10);
      scripted_stream client{{get + half, get.substr(10)}};
      serve(client, hello);
      REQUIRE(client.writes().size() == 2);
      CHECK(client.written_at_reads().at(1) > 0);
    });
  }

  TEST_CASE("a response to HEAD has the head of GET's, and no body") {
    const std::string head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    CHECK(answer_to(head + get, hello) ==
          hello_response.substr(0, hello_response.size() - 5) + hello_response);
    CHECK(answer_to(head, [](request&, response& to) {
            to.write("ab");
            to.write("cd");
          }) == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  }

  TEST_CASE("204 and 304 have no body, nor its length") {
    for (const int status : {204, 304}) {
      const std::string answer = answer_to(
          get + get, [&](request&, response& to) { to.status(status); });
      const std::string one = "HTTP/1.1 " + std::to_string(status) + ' ' +
                              (status == 204 ? "No Content" : "Not Modified") +
                              "\r\n\r\n";
      CHECK(answer == one + one);
    }
  }

  TEST_CASE("a handler that does nothing has answered with an empty body") {
    CHECK(answer_to(get, [](request&, response&) {}) ==
          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  }

  TEST_CASE("a handler that fails is answered for by 500, and logged") {
    captured_log log;
    const std::string answer = answer_to(get, [](request&, response& to) {
      to.set("X", "y");
      throw std::runtime_error("no luck");
    });
    CHECK(answer ==
          "HTTP/1.1 500 Internal Server Error\r\n"
          "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\n"
          "Connection: close\r\n\r\nInternal Server Error");
    CHECK(log.has(
        "GET / from 127.0.0.1:40000 failed: std::runtime_error: no luck"));
  }

  TEST_CASE("one that fails halfway leaves a response without an end") {
    captured_log log;
    CHECK(answer_to(get + get,
                    [](request&, response& to) {
                      to.write("ab");
                      throw std::runtime_error("no luck");
                    }) ==
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "2\r\nab\r\n");
    CHECK(answer_to(get + get, [](request&, response& to) {
            to.set("Content-Length", "3");
            to.write("ab");
          }) == "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab");
    CHECK(log.has("less body than Content-Length"));
  }

  TEST_CASE("an error that a handler throws is the response") {
    CHECK(answer_to(get + get,
                    [n = 0](request&, response& to) mutable {
                      if (n++ % 2 == 0)
                        throw greenroom::http::error(404, "no such user");
                      to.send("hello");
                    }) == "HTTP/1.1 404 Not Found\r\n"
                          "Content-Type: text/plain; charset=utf-8\r\n"
                          "Content-Length: 12\r\n\r\nno such user" +
                              hello_response);
  }

  TEST_CASE("a header cannot split the response") {
    captured_log log;
    for (const char* value : {"a\r\nb", "a\nb", "a\rb"}) {
      const std::string answer = answer_to(
          get, [&](request&, response& to) { to.set("X", value).send("x"); });
      CHECK(status_line(answer) == "HTTP/1.1 500 Internal Server Error");
    }
    CHECK(log.has("carriage return or newline in the value of header field"));
  }

  TEST_CASE("a body cut short by a failure is not taken for whole") {
    captured_log log;
    in_hub([] {
      scripted_stream client{{"GET / HTTP/1.0\r\n\r\n"}};
      serve(client, [](request&, response& to) {
        to.write("half");
        throw std::runtime_error("no luck");
      });
      CHECK(client.was_reset());
    });
  }

  TEST_CASE("what the handler says of the framing is not repeated") {
    CHECK(answer_to(
              get,
              [](request&, response& to) {
                to.set("Transfer-Encoding", "gzip").set("Content-Length", "7");
                to.send("x");
              }) == "HTTP/1.1 200 OK\r\nContent-Type: text/plain; "
                    "charset=utf-8\r\nContent-Length: 1\r\n\r\nx");
  }

  TEST_CASE("a large body goes out in pieces, whole") {
    in_hub([] {
      const std::string large(5'000'000, 'x');
      scripted_stream client{{get}};
      serve(client, [&](request&, response& to) { to.send(large); });
      CHECK(body_of(client.written()) == large);
      CHECK(client.writes().size() == 5);
    });
  }

  TEST_CASE("a server that is stopping waits for no first request") {
    in_hub([] {
      static std::stop_source stopping; // g++ 12 warns of a local one
      stopping.request_stop();
      scripted_stream client{{}};
      client.stays_silent = true;
      CHECK(time_of([&] { serve(client, hello, {}, stopping.get_token()); }) <=
            std::chrono::seconds(1));
    });
  }

  TEST_CASE("a client that is gone ends the handler, and is no log line") {
    captured_log log;
    in_hub([] {
      scripted_stream client{{get}};
      client.refuses_writes = true;
      bool went_on = false;
      serve(client, [&](request&, response& to) {
        to.write("x");
        went_on = true;
      });
      CHECK_FALSE(went_on);
    });
    CHECK(log.text().empty());
  }

  TEST_CASE("the access log has a line for each request") {
    std::string lines;
    in_hub([&] {
      scripted_stream client{{get + "GET /list?a=b HTTP/1.0\r\n\r\n"}};
      service_options options;
      options.access_log = [&](std::string_view line) {
        lines += std::string(line) + '\n';
      };
      serve(client, hello, options);
    });
    CHECK(has(lines, "127.0.0.1 - - ["));
    CHECK(has(lines, "] \"GET / HTTP/1.1\" 200 "));
    CHECK(has(lines, "] \"GET /list?a=b HTTP/1.0\" 200 "));
  }

  TEST_CASE("a connection that is taken over is the handler's") {
    in_hub([] {
      scripted_stream client{{get + "first", "second"}};
      serve(client, [](request&, response& to) {
        const auto mine = to.take_over();
        CHECK(mine.already_read == "first");
        mine.peer.write("own words");
      });
      CHECK(client.written() == "own words");
    });
  }
}

} // namespace
} // namespace test
