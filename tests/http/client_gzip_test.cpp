#include "http/gzip_support.hpp"
#include "http/support.hpp"

#include <greenroom/http/client.hpp>
#include <greenroom/http/compression.hpp>
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
using greenroom::http::client;
using greenroom::http::client_options;
using greenroom::http::outgoing;
using greenroom::http::router;
using greenroom::http::server;

const std::string page(100'000, 'x');

client_options with_gzip() {
  client_options options;
  options.accept_gzip = true;
  return options;
}

/// Gives these answers, one to each connection, and notes the requests.
class canned {
public:
  explicit canned(std::vector<std::string> answers)
      : door_({"127.0.0.1", 0}),
        serving_(greenroom::spawn([this, answers = std::move(answers)] {
          for (const std::string& each : answers) {
            auto peer = door_.accept();
            std::array<char, 4096> request;
            requests += std::string(request.data(), peer.read_some(request));
            std::error_code failed; // it may have heard enough
            peer.write(each, {}, failed);
          }
        })) {}
  ~canned() { serving_.kill(); }

  std::string url() const { return "http://" + door_.local().text() + "/"; }

  std::string requests;

private:
  greenroom::tcp_listener door_;
  greenroom::greenlet<void> serving_;
};

/// Its body ends with the connection.
std::string reply_of(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + body;
}

void in_real_hub(const std::function<void()>& body) {
  in_hub_on(greenroom::clock_kind::real, body);
}

/// The body of such a reply, or what it fails with.
std::string got(const std::string& body) {
  std::string text;
  in_real_hub([&] {
    canned house{{reply_of(body)}};
    client web{with_gzip()};
    try {
      text = web.get(house.url()).body();
    } catch (const std::system_error& failed) {
      CHECK(failed.code() == std::errc::protocol_error);
      text = "failed";
    }
  });
  return text;
}

} // namespace

TEST_CASE("a client that accepts gzip reads a body as if it had come without") {
  in_real_hub([] {
    router routes;
    routes.use(greenroom::http::compressed());
    routes.get("/page", [](request&, response& to) { to.send(page); });
    routes.get("/pieces", [](request&, response& to) {
      to.set("Content-Type", "text/plain");
      for (int i = 0; i < 10; ++i)
        to.write(page);
    });
    routes.get("/away", [](request&, response& to) { to.redirect("/page"); });
    server house{{"127.0.0.1", 0}, routes};
    house.start();
    const std::string url = "http://" + house.local().text();
    client web{with_gzip()};
    for (const char* path : {"/page", "/away", "/page"}) {
      auto reply = web.get(url + path);
      CHECK_FALSE(reply.headers().contains("Content-Encoding"));
      CHECK_FALSE(reply.headers().contains("Content-Length"));
      CHECK(reply.header("Vary") == "Accept-Encoding");
      CHECK(reply.body() == page);
    }
    CHECK(web.get(url + "/pieces").body().size() == 10 * page.size());
    CHECK(web.idle_connections() == 1);
    CHECK(house.connections() == 1);
    house.stop(0s);
  });
}

TEST_CASE("gzip is asked for only when it is wanted, and can be read") {
  in_real_hub([] {
    const std::string packed = gzip(page);
    canned house{{reply_of(packed), reply_of(packed), reply_of(packed),
                  reply_of(""), reply_of("")}};
    client plain;
    CHECK(plain.get(house.url()).body() == packed);
    CHECK_FALSE(has(house.requests, "Accept-Encoding"));
    client web{with_gzip()};
    for (const char* name : {"Accept-Encoding", "Range"}) {
      outgoing what{.url = house.url()};
      what.headers.set(name, "x");
      auto reply = web.send(what);
      CHECK(reply.header("Content-Encoding") == "gzip");
      CHECK(reply.body() == packed);
    }
    CHECK(web.send({.method = "HEAD", .url = house.url()}).body() == "");
    CHECK_FALSE(has(house.requests, "Accept-Encoding: gzip"));
    CHECK(web.get(house.url()).body() == ""); // of no bytes at all
    CHECK(has(house.requests, "Accept-Encoding: gzip\r\n"));
  });
}

TEST_CASE("a body in gzip that is cut off anywhere is an error") {
  const std::string packed = gzip("Hello, hello, hello, World!");
  CHECK(got(packed) == "Hello, hello, hello, World!");
  for (std::size_t bytes = 1; bytes < packed.size(); ++bytes) {
    CAPTURE(bytes);
    CHECK(got(packed.substr(0, bytes)) == "failed");
  }
}

TEST_CASE("a body that is no gzip is an error; several members are one body") {
  const std::string packed = gzip("Hello");
  CHECK(got(packed + packed) == "HelloHello");
  CHECK(got(packed + gzip("") + packed) == "HelloHello");
  CHECK(got("Hello, World! Hello, World!") == "failed");
  CHECK(got(packed + "x") == "failed");
  CHECK(got(packed + std::string(20, '\0')) == "failed");
  for (const std::size_t place : {0, 1, 12, -1, -5}) { // -5: the checksum
    std::string wrong = packed;
    wrong[(place + wrong.size()) % wrong.size()] ^= 0x20;
    CHECK(got(wrong) == "failed");
  }
}

TEST_CASE("a bomb in gzip is read up to the limit, and no further") {
  const std::string bomb = gzip(std::string(100 << 20, '\0'));
  CHECK(bomb.size() < 200'000);
  in_real_hub([&] {
    canned house{{reply_of(bomb), reply_of(bomb)}};
    auto options = with_gzip();
    options.most_body = 1 << 20;
    client web{options};
    std::error_code failed;
    try {
      web.get(house.url()).body();
    } catch (const std::system_error& caught) {
      failed = caught.code();
    }
    CHECK(failed == std::errc::message_size);
    auto reply = web.get(house.url());
    std::array<char, 10'000> piece;
    for (int i = 0; i < 100; ++i)
      CHECK(reply.read_some(piece) > 0); // as much as is asked for
  });
}

TEST_CASE(
    "a read of a gzip body that was broken off is not taken for its end") {
  in_real_hub([] {
    greenroom::tcp_listener door{{"127.0.0.1", 0}};
    auto serving = greenroom::spawn([&] {
      auto peer = door.accept();
      std::array<char, 4096> request;
      peer.read_some(request);
      peer.write(reply_of(gzip(page).substr(0, 12)));
      greenroom::sleep(60s);
    });
    client web{with_gzip()};
    auto reply = web.get("http://" + door.local().text() + "/");
    std::array<char, 100> piece;
    CHECK_THROWS_AS(reply.read_some(piece, 10ms), std::system_error);
    CHECK_THROWS_AS(reply.read_some(piece), std::system_error);
    serving.kill();
  });
}

} // namespace test
