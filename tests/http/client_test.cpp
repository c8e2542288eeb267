#include "http/support.hpp"

#include <greenroom/http/client.hpp>
#include <greenroom/http/router.hpp>
#include <greenroom/http/server.hpp>
#include <greenroom/io/tcp.hpp>

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace test {
namespace {

using namespace std::chrono_literals;
using greenroom::errc;
using greenroom::http::client;
using greenroom::http::client_options;
using greenroom::http::fields;
using greenroom::http::outgoing;
using greenroom::http::router;
using greenroom::http::server;

/// A server of these routes, and the URL of a path there.
class site {
public:
  explicit site(router routes) : server_({"127.0.0.1", 0}, std::move(routes)) {
    server_.start();
  }
  ~site() { server_.stop(0s); }

  std::string at(const std::string& target) const {
    return "http://" + server_.local().text() + target;
  }
  std::size_t connections() const { return server_.connections(); }
  server& inner() { return server_; }

private:
  server server_;
};

/// A server whose answers are given: one to each connection, which then ends.
class canned {
public:
  explicit canned(std::vector<std::string> answers)
      : door_({"127.0.0.1", 0}),
        serving_(greenroom::spawn([this, answers = std::move(answers)] {
          for (const std::string& each : answers) {
            auto peer = door_.accept();
            std::array<char, 4096> request;
            requests += std::string(request.data(), peer.read_some(request));
            peer.write(each);
          }
        })) {}
  ~canned() { serving_.kill(); }

  std::string at(const std::string& target) const {
    return "http://" + door_.local().text() + target;
  }

  std::string requests;

private:
  greenroom::tcp_listener door_;
  greenroom::greenlet<void> serving_;
};

void in_real_hub(const std::function<void()>& body) {
  in_hub_on(greenroom::clock_kind::real, body);
}

/// What `call` fails with.
template <class Call>
std::error_code failure_of(Call&& call) {
  try {
    call();
  } catch (const std::system_error& failed) {
    return failed.code();
  }
  return {};
}

TEST_SUITE("http") {
  TEST_CASE("a client gets what a server answers") {
    in_real_hub([] {
      const site here{router().get("/{name}", [](request& asked, response& to) {
        to.status(203).set("X-Name", asked.route_value("name"));
        to.send(asked.header("User-Agent"));
      })};
      client web;
      auto got = web.get(here.at("/me"));
      CHECK(got.status() == 203);
      CHECK(got.is_good());
      CHECK(got.header("x-name") == "me");
      CHECK(got.body() == "greenroom");
      CHECK(got.body().empty());
      CHECK(web.get(here.at("/a/b")).status() == 404);
      CHECK(got.where().text() == here.at("/me"));
    });
  }

  TEST_CASE("connections are used again when a reply was read") {
    in_real_hub([] {
      const site here{router()
                          .get("/", hello)
                          .get("/chunks",
                               [](request&, response& to) {
                                 to.write("ab");
                                 to.write("cd");
                               })
                          .get("/close", [](request&, response& to) {
                            to.set("Connection", "close").send("x");
                          })};
      client web;
      for (int i = 0; i < 3; ++i) {
        CHECK(web.get(here.at("/")).body() == "hello");
        CHECK(web.get(here.at("/chunks")).body() == "abcd");
        CHECK(web.send({.method = "HEAD", .url = here.at("/")}).body().empty());
      }
      CHECK(here.connections() == 1);
      CHECK(web.idle_connections() == 1);
      {
        auto unread = web.get(here.at("/"));
        CHECK(web.idle_connections() == 0);
        auto second = web.get(here.at("/"));
        CHECK(here.connections() == 2);
        second.body();
      }
      CHECK(web.idle_connections() == 1);
      web.get(here.at("/close")).body();
      CHECK(web.idle_connections() == 0);
    });
  }

  TEST_CASE("no more are kept than asked for, nor longer") {
    in_real_hub([] {
      const site here{router().get("/", hello)};
      client web{{.most_idle = 2}};
      std::vector<greenroom::http::reply> all;
      for (int i = 0; i < 5; ++i)
        all.push_back(web.get(here.at("/")));
      for (auto& each : all)
        each.body();
      CHECK(web.idle_connections() == 2);
      client forgetful{{.idle_time = 0s}};
      forgetful.get(here.at("/")).body();
      forgetful.get(here.at("/")).body();
      CHECK(forgetful.idle_connections() == 1);
    });
  }

  TEST_CASE("a kept connection that has been closed is no error") {
    in_real_hub([] {
      site here{router().get("/", hello).post("/", repeat)};
      client web;
      for (int i = 0; i < 3; ++i) {
        CHECK(web.get(here.at("/")).body() == "hello");
        here.inner().stop(0s);
        here.inner().start();
        CHECK(web.post(here.at("/"), "text").body() == "text");
        here.inner().stop(0s);
        here.inner().start();
      }
    });
  }

  TEST_CASE("bodies go there, in whole or in chunks") {
    in_real_hub([] {
      const auto repeat_large = [](request& asked, response& to) {
        asked.limit_body(10'000'000);
        to.send(asked.body());
      };
      const site here{router().post("/", repeat_large).put("/", repeat)};
      client web;
      CHECK(web.post(here.at("/"), "text").body() == "text");
      CHECK(web.post(here.at("/"), "").body().empty());
      const std::string large(3'000'000, 'x');
      CHECK(web.post(here.at("/"), large).body() == large);
      int left = 100;
      auto got = web.send({.method = "PUT",
                           .url = here.at("/"),
                           .source = [&](std::span<char> into) -> std::size_t {
                             if (left-- == 0) return 0;
                             into[0] = 'y';
                             return 1;
                           }});
      CHECK(got.body() == std::string(100, 'y'));
    });
  }

  TEST_CASE("redirects are followed as the RFC says") {
    in_real_hub([] {
      router routes;
      for (const int status : {301, 302, 303, 307, 308})
        routes.add("POST", '/' + std::to_string(status),
                   [status](request&, response& to) {
                     to.status(status).redirect("/end?x");
                   });
      const auto end = [](request& asked, response& to) {
        to.send(std::string(asked.method()) + ' ' +
                std::string(asked.target()) + ' ' + asked.body());
      };
      routes.get("/end", end).post("/end", end);
      routes.get("/round",
                 [](request&, response& to) { to.redirect("round"); });
      const site here{routes};
      client web;
      for (const char* from : {"/301", "/302", "/303"})
        CHECK(web.post(here.at(from), "b").body() == "GET /end?x ");
      for (const char* from : {"/307", "/308"})
        CHECK(web.post(here.at(from), "b").body() == "POST /end?x b");
      CHECK(failure_of([&] { web.get(here.at("/round")); }) ==
            std::errc::too_many_links);
      CHECK(here.connections() == 1);
      client stays{{.most_redirects = 0}};
      CHECK(failure_of([&] { stays.get(here.at("/round")); }) ==
            std::errc::too_many_links);
    });
  }

  TEST_CASE("secrets do not follow to another host") {
    in_real_hub([] {
      const site other{router().get("/", [](request& asked, response& to) {
        to.send(std::string(asked.header("Authorization")) +
                std::string(asked.header("Cookie")) +
                std::string(asked.header("X")));
      })};
      const std::string there = other.at("/");
      const site here{router().get(
          "/", [there](request&, response& to) { to.redirect(there); })};
      client web;
      outgoing what{.url = here.at("/")};
      what.headers.set("Authorization", "secret");
      what.headers.set("Cookie", "secret");
      what.headers.set("X", "y");
      CHECK(web.send(what).body() == "y");
    });
  }

  TEST_CASE("many fetch at once") {
    in_real_hub([] {
      const site here{router().get("/{n}", [](request& asked, response& to) {
        greenroom::yield();
        to.send(asked.route_value("n"));
      })};
      client web;
      std::vector<greenroom::greenlet<std::string>> all;
      for (int i = 0; i < 50; ++i)
        all.push_back(greenroom::spawn([&, i] {
          return web.get(here.at('/' + std::to_string(i))).body();
        }));
      for (int i = 0; i < 50; ++i)
        CHECK(all[static_cast<std::size_t>(i)].get() == std::to_string(i));
      CHECK(web.idle_connections() == 16);
    });
  }

  TEST_CASE("replies of all forms are understood") {
    in_real_hub([] {
      const auto body_of_canned = [](const std::string& answer) {
        const canned here{{answer}};
        client web;
        return web.get(here.at("/")).body();
      };
      CHECK(body_of_canned("HTTP/1.1 200 OK\r\n\r\nup to the end") ==
            "up to the end");
      CHECK(body_of_canned("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab") ==
            "ab");
      CHECK(body_of_canned("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early "
                           "Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n"
                           "Content-Length: 2\r\n\r\nab") == "ab");
      CHECK(
          body_of_canned("HTTP/1.1 204 No Content\r\n\r\nnot a body").empty());
      CHECK(body_of_canned("HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx") ==
            "x");
    });
  }

  TEST_CASE("replies that are none are errors that name the request") {
    in_real_hub([] {
      const auto failure = [](const std::string& answer) {
        const canned here{{answer}};
        client web;
        return failure_of([&] { web.get(here.at("/")).body(); });
      };
      CHECK(failure("") == errc::closed);
      CHECK(failure("nonsense\r\n\r\n") == std::errc::protocol_error);
      CHECK(failure("HTTP/1.1 200 OK\r\nConte") == std::errc::protocol_error);
      CHECK(failure("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab") ==
            std::errc::protocol_error);
      CHECK(failure("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "3\r\nabc\r\n") == std::errc::protocol_error);
      CHECK(failure("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
                    "Content-Length: 4\r\n\r\nabcd") ==
            std::errc::protocol_error);
      CHECK(failure("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'a') +
                    "\r\n\r\n") == std::errc::protocol_error);
      const canned here{{""}};
      client web;
      try {
        web.get(here.at("/x"));
        FAIL("an error was due");
      } catch (const std::system_error& failed) {
        CHECK(has(failed.what(), "GET " + here.at("/x")));
      }
    });
  }

  TEST_CASE("what cannot be asked for is refused before anything is sent") {
    in_real_hub([] {
      client web;
      CHECK(failure_of([&] { web.get("nonsense"); }) ==
            std::errc::invalid_argument);
      CHECK(failure_of([&] { web.get("ftp://a/"); }) ==
            std::errc::invalid_argument);
      CHECK(failure_of([&] { web.get("https://127.0.0.1/"); }) ==
            std::errc::protocol_not_supported);
      CHECK(failure_of([&] {
              web.send({.method = "GET / HTTP/1.1\r\nX:", .url = "http://a/"});
            }) == std::errc::invalid_argument);
      greenroom::tcp_listener gone{{"127.0.0.1", 0}};
      const std::string at = "http://" + gone.local().text() + '/';
      gone.close();
      CHECK(failure_of([&] { web.get(at); }) == std::errc::connection_refused);
    });
  }

  TEST_CASE("a server that says nothing is waited for until the deadline") {
    in_hub([] {
      greenroom::tcp_listener silent{{"127.0.0.1", 0}};
      client web;
      const std::string at = "http://" + silent.local().text() + '/';
      CHECK(failure_of([&] { web.get(at, 10s); }) == errc::timed_out);
      client impatient{{.time = 10s}};
      CHECK(failure_of([&] { impatient.get(at); }) == errc::timed_out);
    });
  }

  TEST_CASE("a body beyond the limit is an error") {
    in_real_hub([] {
      const site here{router().get("/", hello)};
      client web{{.most_body = 4}};
      CHECK(failure_of([&] { web.get(here.at("/")).body(); }) ==
            std::errc::message_size);
    });
  }

  TEST_CASE("a reply may outlive its client, and its server") {
    in_real_hub([] {
      std::vector<greenroom::http::reply> kept;
      {
        const site here{router().get("/", hello)};
        client web;
        kept.push_back(web.get(here.at("/")));
      }
      CHECK(kept.front().status() == 200);
    });
  }
}

} // namespace
} // namespace test
