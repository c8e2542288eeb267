#include "zmq/support.hpp"

#include <greenroom/mailbox/waiting.hpp>

#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace test;

TEST_SUITE_BEGIN("zmq");

TEST_CASE("a send is refused within a no_wait scope, the first as the last") {
  in_real_hub([] {
    zmq_pair ends{socket_type::pull, socket_type::push};
    const no_wait scope;
    CHECK_THROWS_AS(ends.connected.send("x"), wait_refused);
    CHECK_THROWS_AS(ends.bound.receive(), wait_refused);
  });
}

TEST_CASE("a request is answered") {
  in_real_hub([] {
    zmq_pair ends{socket_type::rep, socket_type::req};
    auto server = spawn([&] {
      for (int i = 0; i < 3; ++i)
        ends.bound.send("to " + receive_text(ends.bound));
    });
    for (const char* name : {"one", "two", "three"}) {
      ends.connected.send(name);
      CHECK(receive_text(ends.connected) == "to " + std::string(name));
    }
    server.join();
  });
}

TEST_CASE("what a push sends a pull receives, in order") {
  for (const std::string endpoint : {any_port.c_str(), "inproc://jobs"}) {
    in_real_hub([&] {
      zmq_pair ends{socket_type::push, socket_type::pull, endpoint};
      auto sender = spawn([&] {
        for (int i = 0; i < 5000; ++i)
          ends.bound.send(std::to_string(i), 10s);
      });
      for (int i = 0; i < 5000; ++i)
        REQUIRE(receive_text(ends.connected) == std::to_string(i));
      sender.join();
    });
  }
}

TEST_CASE("a pair talks both ways, over inproc and ipc") {
  in_real_hub([] {
    zmq_pair ends{socket_type::pair, socket_type::pair, "inproc://both"};
    ends.bound.send("ping");
    CHECK(receive_text(ends.connected) == "ping");
    ends.connected.send("pong");
    CHECK(receive_text(ends.bound) == "pong");
  });
}

TEST_CASE("a subscriber receives what begins as it asked for") {
  in_real_hub([] {
    const zmq::context own;
    auto from = make_socket(own, socket_type::xpub);
    auto to = make_socket(own, socket_type::sub);
    from.bind(any_port);
    to.connect(from.last_endpoint());
    to.subscribe("weather.");
    CHECK(receive_text(from) == "\x01weather.");
    from.send("sports.1");
    from.send("weather.2");
    CHECK(receive_text(to) == "weather.2");
    to.unsubscribe("weather.");
    CHECK(receive_text(from) == std::string("\0weather.", 9));
  });
}

TEST_CASE("an xsub subscribes by messages, at a pub") {
  in_real_hub([] {
    zmq_pair ends{socket_type::pub, socket_type::xsub};
    ends.connected.send("\x01");
    auto sender = spawn([&] {
      for (;;) {
        ends.bound.send("news");
        sleep(1ms);
      }
    });
    CHECK(receive_text(ends.connected) == "news");
    sender.kill();
  });
}

TEST_CASE("a router knows its dealers by their routing ids") {
  in_real_hub([] {
    const zmq::context own;
    auto router = make_socket(own, socket_type::router);
    auto dealer = make_socket(own, socket_type::dealer);
    router.bind(any_port);
    dealer.set_routing_id("worker");
    CHECK(dealer.routing_id() == "worker");
    dealer.connect(router.last_endpoint());
    dealer.send_multipart({"", "ready"});
    const zmq::message came = router.receive_multipart(10s);
    REQUIRE(came.size() == 3);
    CHECK(came[0] == "worker");
    CHECK(came[1].empty());
    CHECK(came[2] == "ready");
    router.send_multipart({came[0], "", "job"});
    CHECK(dealer.receive_multipart(10s).at(1) == "job");
  });
}

TEST_CASE("a stream talks to anybody over TCP") {
  in_real_hub([] {
    zmq_pair ends{socket_type::stream, socket_type::stream};
    const zmq::frame id = ends.connected.receive(10s); // connected
    CHECK(id.more());
    CHECK(ends.connected.receive(10s).empty());
    CHECK(ends.bound.receive_multipart(10s).size() == 2); // the same
    ends.connected.send_multipart({id, "GET /"});
    CHECK(ends.bound.receive_multipart(10s).at(1) == "GET /");
  });
}

