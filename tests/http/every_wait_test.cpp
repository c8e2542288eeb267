// What every waiting call of a client owes, see every_wait.hpp; and what a
// server owes at every point where it waits for its client.

#include "every_wait.hpp"
#include "http/support.hpp"
#include "io/tcp_support.hpp"

#include <greenroom/http/client.hpp>
#include <greenroom/http/event_stream.hpp>
#include <greenroom/http/server.hpp>
#include <greenroom/io/file.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace {

using namespace greenroom;
using namespace std::chrono_literals;

// --- clients --------------------------------------------------------------

/// A server that lets itself be connected with, and says nothing.
struct silent_server {
  bool call(deadline until) {
    return web.get("http://" + door.local().text() + "/", until).is_good();
  }
  bool left_clean() { return web.idle_connections() == 0; }
  tcp_listener door{{"127.0.0.1", 0}};
  http::client web;
};

using client_head = silent_server;

struct client_connect {
  bool call(deadline until) {
    return web.get("http://" + full.door.local().text() + "/", until).is_good();
  }
  bool left_clean() { return web.idle_connections() == 0; }
  test::full_port full;
  http::client web;
};

struct client_write : silent_server {
  bool call(deadline until) {
    http::outgoing what{.method = "POST",
                        .url = "http://" + door.local().text() + "/"};
    what.body = test::more_than_fits();
    return web.send(std::move(what), until).is_good();
  }
};

struct client_source : silent_server {
  bool call(deadline until) {
    http::outgoing what{.method = "POST",
                        .url = "http://" + door.local().text() + "/"};
    what.source = [](std::span<char> into) { return into.size(); };
    return web.send(std::move(what), until).is_good();
  }
};

/// Replies whose bodies have begun, for a call each.
struct client_body : silent_server {
  client_body() {
    for (int i = 0; i < 4; ++i) {
      const auto answering = spawn([this] {
        far.push_back(door.accept());
        far.back().write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
      });
      begun.push_back(web.get("http://" + door.local().text() + "/"));
      answering.join();
    }
  }
  bool call(deadline until) { return begun.at(next++).body(until).empty(); }
  bool left_clean() {
    if (next > 0) CHECK(is_lost(begun.at(next - 1)));
    return web.idle_connections() == 0;
  }
  /// What came before is not taken for the whole.
  static bool is_lost(http::reply& cut) {
    return test::mentions(test::error_of([&] { cut.body(); }), "closed");
  }
  std::vector<tcp_socket> far;
  std::vector<http::reply> begun;
  std::size_t next = 0;
};

struct client_piece : client_body {
  client_piece() {
    char two[2];
    for (http::reply& each : begun)
      each.read_some(two);
  }
  bool call(deadline until) {
    char one;
    return begun.at(next++).read_some({&one, 1}, until) > 0;
  }
};

TEST_CASE_TEMPLATE("every wait: http", Wait, client_connect, client_head,
                   client_write, client_source, client_body, client_piece) {
  test::every_wait<Wait>();
}

} // namespace

