#include "zmq/support.hpp"

#include <greenroom/zmq/proxy.hpp>

using namespace greenroom;
using namespace test;

namespace {

/// Both sides are bound: clients at `front`, servers at `back`.
struct proxied {
  proxied(socket_type at_front, socket_type at_back)
      : front(make_socket(context, at_front)),
        back(make_socket(context, at_back)) {
    front.set_receive_limit(5);
    back.set_send_limit(5);
    front.bind("inproc://front");
    back.bind("inproc://back");
  }

  zmq::socket peer(socket_type kind, const std::string& at) const {
    auto made = make_socket(context, kind);
    made.set_send_limit(5);
    made.set_receive_limit(5);
    if (kind == socket_type::sub) made.subscribe();
    made.connect(at);
    return made;
  }

  zmq::context context;
  zmq::socket front;
  zmq::socket back;
};

} // namespace

TEST_SUITE_BEGIN("zmq");

TEST_CASE("a proxy passes requests and their answers, and counts them") {
  in_real_hub([] {
    proxied all{socket_type::router, socket_type::dealer};
    auto seen = all.peer(socket_type::pull, "inproc://seen");
    auto capture = make_socket(all.context, socket_type::push);
    capture.bind("inproc://seen");
    zmq::proxy broker{all.front, all.back, capture};
    auto running = spawn([&] { broker.run(); });
    auto server = all.peer(socket_type::rep, "inproc://back");
    auto serving = spawn([&] {
      for (;;)
        server.send("to " + receive_text(server));
    });
    auto client = all.peer(socket_type::req, "inproc://front");
    for (const std::string each : {"a", "b", "c"}) {
      client.send(each.c_str());
      CHECK(receive_text(client) == "to " + each);
      CHECK(seen.receive_multipart(10s).back() == each.c_str());
      CHECK(seen.receive_multipart(10s).back().text() == "to " + each);
    }
    CHECK(broker.front_to_back().messages == 3);
    CHECK(broker.back_to_front().messages == 3);
    CHECK(broker.not_captured() == 0);
    broker.terminate();
    CHECK(running.join(10s));
    serving.kill();
  });
}

TEST_CASE("a proxy that is paused leaves messages where they are") {
  in_real_hub([] {
    proxied all{socket_type::pull, socket_type::push};
    zmq::proxy streamer{all.front, all.back};
    auto running = spawn([&] { streamer.run(); });
    auto from = all.peer(socket_type::push, "inproc://front");
    auto to = all.peer(socket_type::pull, "inproc://back");
    from.send("1", 10s);
    CHECK(receive_text(to) == "1");
    streamer.pause();
    from.send("2", 10s);
    std::error_code failed;
    to.receive(5ms, failed);
    CHECK(failed == errc::timed_out);
    streamer.resume();
    CHECK(receive_text(to) == "2");
    streamer.pause();
    streamer.terminate();
    CHECK(running.join(10s));
    CHECK(streamer.front_to_back().bytes == 2);
  });
}

TEST_CASE("a proxy does not read for a side that is full") {
  in_real_hub([] {
    proxied all{socket_type::pull, socket_type::push};
    zmq::proxy streamer{all.front, all.back};
    auto running = spawn([&] { streamer.run(); });
    auto from = all.peer(socket_type::push, "inproc://front");
    sleep(1ms);
    int sent = 0;
    for (std::error_code failed; !failed; ++sent)
      from.send(std::to_string(sent), 5ms, failed);
    --sent;
    CHECK(sent <= 10); // limits of both ends
    CHECK(streamer.front_to_back().messages == 0);
    auto to = all.peer(socket_type::pull, "inproc://back");
    for (int i = 0; i < sent; ++i)
      REQUIRE(receive_text(to) == std::to_string(i));
    all.front.close();
    CHECK_THROWS_AS(running.get(), std::system_error);
  });
}

TEST_CASE("a proxy passes subscriptions up and news down") {
  in_real_hub([] {
    proxied all{socket_type::xsub, socket_type::xpub};
    zmq::proxy forwarder{all.front, all.back};
    auto running = spawn([&] { forwarder.run(); });
    auto from = all.peer(socket_type::xpub, "inproc://front");
    auto to = all.peer(socket_type::sub, "inproc://back");
    CHECK(receive_text(from) == "\x01");
    from.send("news", 10s);
    CHECK(receive_text(to) == "news");
    running.kill();
    CHECK(running.dead());
  });
}

TEST_SUITE_END();
