// Teaches: what belongs to the request that is being answered, for functions
//          deep below that are not handed it: a `local`, and middleware that
//          sets it. Requests that go on side by side do not mix.
// Run:     build/dev/bin/53_request_local
// Prints:  expected/53_request_local.txt

#include <greenroom/actors/group.hpp>
#include <greenroom/http/client.hpp>
#include <greenroom/http/router.hpp>
#include <greenroom/http/server.hpp>
#include <greenroom/hub/greenlet.hpp>
#include <greenroom/hub/local.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace greenroom;
using namespace std::chrono_literals;

local<std::string> user; // of the present request

std::string greeting() {
  sleep(1s); // others are served meanwhile
  return "Hello " + *user;
}

int main() {
  http::router routes;
  routes.use([](http::request& asked, http::response& answer,
                const http::handler& next) {
    *user = asked.header("X-User");
    next(asked, answer);
  });
  routes.get("/", [](http::request&, http::response& answer) {
    answer.send(greeting());
  });
  http::server server{{"127.0.0.1", 0}, routes};
  server.start();

  http::client web;
  group asking;
  for (const char* name : {"steve", "john", "nancy"})
    asking.spawn([&, name] {
      http::outgoing what{.url = "http://" + server.local().text() + "/"};
      what.headers.set("X-User", name);
      const std::string body = web.send(what).body();
      std::printf("%s got: %s\n", name, body.c_str());
    });
  asking.join();
  server.stop();
}