namespace test {
namespace {

// --- servers --------------------------------------------------------------

const std::string post =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe";
const std::string post_chunks =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe";

void send_much(request&, response& answer) {
  answer.send(more_than_fits());
}

void write_much(request&, response& answer) {
  answer.write(more_than_fits());
}

void send_events(request&, response& answer) {
  http::event_stream events{answer};
  for (;;)
    events.send(std::string(100'000, 'x'));
}

void send_big_file(request&, response& answer) {
  const int descriptor = ::memfd_create("big", MFD_CLOEXEC);
  const struct closed {
    ~closed() { ::close(number); }
    int number;
  } held{descriptor};
  REQUIRE(::ftruncate(descriptor, 32 << 20) == 0);
  answer.send_file(descriptor, 0, 32 << 20);
}

/// Where a server waits for a client that says this, and no more, nor reads.
struct waiting_point {
  std::string name;
  std::string said;
  http::handler handle;
  std::chrono::seconds time; // after which it does not
};

const std::vector<waiting_point>& waiting_points() {
  static const std::vector<waiting_point> all{
      {"for a request", "", hello, 60s},
      {"for another request", get, hello, 60s},
      {"for a head", "GET / HT", hello, 10s},
      {"for a body", post, repeat, 60s},
      {"for chunks", post_chunks, repeat, 60s},
      {"for what is dropped", post, hello, 60s},
      {"to send", get, send_much, 30s},
      {"to send a piece", get, write_much, 30s},
      {"to send a file", get, send_big_file, 30s},
      {"to send an event", get, send_events, 30s},
      {"to send to HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", write_much, 30s},
      {"for the client to leave", "nonsense\r\n\r\n", hello, 0s},
  };
  return all;
}

/// A server with one such client.
struct visited {
  explicit visited(const waiting_point& at)
      : here({"127.0.0.1", 0}, [&](request& asked, response& answer) {
          if (asked.path() == "/well") return hello(asked, answer);
          at.handle(asked, answer);
        }) {
    here.start();
    client = tcp_socket::connect(here.local());
    if (!at.said.empty()) client.write(at.said);
    sleep(1ms);
    CHECK(here.connections() == 1);
  }
  /// Others can be served.
  bool is_well() const {
    http::client web;
    return web.get("http://" + here.local().text() + "/well").body() == "hello";
  }
  /// What comes to the client until the end.
  std::string rest(std::error_code& failed) {
    std::string all;
    std::vector<char> piece(1 << 16);
    while (const std::size_t bytes = client.read_some(piece, 100s, failed))
      all.append(piece.data(), bytes);
    return all;
  }

  http::server here;
  tcp_socket client;
};

/// By its length, its last chunk, or the end of the connection.
bool looks_whole(const std::string& answer, const std::error_code& failed) {
  if (answer.find("\r\n\r\n") == std::string::npos) return answer.empty();
  if (has(answer, "Transfer-Encoding: chunked"))
    return answer.ends_with("\r\n0\r\n\r\n");
  const std::string mark = "Content-Length: ";
  const auto at = answer.find(mark);
  if (at == std::string::npos) return !failed;
  return body_of(answer).size() == std::stoul(answer.substr(at + mark.size()));
}

TEST_SUITE("http") {
  TEST_CASE("wherever a server waits, a limit ends it, and others are served") {
    for (const waiting_point& each : waiting_points()) {
      in_hub([&] {
        CAPTURE(each.name);
        visited one{each};
        const auto time = time_of([&] {
          while (one.here.connections() > 0)
            sleep(500ms);
        });
        CHECK(time >= each.time);
        CHECK(time <= each.time + 2s); // with the goodbye
        CHECK(one.is_well());
        std::error_code failed;
        const std::string came = one.rest(failed);
        CHECK(looks_whole(came, failed) == (came.size() < 1000));
        one.here.stop(0s);
      });
    }
  }

  TEST_CASE("wherever a server waits, a kill ends it at once") {
    for (const waiting_point& each : waiting_points()) {
      in_hub([&] {
        CAPTURE(each.name);
        visited one{each};
        CHECK(time_of([&] { one.here.stop(0s); }) == 0s);
        CHECK(one.here.connections() == 0);
        std::error_code failed;
        const std::string came = one.rest(failed);
        CHECK(looks_whole(came, failed) == (came.size() < 1000));
      });
    }
  }

  TEST_CASE("wherever a server waits, a client that leaves ends it at once") {
    for (const waiting_point& each : waiting_points()) {
      for (const bool resets : {false, true})
        in_hub([&] {
          CAPTURE(each.name);
          visited one{each};
          resets ? one.client.reset() : one.client.close();
          sleep(1ms);
          CHECK(one.here.connections() == 0);
          CHECK(one.is_well());
          one.here.stop(0s);
        });
    }
  }

  TEST_CASE("a handler that gives up its wait leaves no broken connection") {
    for (const waiting_point& each : waiting_points()) {
      in_hub([&] {
        waiting_point patient = each;
        patient.handle = [&](request& asked, response& answer) {
          timeout limit{1s};
          limit.start();
          try {
            each.handle(asked, answer);
          } catch (const timeout_expired&) {
            if (!answer.begun()) answer.status(503).send("later");
          }
        };
        CAPTURE(each.name);
        visited one{patient};
        sleep(2s);
        std::error_code refused; // then it is not told again
        one.client.write("GET /well HTTP/1.1\r\nHost: a\r\n\r\n", 1s, refused);
        std::error_code failed;
        const std::string came = one.rest(failed);
        const bool answered = has(each.name, "body") || has(each.name, "chunk");
        if (answered) CHECK(has(came, "503"));
        if (came.size() > 1000) {
          CHECK_FALSE(has(came, "hello"));
          CHECK_FALSE(looks_whole(came, refused ? refused : failed));
        }
        CHECK(one.is_well());
        one.here.stop(0s);
      });
    }
  }
}

} // namespace
} // namespace test
