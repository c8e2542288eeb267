#include "http/support.hpp"

#include <greenroom/http/error.hpp>
#include <greenroom/http/router.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

namespace test {
namespace {

using greenroom::http::router;

std::string ask(const router& routes, const std::string& method,
                const std::string& target) {
  return answer_to(method + ' ' + target +
                       " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                   routes);
}

handler says(std::string text) {
  return [text](request&, response& to) { to.send(text); };
}

/// The values of these places.
handler places(std::string first, std::string second = "") {
  return [=](request& asked, response& to) {
    to.send(std::string(asked.route_value(first)) + '|' +
            std::string(asked.route_value(second)));
  };
}

TEST_SUITE("http") {
  TEST_CASE("a router finds the handler of a path and a method") {
    router routes;
    routes.get("/", says("index")).get("/a", says("a")).get("/a/b", says("b"));
    routes.post("/a", says("posted")).put("/a", says("put"));
    routes.del("/a", says("deleted")).add("BREW", "/a", says("tea"));
    CHECK(body_of(ask(routes, "GET", "/")) == "index");
    CHECK(body_of(ask(routes, "GET", "/a?x=y")) == "a");
    CHECK(body_of(ask(routes, "GET", "/a/b")) == "b");
    CHECK(body_of(ask(routes, "POST", "/a")) == "posted");
    CHECK(body_of(ask(routes, "PUT", "/a")) == "put");
    CHECK(body_of(ask(routes, "DELETE", "/a")) == "deleted");
    CHECK(body_of(ask(routes, "BREW", "/a")) == "tea");
  }

  TEST_CASE("places take one segment each, decoded") {
    router routes;
    routes.get("/{room}/{uid}", places("room", "uid"));
    CHECK(body_of(ask(routes, "GET", "/r/u")) == "r|u");
    CHECK(body_of(ask(routes, "GET", "/a%20b/%2F")) == "a b|/");
    for (const char* other : {"/", "/r", "/r/", "//u", "/r/u/", "/r/u/x"})
      CHECK(status_line(ask(routes, "GET", other)) == "HTTP/1.1 404 Not Found");
    CHECK(status_line(ask(routes, "GET", "/%zz/u")) ==
          "HTTP/1.1 400 Bad Request");
  }

  TEST_CASE("the last place may take the rest") {
    router routes;
    routes.get("/files/{path...}", places("path"));
    CHECK(body_of(ask(routes, "GET", "/files/a")) == "a|");
    CHECK(body_of(ask(routes, "GET", "/files/a/b%20c/")) == "a/b c/|");
    CHECK(body_of(ask(routes, "GET", "/files/")) == "|");
    CHECK(status_line(ask(routes, "GET", "/files")) ==
          "HTTP/1.1 404 Not Found");
  }

  TEST_CASE("of routes that fit, the one added first is taken") {
    router routes;
    routes.get("/new", says("new")).get("/{name}", says("one"));
    CHECK(body_of(ask(routes, "GET", "/new")) == "new");
    CHECK(body_of(ask(routes, "GET", "/old")) == "one");
  }

  TEST_CASE("a known path with another method is told which there are") {
    router routes;
    routes.get("/a", says("a")).post("/{x}", says("x"));
    const std::string refused = ask(routes, "PUT", "/a");
    CHECK(status_line(refused) == "HTTP/1.1 405 Method Not Allowed");
    CHECK(has(refused, "Allow: GET, HEAD, POST\r\n"));
    CHECK(has(ask(routes, "OPTIONS", "/a"), "Allow: GET, HEAD, POST\r\n"));
    CHECK(status_line(ask(routes, "OPTIONS", "/a")) ==
          "HTTP/1.1 204 No Content");
    CHECK(status_line(ask(routes, "PUT", "/a/b")) == "HTTP/1.1 404 Not Found");
  }

  TEST_CASE("HEAD is answered by GET's handler") {
    router routes;
    routes.get("/a", says("abc"));
    const std::string answer = ask(routes, "HEAD", "/a");
    CHECK(has(answer, "Content-Length: 3\r\n"));
    CHECK(body_of(answer).empty());
  }

  TEST_CASE("middleware goes around the handlers, the first outermost") {
    std::string trace;
    router routes;
    const auto tracing = [&](const std::string& name) {
      return [&trace, name](request& asked, response& to, const handler& next) {
        trace += name + '(';
        next(asked, to);
        trace += ')';
      };
    };
    routes.use(tracing("a")).use(tracing("b"));
    routes.use([](request& asked, response& to, const handler& next) {
      if (asked.header("X-Key") != "secret" && asked.path() == "/secret")
        throw greenroom::http::error(403);
      next(asked, to);
    });
    routes.get("/", [&](request&, response& to) {
      trace += 'h';
      to.send("x");
    });
    in_hub([&] {
      scripted_stream client{{get}};
      serve(client, routes);
    });
    CHECK(trace == "a(b(h))");
    CHECK(status_line(ask(routes, "GET", "/secret")) ==
          "HTTP/1.1 403 Forbidden");
  }

  TEST_CASE("a bad path of a route is refused by name") {
    for (const char* path :
         {"", "a", "/{", "/{}", "/a{b}", "/{rest...}/x", "/}"}) {
      CAPTURE(path);
      CHECK_THROWS_AS(router().get(path, says("x")), std::invalid_argument);
    }
  }
}

} // namespace
} // namespace test
