#include "zmq/support.hpp"

#include <greenroom/io/tcp.hpp>

#include <string>
#include <system_error>

using namespace greenroom;
using namespace test;

namespace {

std::error_code bind_failure(zmq::socket& at, const std::string& endpoint) {
  std::error_code failed;
  at.bind(endpoint, failed);
  return failed;
}

std::uint16_t port_of(const std::string& endpoint) {
  return static_cast<std::uint16_t>(
      std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

} // namespace

TEST_SUITE_BEGIN("zmq");

TEST_CASE("an address that does not parse, or is taken, is a named error") {
  in_real_hub([] {
    const zmq::context own;
    auto first = make_socket(own, socket_type::rep);
    auto second = make_socket(own, socket_type::rep);
    CHECK(bind_failure(first, "nonsense") == std::errc::invalid_argument);
    CHECK(bind_failure(first, "tcp://") == std::errc::invalid_argument);
    CHECK(bind_failure(first, "tcp://127.0.0.1:x") ==
          std::errc::invalid_argument);
    CHECK(bind_failure(first, "no://where") ==
          std::errc::protocol_not_supported);
    first.bind(any_port);
    const std::string taken = first.last_endpoint();
    CHECK(bind_failure(second, taken) == std::errc::address_in_use);
    const std::string error = error_of([&] { second.bind(taken); });
    CHECK(mentions(error, "bind on rep socket to " + taken));
    CHECK(mentions(error, "in use"));
    CHECK(mentions(error_of([&] { first.connect("tcp:/"); }), "tcp:/"));
    CHECK(mentions(error_of([&] { first.disconnect("tcp://127.0.0.1:1"); }),
                   "disconnect"));
  });
}

TEST_CASE("a send in the wrong state is a named error") {
  in_real_hub([] {
    zmq_pair ends{socket_type::rep, socket_type::req};
    std::error_code failed;
    ends.bound.send("unasked", {}, failed);
    CHECK(failed == zmq::errc::wrong_state);
    ends.connected.receive({}, failed);
    CHECK(failed == zmq::errc::wrong_state);
    ends.connected.send("question");
    CHECK(
        mentions(error_of([&] { ends.connected.send("again"); }), "alternate"));
    CHECK(receive_text(ends.bound) == "question"); // and it works on
    ends.bound.send("answer");
    CHECK(receive_text(ends.connected) == "answer");
  });
}

TEST_CASE("a direction that a socket has not is a named error") {
  in_real_hub([] {
    zmq_pair ends{socket_type::push, socket_type::pull};
    std::error_code failed;
    ends.bound.receive({}, failed);
    CHECK(failed == std::errc::operation_not_supported);
    ends.connected.send("x", {}, failed);
    CHECK(failed == std::errc::operation_not_supported);
    ends.bound.send_multipart({}, {}, failed);
    CHECK(failed == std::errc::invalid_argument);
    CHECK_THROWS_AS(ends.bound.subscribe("x"), std::system_error);
  });
}

TEST_CASE("a mandatory router tells that nobody has that id") {
  in_real_hub([] {
    const zmq::context own;
    auto router = make_socket(own, socket_type::router);
    router.set_router_mandatory(true);
    router.bind(any_port);
    std::error_code failed;
    router.send_multipart({"nobody", "x"}, {}, failed);
    CHECK(failed == std::errc::host_unreachable);
  });
}

TEST_CASE("a send of a mandatory router waits for the peer that is full") {
  in_real_hub([] {
    const zmq::context own;
    auto router = make_socket(own, socket_type::router);
    auto slow = make_socket(own, socket_type::dealer);
    auto quick = make_socket(own, socket_type::dealer);
    router.set_router_mandatory(true);
    router.set_send_limit(1);
    router.bind("inproc://router");
    for (auto* each : {&slow, &quick}) {
      each->set_receive_limit(1);
      each->set_routing_id(each == &slow ? "slow" : "quick");
      each->connect("inproc://router");
      each->send("here");
      router.receive_multipart(10s);
    }
    int sent = 0;
    std::error_code failed;
    while (!failed) {
      router.send_multipart({"slow", "x"}, 20ms, failed);
      if (!failed) ++sent;
    }
    CHECK(failed == errc::timed_out);
    auto waiting = spawn([&] { router.send_multipart({"slow", "last"}); });
    yield();
    router.send_multipart({"quick", "x"}, 1s); // is not held up
    CHECK(receive_text(quick) == "x");
    for (int i = 0; i < sent; ++i)
      CHECK(receive_text(slow) == "x");
    CHECK(receive_text(slow) == "last");
    waiting.join();
  });
}

TEST_CASE("strangers that talk garbage to a port disturb nobody") {
  in_real_hub([] {
    zmq_pair ends{socket_type::rep, socket_type::req};
    const auto port = port_of(ends.bound.last_endpoint());
    for (const std::string& garbage :
         {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100, '\xff'),
          std::string("\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL", 16) +
              std::string(60, '\xee')}) {
      auto stranger = tcp_socket::connect({"127.0.0.1", port});
      stranger.write(garbage);
      stranger.shutdown_write();
      std::array<char, 256> part;
      std::error_code failed;
      while (stranger.read_some(part, 10s, failed) > 0) {
      }
      CHECK(failed != errc::timed_out); // it was thrown out
    }
    ends.connected.send("still there?");
    CHECK(receive_text(ends.bound) == "still there?");
  });
}

TEST_CASE("who sends more than is allowed is disconnected") {
  in_real_hub([] {
    const zmq::context own;
    auto to = make_socket(own, socket_type::pull);
    to.set_most_bytes(1000);
    to.bind(any_port);
    auto from = make_socket(own, socket_type::push);
    from.set_reconnect(1ms);
    from.connect(to.last_endpoint());
    from.send(std::string(1000, 'a'), 10s);
    CHECK(to.receive(10s).size() == 1000);
    from.send(std::string(1001, 'b'), 10s);
    std::error_code failed;
    to.receive(50ms, failed);
    CHECK(failed == errc::timed_out);
    from.send("after", 10s);
    CHECK(receive_text(to) == "after");
  });
}

TEST_CASE("a message of too many frames is dropped, and the next is heard") {
  in_real_hub([] {
    zmq_pair ends{socket_type::push, socket_type::pull};
    ends.connected.set_most_frames(3);
    ends.bound.send_multipart({"1", "2", "3"}, 10s);
    ends.bound.send_multipart({"1", "2", "3", "4", "5"}, 10s);
    ends.bound.send_multipart({"after"}, 10s);
    CHECK(ends.connected.receive_multipart(10s).size() == 3);
    std::error_code failed;
    CHECK(ends.connected.receive_multipart(10s, failed).empty());
    CHECK(failed == std::errc::message_size);
    CHECK(ends.connected.receive_multipart(10s).at(0) == "after");
    ends.bound.send_multipart(zmq::message(1001, "x"), 10s);
    ends.connected.set_most_frames(1000);
    CHECK(mentions(error_of([&] { ends.connected.receive_multipart(10s); }),
                   "receive_multipart on pull"));
  });
}

TEST_CASE("options out of bounds are named errors") {
  in_real_hub([] {
    const zmq::context own;
    auto one = make_socket(own, socket_type::dealer);
    CHECK(mentions(error_of([&] { one.set_routing_id(""); }),
                   "set_routing_id on dealer socket"));
    CHECK(
        mentions(error_of([&] { one.set_send_limit(-1); }), "set_send_limit"));
    CHECK(mentions(error_of([&] { one.set_router_mandatory(true); }),
                   "set_router_mandatory"));
    CHECK_THROWS_AS(zmq::context({.io_threads = -1}), std::system_error);
    const zmq::context small{{.max_sockets = 1}};
    auto only = make_socket(small, socket_type::pull);
    std::string error =
        error_of([&] { make_socket(small, socket_type::pull); });
    CHECK(mentions(error, "zmq::socket of type pull"));
    one.set_linger(std::chrono::hours(100000));
    CHECK(one.option(17) == 24 * 3600 * 1000); // ZMQ_LINGER
    one.set_linger(0s);
  });
}

TEST_SUITE_END();
