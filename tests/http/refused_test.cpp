// Requests that two servers could understand in two ways, and other nonsense.

#include "http/support.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace test {
namespace {

const std::string refused = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                            "Content-Length: 0\r\n\r\n";

std::string head(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

TEST_SUITE("http") {
  TEST_CASE("a request whose length is in doubt is refused") {
    const std::vector<std::string> fields{
        "Content-Length: 3\r\nContent-Length: 4\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3, 3\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: +3\r\n",
        "Content-Length: -3\r\n",
        "Content-Length: 0x3\r\n",
        "Content-Length: 1_0\r\n",
        "Content-Length: 3 4\r\n",
        "Content-Length: \r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length : 3\r\n",
        " Content-Length: 3\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunkedchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: \x0b"
        "chunked\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding : chunked\r\n",
    };
    for (const std::string& each : fields) {
      CAPTURE(each);
      CHECK(answer_to(head(each) + "abc" + get, repeat) == refused);
    }
  }

  TEST_CASE("a malformed head is refused") {
    const std::vector<std::string> heads{
        "GET /\r\n\r\n", // HTTP/0.9
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/0.8\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
        "GET / http/1.1\r\nHost: a\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\x01\r\n\r\n",
        std::string("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 34),
        "GET / HTTP/1.1\r\nHost: a\r\n: no name\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\x80: b\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", // no host
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHos",
        "G",
    };
    for (const std::string& each : heads) {
      CAPTURE(each);
      CHECK(answer_to(each, hello) == refused);
    }
  }

  TEST_CASE("what is unusual but clear is answered") {
    const std::vector<std::string> heads{
        "GET / HTTP/1.1\r\nhOsT: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:a\t\r\nConnection: close\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "BREW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n folded\r\nConnection: "
        "close\r\n\r\n",
    };
    for (const std::string& each : heads) {
      CAPTURE(each);
      CHECK(status_line(answer_to(each, hello)) == "HTTP/1.1 200 OK");
    }
  }

  TEST_CASE("a request that is too large is refused by name") {
    const auto status_for = [](const std::string& text) {
      return status_line(answer_to(text, hello));
    };
    CHECK(status_for("GET /" + std::string(8192, 'a') +
                     " HTTP/1.1\r\nHost: a\r\n\r\n") ==
          "HTTP/1.1 414 URI Too Long");
    CHECK(status_for("GET /" + std::string(20'000, 'a')) ==
          "HTTP/1.1 414 URI Too Long");
    CHECK(status_for("GET /" + std::string(8100, 'a') +
                     " HTTP/1.1\r\nHost: a\r\n\r\n") == "HTTP/1.1 200 OK");
    CHECK(status_for(head("X: " + std::string(65'536, 'a') + "\r\n")) ==
          "HTTP/1.1 431 Request Header Fields Too Large");
    std::string many;
    for (int i = 0; i < 99; ++i)
      many += "X: y\r\n";
    CHECK(status_for(head(many)) == "HTTP/1.1 200 OK");
    CHECK(status_for(head(many + "X: y\r\n")) ==
          "HTTP/1.1 431 Request Header Fields Too Large");
  }

  TEST_CASE("what follows a refused request is not looked at") {
    CHECK(answer_to("GET / HTTP/1.1\r\n\r\n" + get, hello) == refused);
  }

  TEST_CASE("a chunked body that is malformed is refused") {
    const std::vector<std::string> bodies{
        "x\r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabcX\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3;\x01\r\nabc\r\n0\r\n\r\n",
        "11111111111111111\r\nabc\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\nno colon\r\n\r\n",
        "3\r\nabc\r\n0\r\nX : y\r\n\r\n",
        "6ddddddddddddddd;x=\"\r\n\r\n",
        "3\r\nabc\r\n",
        "3\r\nab",
        "",
    };
    for (const std::string& each : bodies) {
      CAPTURE(each);
      const std::string answer =
          answer_to(head("Transfer-Encoding: chunked\r\n") + each, repeat);
      CHECK(status_line(answer) == "HTTP/1.1 400 Bad Request");
      CHECK(has(answer, "Connection: close\r\n"));
      CHECK(answer.find("HTTP/1.1", 1) == std::string::npos);
    }
  }

  TEST_CASE("a chunk's head without end is refused") {
    in_hub([] {
      for (const std::size_t size : {9000, 20'000, 200'000}) {
        scripted_stream client{{head("Transfer-Encoding: chunked\r\n") + "3;" +
                                std::string(size, 'a') +
                                "\r\nabc\r\n0\r\n\r\n"}};
        serve(client, repeat);
        CHECK(status_line(client.written()) == "HTTP/1.1 400 Bad Request");
      }
    });
  }

  TEST_CASE("trailers without end are refused") {
    std::string trailers;
    for (int i = 0; i < 2000; ++i)
      trailers += "X: y\r\n";
    const std::string answer = answer_to(
        head("Transfer-Encoding: chunked\r\n") + "0\r\n" + trailers + "\r\n",
        repeat);
    CHECK(status_line(answer) == "HTTP/1.1 400 Bad Request");
  }
}

} // namespace
} // namespace test
