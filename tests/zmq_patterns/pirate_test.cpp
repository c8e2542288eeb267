#include "zmq_patterns/support.hpp"

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/zmq_patterns/pirate_broker.hpp>
#include <greenroom/zmq_patterns/pirate_worker.hpp>
#include <greenroom/zmq_patterns/reliable_client.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace test;

namespace {

struct broker {
  explicit broker(const zmq::context& in)
      : at(in, {.clients = any_port,
                .workers = any_port,
                .heartbeat = 20ms,
                .liveness = 5}) {}
  zmq::pirate_broker at;
  beside running{[this] { at.run(); }};
};

struct worker {
  worker(const zmq::context& in, const broker& of, zmq::request_handler does)
      : at(in,
           {.broker = of.at.workers_endpoint(),
            .heartbeat = 20ms,
            .liveness = 5,
            .first_pause = 10ms},
           std::move(does)) {}
  zmq::pirate_worker at;
  beside running{[this] { at.run(); }};
};

zmq::message echo(zmq::message&& request) {
  return std::move(request);
}

zmq::reliable_client client_of(const zmq::context& in, const broker& of) {
  return zmq::reliable_client{in,
                              {.endpoints = {of.at.clients_endpoint()},
                               .timeout = 500ms,
                               .retries = 20}};
}

} // namespace

TEST_SUITE_BEGIN("zmq_patterns");

TEST_CASE("a pirate broker hands requests to the worker free for longest") {
  in_real_hub([] {
    const zmq::context own;
    broker between{own};
    std::vector<std::unique_ptr<worker>> workers;
    std::string order;
    for (const char name : {'a', 'b', 'c'}) {
      workers.push_back(std::make_unique<worker>(
          own, between, [&order, name](zmq::message&& request) {
            order += name;
            return echo(std::move(request));
          }));
      REQUIRE(comes_true(
          [&] { return between.at.free_workers() == workers.size(); }));
    }
    auto client = client_of(own, between);
    for (int i = 0; i < 6; ++i) {
      CHECK(client.request({std::to_string(i)}).at(0).text() ==
            std::to_string(i));
      REQUIRE(comes_true([&] { return between.at.free_workers() == 3; }));
    }
    CHECK(order == "abcabc");
    CHECK(between.at.counts().requests == 6);
    CHECK(between.at.counts().replies == 6);
  });
}

TEST_CASE("requests wait until a worker comes") {
  in_real_hub([] {
    const zmq::context own;
    broker between{own};
    std::string answered;
    std::vector<std::unique_ptr<beside>> clients;
    for (int i = 0; i < 5; ++i)
      clients.push_back(std::make_unique<beside>([&] {
        auto client = client_of(own, between);
        answered += client.request({"x"}).at(0).text();
      }));
    sleep(30ms);
    CHECK(between.at.counts().requests == 0);
    worker one{own, between, echo};
    CHECK(comes_true([&] { return answered == "xxxxx"; }));
  });
}

TEST_CASE("a req socket is a worker, too: a Simple Pirate") {
  in_real_hub([] {
    const zmq::context own;
    broker between{own};
    const beside simple{[&] {
      auto at = make_socket(own, socket_type::req);
      at.connect(between.at.workers_endpoint());
      at.send(std::string_view("\1", 1));
      for (;;) {
        zmq::message request = at.receive_multipart();
        REQUIRE(request.size() == 3);
        request[2] = "simple " + request[2].text();
        at.send_multipart(std::move(request));
      }
    }};
    auto client = client_of(own, between);
    CHECK(client.request({"a"}).at(0) == "simple a");
    sleep(200ms); // it never expires
    CHECK(client.request({"b"}).at(0) == "simple b");
    CHECK(between.at.counts().expired == 0);
  });
}