TEST_CASE("one greenlet reads while another writes") {
  in_real_hub([] {
    zmq_pair ends{socket_type::router, socket_type::dealer};
    auto echo = spawn([&] {
      for (int i = 0; i < 2000; ++i)
        ends.bound.send_multipart(ends.bound.receive_multipart(10s));
    });
    auto writer = spawn([&] {
      for (int i = 0; i < 2000; ++i)
        ends.connected.send(std::to_string(i), 10s);
    });
    for (int i = 0; i < 2000; ++i)
      REQUIRE(receive_text(ends.connected) == std::to_string(i));
    echo.join();
    writer.join();
  });
}

TEST_CASE("those who wait to receive are served oldest first") {
  in_real_hub([] {
    zmq_pair ends{socket_type::push, socket_type::pull};
    std::string order;
    std::vector<any_greenlet> waiting;
    for (const char name : {'a', 'b', 'c'}) {
      waiting.push_back(spawn([&, name] {
        const std::string what = receive_text(ends.connected);
        order += name + what;
      }));
      yield();
    }
    for (const char* each : {"1", "2", "3"})
      ends.bound.send(each);
    joinall(waiting);
    CHECK(order == "a1b2c3");
  });
}

TEST_CASE("those who wait to send are served oldest first") {
  in_real_hub([] {
    full_push from;
    std::vector<any_greenlet> waiting;
    for (const char* each : {"1", "2", "3"}) {
      waiting.push_back(spawn([&, each] { from.at.send(each); }));
      yield();
    }
    auto to = make_socket(from.context, socket_type::pull);
    to.connect(from.at.last_endpoint());
    for (const char* each : {"1", "2", "3"})
      CHECK(receive_text(to) == each);
    joinall(waiting);
  });
}

TEST_CASE("a waiting reader hears of what its own socket's send found out") {
  // Sending takes the edge of ZMQ_FD away (OTP.md 4.3, rule 3).
  in_real_hub([] {
    zmq_pair ends{socket_type::dealer, socket_type::dealer};
    for (int i = 0; i < 200; ++i) {
      auto reader = spawn([&] { return receive_text(ends.connected); });
      yield();
      ends.bound.send("for the reader");
      for (int spin = 0; spin < i; ++spin)
        ends.connected.send("noise");
      CHECK(reader.get(10s) == "for the reader");
    }
  });
}

TEST_CASE("a kill and a timeout lose no message") {
  in_real_hub([] {
    zmq_pair ends{socket_type::push, socket_type::pull};
    int received = 0;
    auto sender = spawn([&] {
      for (int i = 0; i < 500; ++i) {
        ends.bound.send("x", 10s);
        sleep(i % 3 == 0 ? 100us : 0us);
      }
    });
    auto read = [&] {
      for (;;) {
        ends.connected.receive();
        ++received;
      }
    };
    while (received < 500) {
      auto reader = spawn(read);
      sleep(150us);
      reader.kill();
      std::error_code failed;
      ends.connected.receive(10us, failed);
      if (!failed)
        ++received;
      else
        REQUIRE(failed == errc::timed_out);
    }
    sender.join();
    CHECK(!ends.connected.try_receive());
  });
}

TEST_CASE("closing wakes who waits") {
  in_real_hub([] {
    full_push from;
    auto to = make_socket(from.context, socket_type::pull);
    to.bind(any_port);
    std::error_code of_send;
    std::error_code of_receive;
    auto sender = spawn([&] { from.at.send("x", {}, of_send); });
    auto receiver = spawn([&] { to.receive({}, of_receive); });
    yield();
    from.at.close();
    to.close();
    sender.join();
    receiver.join();
    CHECK(of_send == errc::closed);
    CHECK(of_receive == errc::closed);
    CHECK(!to.is_open());
    CHECK(mentions(error_of([&] { to.receive(); }), "closed"));
    CHECK(mentions(error_of([&] { to.set_linger(0s); }), "closed"));
    to.bind("inproc://x", of_send);
    CHECK(of_send == errc::closed);
  });
}

