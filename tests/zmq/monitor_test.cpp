#include "zmq/support.hpp"

#include <greenroom/zmq/monitor.hpp>

using namespace greenroom;
using namespace test;
using kind = zmq::monitor_event_kind;

namespace {

/// The first of this kind, within a time.
std::optional<zmq::monitor_event> await(zmq::monitor& of, kind wanted) {
  auto event = of.next(10s);
  while (event && event->kind != wanted)
    event = of.next(10s);
  return event;
}

} // namespace

TEST_SUITE_BEGIN("zmq");

TEST_CASE("a monitor tells what happens to connections, in order") {
  in_real_hub([] {
    const zmq::context own;
    auto server = make_socket(own, socket_type::rep);
    zmq::monitor watching{server};
    server.bind(any_port);
    const auto listening = watching.next(10s);
    REQUIRE(listening);
    CHECK(listening->kind == kind::listening);
    CHECK(listening->endpoint == server.last_endpoint());
    {
      auto client = make_socket(own, socket_type::req);
      client.connect(server.last_endpoint());
      CHECK(watching.next(10s)->kind == kind::accepted);
      CHECK(watching.next(10s)->kind == kind::handshake_succeeded);
    }
    CHECK(watching.next(10s)->kind == kind::disconnected);
    server.close();
    while (watching.next(10s)) {
    }
    CHECK(!watching.next()); // for ever
  });
}

TEST_CASE("a monitor may end before its socket") {
  in_real_hub([] {
    zmq_pair ends{socket_type::rep, socket_type::req};
    { const zmq::monitor unread{ends.bound}; }
    ends.connected.send("x");
    CHECK(receive_text(ends.bound) == "x");
    zmq::monitor again{ends.bound};
    std::error_code failed;
    CHECK(!again.next(1ms, failed));
    CHECK(failed == errc::timed_out);
  });
}

TEST_CASE("with CURVE only who knows the server's key is heard") {
  in_real_hub([] {
    const zmq::context own;
    const auto keys = zmq::curve_keys::make();
    CHECK(zmq::curve_keys::of(keys.secret_key).public_key == keys.public_key);
    auto server = make_socket(own, socket_type::rep);
    server.set_curve_server(keys);
    zmq::monitor watching{server};
    server.bind(any_port);

    auto stranger = make_socket(own, socket_type::req);
    stranger.set_curve_client(zmq::curve_keys::make().public_key);
    stranger.connect(server.last_endpoint());
    const auto refused = await(watching, kind::handshake_refused);
    REQUIRE(refused);
    CHECK(refused->value == 0x11000001); // ..._ZMTP_CRYPTOGRAPHIC
    stranger.close();

    auto open = make_socket(own, socket_type::req); // no key at all
    open.connect(server.last_endpoint());
    CHECK(await(watching, kind::handshake_refused));
    open.close();

    auto client = make_socket(own, socket_type::req);
    client.set_curve_client(keys.public_key);
    client.connect(server.last_endpoint());
    client.send("secret");
    CHECK(receive_text(server) == "secret");
    CHECK(mentions(error_of([&] { client.set_curve_client("short"); }),
                   "set_curve_client"));
  });
}

TEST_SUITE_END();