TEST_CASE("a simple worker that has left is passed over") {
  in_real_hub([] {
    const zmq::context own;
    broker between{own};
    {
      auto gone = make_socket(own, socket_type::req);
      gone.connect(between.at.workers_endpoint());
      gone.send(std::string_view("\1", 1));
      REQUIRE(comes_true([&] { return between.at.free_workers() == 1; }));
    }
    sleep(50ms);
    worker second{own, between, echo};
    auto client = client_of(own, between);
    CHECK(client.request({"x"}).at(0) == "x");
    CHECK(between.at.counts().gone == 1);
    CHECK(client.counts().retried == 0);
  });
}

TEST_CASE("a silent worker is given up; one that works long is not") {
  in_real_hub([] {
    const zmq::context own;
    broker between{own};
    auto silent = make_socket(own, socket_type::dealer);
    silent.connect(between.at.workers_endpoint());
    silent.send(std::string_view("\1", 1));
    REQUIRE(comes_true([&] { return between.at.free_workers() == 1; }));
    CHECK(comes_true([&] { return between.at.counts().expired == 1; }));
    CHECK(silent.receive(10s) == std::string_view("\2", 1));

    worker slow{own, between, [](zmq::message&& request) {
                  sleep(250ms); // more than liveness allows
                  return echo(std::move(request));
                }};
    auto client = client_of(own, between);
    CHECK(client.request({"x"}).at(0) == "x");
    CHECK(slow.at.counts().reconnects == 0);
    CHECK(client.counts().retried == 0);
  });
}

TEST_CASE("a worker finds a broker that was begun anew") {
  in_real_hub([] {
    const zmq::context own;
    broker between{own};
    worker one{own, between, echo};
    auto client = client_of(own, between);
    CHECK(client.request({"x"}).at(0) == "x");
    between.running.end();
    const beside again{[&] { between.at.run(); }};
    CHECK(client.request({"y"}).at(0) == "y");
    CHECK(one.at.counts().reconnects >= 1);
  });
}

TEST_CASE("a worker waits 1, 2, 4 to 32 seconds before it connects again") {
  in_hub([] {
    const zmq::context own;
    zmq::pirate_worker lonely{own, {.broker = "tcp://127.0.0.1:9"}, echo};
    const beside running{[&] { lonely.run(); }};
    // Each attempt: three seconds of silence, then the pause.
    int at = 0;
    for (const int pause : {1, 2, 4, 8, 16, 32, 32}) {
      sleep(std::chrono::seconds(3 + pause) - 1ms);
      CHECK(lonely.counts().reconnects == static_cast<unsigned>(at++));
      sleep(1ms);
      yield();
      CHECK(lonely.counts().reconnects == static_cast<unsigned>(at));
    }
  });
}

TEST_CASE("a handler that throws ends its worker, and a supervisor goes on") {
  in_real_hub([] {
    const captured_log quiet;
    const zmq::context own;
    broker between{own};
    bool failed = false;
    zmq::pirate_worker crashes{own,
                               {.broker = between.at.workers_endpoint(),
                                .heartbeat = 20ms,
                                .first_pause = 10ms},
                               [&](zmq::message&& request) {
                                 if (!std::exchange(failed, true))
                                   throw failure("once");
                                 return echo(std::move(request));
                               }};
    supervisor tree{one_for_one};
    tree.add("worker", permanent, [&] { crashes.run(); });
    tree.start();
    auto client = client_of(own, between);
    CHECK(client.request({"x"}).at(0) == "x");
    CHECK(failed);
    CHECK(client.counts().retried >= 1);
    tree.stop();
  });
}

TEST_CASE("what means nothing to a broker is counted, and does no harm") {
  in_real_hub([] {
    const zmq::context own;
    broker between{own};
    auto stranger = make_socket(own, socket_type::dealer);
    stranger.connect(between.at.workers_endpoint());
    stranger.send("what?");
    stranger.send("");
    stranger.send_multipart({"nobody", "", "a reply"});
    CHECK(comes_true([&] { return between.at.counts().refused == 2; }));
    CHECK(comes_true([&] { return between.at.counts().dropped == 1; }));
    CHECK(mentions(error_of([&] { between.at.run(); }), "pirate_broker::run"));
  });
}

TEST_SUITE_END();