TEST_CASE("a socket may be destroyed while greenlets wait on it") {
  in_real_hub([] {
    const zmq::context own;
    std::optional<zmq::socket> to{make_socket(own, socket_type::pull)};
    auto receiver = spawn([&] { to->receive(); });
    yield();
    to.reset();
    receiver.join();
    CHECK(mentions(describe(receiver.exception()), "receive on pull socket"));
  });
}

TEST_CASE("a socket may be destroyed while one that never waits gives way") {
  in_real_hub([] {
    std::optional<zmq_pair> ends{std::in_place, socket_type::push,
                                 socket_type::pull, "inproc://way"};
    std::error_code failed;
    auto sender = spawn([&] {
      while (!failed && ends)
        ends->bound.send("x", 10s, failed);
    });
    spawn([&] { ends.reset(); }).join();
    sender.join();
    CHECK(failed == errc::closed);
  });
}

TEST_CASE("the time limits of a socket are those of calls without their own") {
  in_hub([] {
    full_push from;
    from.at.set_send_timeout(3s);
    std::error_code failed;
    CHECK(time_of([&] { from.at.send("x", {}, failed); }) == 3s);
    CHECK(failed == errc::timed_out);
    CHECK(time_of([&] { from.at.send("x", 1s, failed); }) == 1s);
    auto to = make_socket(from.context, socket_type::pull);
    to.set_receive_timeout(2s);
    CHECK(time_of([&] { to.receive({}, failed); }) == 2s);
    CHECK(failed == errc::timed_out);
  });
}

TEST_CASE("what was not sent is still the caller's") {
  in_hub([] {
    full_push from;
    zmq::frame one{"kept"};
    zmq::message several{"a", "b"};
    std::error_code failed;
    from.at.send(std::move(one), 1s, failed);
    CHECK(one == "kept");
    CHECK(!from.at.try_send(std::move(one)));
    CHECK(one == "kept");
    from.at.send_multipart(std::move(several), 1s, failed);
    REQUIRE(several.size() == 2);
    CHECK(several[0] == "a");
  });
}

TEST_CASE("a wait that nothing can end is found out") {
  in_hub([] {
    zmq_pair ends{socket_type::push, socket_type::pull};
    CHECK(!ends.connected.try_receive());
    std::error_code failed;
    ends.connected.receive(1s, failed);
    CHECK(failed == errc::timed_out);
    CHECK(hub::current().join(10s)); // its descriptor is not watched any more
  });
}

TEST_CASE("a socket is for its own hub only") {
  in_real_hub([] {
    const zmq::context own;
    auto here = make_socket(own, socket_type::pull);
    here.bind(any_port);
    std::thread([&] {
      CHECK(mentions(error_of([&] { here.receive(); }), "wrong_hub"));
      CHECK(mentions(error_of([&] { here.bind("inproc://x"); }), "wrong_hub"));
      hub::current();
    }).join();
    std::thread([moved = std::move(here)] {}).join(); // destroyed there
    yield();
    sleep(1ms);
  });
}

TEST_CASE("a hub may end with sockets open and messages unsent") {
  const zmq::context own;
  in_hub_on(
      clock_kind::real,
      [&own] {
        static std::optional<zmq::socket> left;
        left.emplace(own, socket_type::push);
        left->set_linger(10ms);
        left->connect("tcp://127.0.0.1:9"); // nobody is there
        left->send("never to arrive");
        spawn([] { left->receive(); });
        yield();
        spawn([&own] {
          zmq::socket inner = make_socket(own, socket_type::pull);
          inner.receive(); // for ever
        });
        yield();
      },
      leftovers::allowed);
}

TEST_CASE("sockets can be waited on with others") {
  in_real_hub([] {
    zmq_pair ends{socket_type::push, socket_type::pull};
    zmq_pair others{socket_type::push, socket_type::pull};
    CHECK(wait({ends.connected.readable(), others.connected.readable()}, 1ms)
              .empty());
    others.bound.send("x");
    const auto ready =
        wait({ends.connected.readable(), others.connected.readable()}, 10s, 1);
    REQUIRE(ready.size() == 1);
    CHECK(ready.front() == others.connected.readable());
    CHECK(receive_text(others.connected) == "x");
    CHECK(wait({ends.bound.writable()}, 10s).size() == 1);
  });
}

TEST_SUITE_END();
