#include "http/support.hpp"

#include <greenroom/http/error.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

namespace test {
namespace {

std::string post(const std::string& fields, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

std::string bodies_of(std::string answers) {
  std::string all;
  for (auto at = answers.find("\r\n\r\n"); at != std::string::npos;
       at = answers.find("\r\n\r\n")) {
    answers.erase(0, at + 4);
    all += answers.substr(0, answers.find("HTTP/1.1 ")) + '|';
  }
  return all;
}

TEST_SUITE("http") {
  TEST_CASE("a quoted extension of a chunk does not go on in the next line") {
    const std::string head =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string after : {"abcde\r\n0\r\n\r\n", "5\r\n"}) {
      const std::string said =
          head + "5;x=\"y\r\n" + after + "\"\r\nabcde\r\n0\r\n\r\n";
      CHECK(status_line(answer_to(said, repeat)) == "HTTP/1.1 400 Bad Request");
    }
  }

  TEST_CASE("a body of a length is read, and the next request after it") {
    CHECK(bodies_of(answer_to(post("Content-Length: 3\r\n", "abc") + get +
                                  post("Content-Length: 0\r\n", ""),
                              repeat)) == "abc|||");
  }

  TEST_CASE("a chunked body is read, and the next request after it") {
    CHECK(bodies_of(answer_to(
              chunked("3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n\r\n") + get,
              repeat)) == "abc0123456789||");
    CHECK(bodies_of(answer_to(chunked("0\r\n\r\n") + get, repeat)) == "||");
    CHECK(bodies_of(answer_to(
              chunked("003\r\nabc\r\n000\r\nTrailer: x\r\n\r\n") + get,
              repeat)) == "abc||");
  }

  TEST_CASE("a body may be read in pieces of any size") {
    const auto in_pieces = [](request& asked, response& to) {
      std::string all;
      std::array<char, 2> piece;
      while (const std::size_t bytes = asked.read_some(piece))
        all += std::string(piece.data(), bytes) + ' ';
      to.send(all);
    };
    in_hub([&] {
      for (const std::string& text :
           {post("Content-Length: 5\r\n", "abcde"),
            chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")}) {
        scripted_stream client{{text}};
        serve(client, in_pieces);
        CHECK(has(body_of(client.written()), "ab c"));
      }
    });
  }

  TEST_CASE("what a handler leaves of a body is dropped") {
    CHECK(bodies_of(answer_to(post("Content-Length: 9\r\n", "GET / HTT") +
                                  chunked("3\r\nabc\r\n0\r\n\r\n") + get,
                              hello)) == "hello|hello|hello|");
  }

  TEST_CASE("with too much left, the connection ends") {
    service_options options;
    options.most.dropped_body = 10'000;
    const std::string body(20'000, 'x');
    CHECK(bodies_of(answer_to(post("Content-Length: 20000\r\n", body) + get,
                              hello, options)) == "hello|");
  }

  TEST_CASE("a body beyond the limit is refused when it is read") {
    service_options options;
    options.most.body = 5;
    CHECK(bodies_of(answer_to(post("Content-Length: 5\r\n", "abcde"), repeat,
                              options)) == "abcde|");
    const std::string refused = answer_to(
        post("Content-Length: 6\r\n", "abcdef") + get, repeat, options);
    CHECK(status_line(refused) == "HTTP/1.1 413 Payload Too Large");
    CHECK(has(refused, "Connection: close\r\n"));
    CHECK(status_line(answer_to(chunked("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
                                repeat, options)) ==
          "HTTP/1.1 413 Payload Too Large");
    CHECK(bodies_of(answer_to(
              post("Content-Length: 6\r\n", "abcdef"),
              [](request& asked, response& to) {
                asked.limit_body(10);
                to.send(asked.body());
              },
              options)) == "abcdef|");
  }

  TEST_CASE("a body that ends too early is an error of reading it") {
    CHECK(status_line(answer_to(post("Content-Length: 6\r\n", "abc"),
                                repeat)) == "HTTP/1.1 400 Bad Request");
  }

  TEST_CASE("the client is told to go on when the body is first read") {
    const std::string asks =
        post("Content-Length: 3\r\nExpect: 100-continue\r\n", "");
    in_hub([&] {
      scripted_stream client{{asks, "abc" + get}};
      serve(client, repeat);
      REQUIRE(client.writes().size() >= 2);
      CHECK(client.writes().front() == "HTTP/1.1 100 Continue\r\n\r\n");
      CHECK(bodies_of(client.written()) == "|abc||");
    });
  }

  TEST_CASE("it is not when the body is not read, and the connection ends") {
    const std::string answer = answer_to(
        post("Content-Length: 3\r\nExpect: 100-continue\r\n", ""), hello);
    CHECK(status_line(answer) == "HTTP/1.1 200 OK");
    CHECK(has(answer, "Connection: close\r\n"));
  }

  TEST_CASE("nor from HTTP/1.0, nor without a body") {
    CHECK_FALSE(has(answer_to("POST / HTTP/1.0\r\nContent-Length: 1\r\n"
                              "Expect: 100-continue\r\n\r\nx",
                              repeat),
                    "100 Continue"));
    CHECK_FALSE(has(answer_to(post("Expect: 100-continue\r\n", ""), repeat),
                    "100 Continue"));
  }

  TEST_CASE("a form is decoded") {
    const std::string body = "a=b+c&d=%26%3D&e&=f&&a=%C3%A9";
    const std::string answer = answer_to(
        post("Content-Type: application/x-www-form-urlencoded; charset=utf-8"
             "\r\nContent-Length: " +
                 std::to_string(body.size()) + "\r\n",
             body),
        [](request& asked, response& to) {
          std::string all;
          for (const auto& [name, value] : asked.form())
            all += '[' + name + '=' + value + ']';
          to.send(all);
        });
    CHECK(body_of(answer) == "[a=b c][d=&=][e=][=f][a=\xC3\xA9]");
  }

  TEST_CASE("a form of another type, or badly encoded, is refused") {
    const auto form = [](request& asked, response&) { asked.form(); };
    CHECK(status_line(answer_to(
              post("Content-Type: text/plain\r\nContent-Length: 3\r\n", "a=b"),
              form)) == "HTTP/1.1 415 Unsupported Media Type");
    for (const std::string& body :
         std::vector<std::string>{"a=%", "a=%1", "a=%zz", "a=%-1", "%x1=b"})
      CHECK(status_line(answer_to(
                post("Content-Type: application/x-www-form-urlencoded\r\n"
                     "Content-Length: " +
                         std::to_string(body.size()) + "\r\n",
                     body),
                form)) == "HTTP/1.1 400 Bad Request");
  }

  TEST_CASE("a form of parameters without end is refused") {
    std::string body = "a";
    for (int i = 1; i < 1000; ++i)
      body += "&a";
    const auto count = [&] {
      return answer_to(
          post("Content-Type: application/x-www-form-urlencoded\r\n"
               "Content-Length: " +
                   std::to_string(body.size()) + "\r\n",
               body),
          [](request& asked, response& to) {
            to.send(std::to_string(asked.form().size()));
          });
    };
    CHECK(body_of(count()) == "1000");
    body += "&a";
    CHECK(status_line(count()) == "HTTP/1.1 400 Bad Request");
  }

  TEST_CASE("targets, queries and cookies are taken apart") {
    const auto parts = [](request& asked, response& to) {
      to.send(std::string(asked.path()) + ' ' + std::string(asked.query()) +
              ' ' + asked.decoded_path() + ' ' +
              asked.query_value("x").value_or("none") + ' ' +
              asked.cookie("id").value_or("none"));
    };
    const auto parts_of = [&](const std::string& target,
                              const std::string& cookie = "") {
      return body_of(answer_to("GET " + target +
                                   " HTTP/1.1\r\nHost: a\r\nConnection: "
                                   "close\r\n" +
                                   cookie + "\r\n",
                               parts));
    };
    CHECK(parts_of("/a%20b?x=1&y=2") == "/a%20b x=1&y=2 /a b 1 none");
    CHECK(parts_of("/?") == "/  / none none");
    CHECK(parts_of("http://host:80/a?x=%31") == "/a x=%31 /a 1 none");
    CHECK(parts_of("http://host") == "/  / none none");
    CHECK(parts_of("http://host?x=2") == "/ x=2 / 2 none");
    CHECK(parts_of("/", "Cookie: a=b; id=7; c\r\n") == "/  / none 7");
    CHECK(parts_of("/", "Cookie: xid=7\r\nCookie: id=8\r\n") == "/  / none 8");
  }
}

} // namespace
} // namespace test
