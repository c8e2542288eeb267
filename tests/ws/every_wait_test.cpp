// What every waiting call of a WebSocket owes, see every_wait.hpp; and what is
// left wherever one waits for its peer.

#include "every_wait.hpp"
#include "io/tcp_support.hpp"
#include "ws/support.hpp"

#include <greenroom/http/client.hpp>
#include <greenroom/http/server.hpp>

#include <functional>
#include <list>
#include <string>
#include <system_error>
#include <vector>

namespace {

using namespace greenroom;
using namespace std::chrono_literals;

struct ws_connect {
  bool call(deadline until) {
    return ws::socket::connect("ws://" + full.door.local().text(), until)
        .is_open();
  }
  bool left_clean() { return true; }
  test::full_port full;
};

struct ws_handshake {
  bool call(deadline until) {
    return ws::socket::connect("ws://" + door.local().text(), until).is_open();
  }
  bool left_clean() { return true; }
  tcp_listener door{{"127.0.0.1", 0}};
};

void say_nothing(ws::socket&) {
  sleep(10'000h);
}

struct ws_receive {
  bool call(deadline until) { return target.receive(until).has_value(); }
  bool left_clean() { return target.is_open(); }
  test::served far{say_nothing};
  ws::socket target = far.client({.ping_time = 0s});
};

/// One for each call: what is sent by half closes it.
struct ws_send {
  struct pair {
    test::served far{say_nothing};
    ws::socket near = far.client({.write_time = 10'000s});
  };
  bool call(deadline until) {
    ws::socket& target = (next++)->near;
    target.send(test::more_than_fits(), until);
    return true;
  }
  bool left_clean() { return true; }
  std::list<pair> all{4};
  std::list<pair>::iterator next = all.begin();
};

/// Behind somebody who sends.
struct ws_turn {
  ws_turn() { yield(); }
  ~ws_turn() { first.kill(); }
  bool call(deadline until) {
    target.send("x", until);
    return true;
  }
  bool left_clean() { return target.is_open(); }
  test::served far{say_nothing};
  ws::socket target = far.client({.write_time = 10'000s});
  greenlet<void> first = spawn([this] { target.send(test::more_than_fits()); });
};

struct ws_ping : ws_turn {
  bool call(deadline until) {
    target.ping(until);
    return true;
  }
};

TEST_CASE_TEMPLATE("every wait: ws", Wait, ws_connect, ws_handshake, ws_receive,
                   ws_send, ws_turn, ws_ping) {
  test::every_wait<Wait>();
}

} // namespace

namespace test {
namespace {

using handler = std::function<void(ws::socket&)>;

void receive_all(ws::socket& peer) {
  while (peer.receive()) {
  }
}

void send_much(ws::socket& peer) {
  peer.send(more_than_fits());
}

void close(ws::socket& peer) {
  peer.close();
}

/// While its peer takes nothing, and somebody else sends.
void close_while_sending(ws::socket& peer) {
  const auto sending = spawn([&] {
    std::error_code failed;
    peer.send(more_than_fits(), {}, failed);
  });
  const while_unwinding cleanup([&] { sending.kill(); });
  greenroom::yield();
  peer.close();
}

void close_while_receiving(ws::socket& peer) {
  const auto receiving = spawn([&] {
    std::error_code failed;
    peer.receive({}, failed);
  });
  const while_unwinding cleanup([&] { receiving.kill(); });
  greenroom::yield();
  peer.close();
}

/// Where a handler waits for a peer that says this after its handshake, and no
/// more, nor reads.
struct waiting_point {
  std::string name;
  std::string said;
  handler handle;
  std::chrono::seconds time; // after which it does not
};

const std::vector<waiting_point>& waiting_points() {
  const std::string text = frame(0x81, "hello");
  static const std::vector<waiting_point> all{
      {"for a message", "", receive_all, 60s},
      {"for another message", text, receive_all, 60s},
      {"within a frame's head", text.substr(0, 1), receive_all, 60s},
      {"within a message", text.substr(0, 9), receive_all, 30s},
      {"for the next frame", frame(0x01, "hello"), receive_all, 30s},
      {"to send", "", send_much, 30s},
      {"for a goodbye", "", close, 1s},
      {"to say goodbye", "", close_while_sending, 1s},
      {"for its reader", "", close_while_receiving, 1s},
  };
  return all;
}

/// A server with one such peer.
struct visited {
  explicit visited(const waiting_point& at)
      : here({"127.0.0.1", 0}, [&](http::request& asked, http::response& to) {
          if (asked.path() == "/well") return to.send("well");
          auto peer = ws::socket::accept(asked, to);
          at.handle(peer);
        }) {
    here.start();
    client = tcp_socket::connect(here.local());
    client.write(handshake + at.said);
    std::string answer;
    while (!answer.ends_with("\r\n\r\n"))
      answer += read_text(client, 1);
    greenroom::sleep(1ms);
    CHECK(here.connections() == 1);
  }
  /// Others can be served.
  bool is_well() const {
    http::client web;
    return web.get("http://" + here.local().text() + "/well").body() == "well";
  }

  http::server here;
  tcp_socket client;
};

TEST_SUITE("ws") {
  TEST_CASE("wherever a handler waits, a limit ends it") {
    for (const waiting_point& each : waiting_points())
      in_hub([&] {
        CAPTURE(each.name);
        const captured_log log;
        visited one{each};
        const auto time = time_of([&] {
          while (one.here.connections() > 0)
            greenroom::sleep(500ms);
        });
        CHECK(time >= each.time - 500ms);
        CHECK(time <= each.time + 2s);
        CHECK(one.is_well());
        one.here.stop(0s);
      });
  }

  TEST_CASE("wherever a handler waits, a kill ends it at once") {
    for (const waiting_point& each : waiting_points())
      in_hub([&] {
        CAPTURE(each.name);
        visited one{each};
        CHECK(time_of([&] { one.here.stop(0s); }) == 0s);
        CHECK(one.here.connections() == 0);
      });
  }

  TEST_CASE("wherever a handler waits, a peer that leaves ends it at once") {
    for (const waiting_point& each : waiting_points())
      for (const bool resets : {false, true})
        in_hub([&] {
          CAPTURE(each.name);
          CAPTURE(resets);
          const captured_log log;
          visited one{each};
          resets ? one.client.reset() : one.client.close();
          greenroom::sleep(1ms);
          CHECK(one.here.connections() == 0);
          CHECK(one.is_well());
          one.here.stop(0s);
        });
  }

  TEST_CASE("who gives up its wait has a socket that works, or is closed") {
    for (const waiting_point& each : waiting_points())
      in_hub([&] {
        CAPTURE(each.name);
        std::error_code failed;
        bool was_open = false;
        waiting_point patient = each;
        patient.handle = [&](ws::socket& peer) {
          greenroom::timeout limit{700ms};
          limit.start();
          try {
            each.handle(peer);
          } catch (const greenroom::timeout_expired&) {
          }
          was_open = peer.is_open();
          peer.send("later", {}, failed);
          peer.close();
        };
        visited one{patient};
        greenroom::sleep(800ms);
        std::string came(1 << 20, ' ');
        std::error_code gone;
        came.resize(one.client.read_some(came, 1s, gone));
        CHECK(was_open == !failed);
        if (was_open)
          CHECK(came == "\x81\x05later" + goodbye(1000));
        else
          CHECK(failed == greenroom::errc::closed);
        one.here.stop(0s);
      });
  }
}

} // namespace
} // namespace test
