// Teaches: an HTTP server is routes and functions; a page in whole, in pieces,
//          with a value from the path; what is not there is answered for you.
// Run:     build/dev/bin/50_http_pages
// Prints:  expected/50_http_pages.txt

#include <greenroom/http/client.hpp>
#include <greenroom/http/error.hpp>
#include <greenroom/http/router.hpp>
#include <greenroom/http/server.hpp>

#include <cstdio>
#include <string>

using namespace greenroom;

http::router make_routes() {
  http::router routes;
  routes.get("/", [](http::request&, http::response& answer) {
    answer.send("<p>Hello World</p>", "text/html");
  });
  routes.get("/pieces", [](http::request&, http::response& answer) {
    answer.set("Content-Type", "text/html");
    answer.write("<p>Hello"); // each piece leaves at once
    answer.write("World</p>");
  });
  routes.get("/hello/{name}", [](http::request& asked, http::response& answer) {
    answer.send("Hello " + std::string(asked.route_value("name")) + "!");
  });
  routes.get("/secret", [](http::request&, http::response&) {
    throw http::error(403, "not for you");
  });
  return routes;
}

int main() {
  http::server server{{"127.0.0.1", 0}, make_routes()};
  server.start();
  const std::string here = "http://" + server.local().text();
  http::client web;
  for (const char* path :
       {"/", "/pieces", "/hello/you%20there", "/secret", "/nowhere"}) {
    http::reply got = web.get(here + path);
    const bool whole = got.headers().contains("Content-Length");
    std::printf("%s: %d %s (%s)\n", path, got.status(), got.body().c_str(),
                whole ? "in whole" : "in pieces");
  }
  server.stop();
}
