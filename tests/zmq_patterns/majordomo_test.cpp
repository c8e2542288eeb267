#include "zmq_patterns/majordomo_support.hpp"

#include <greenroom/actors/supervisor.hpp>
#include <greenroom/zmq_patterns/majordomo_pipeline.hpp>

#include <string>
#include <vector>

using namespace greenroom;
using namespace test;

namespace {

zmq::message worker_says(std::initializer_list<std::string_view> words) {
  zmq::message made{"", "MDPW01"};
  for (const auto word : words)
    made.emplace_back(word);
  return made;
}

zmq::socket dealer_to(const zmq::context& in, const std::string& endpoint) {
  auto made = make_socket(in, socket_type::dealer);
  made.connect(endpoint);
  return made;
}

/// Skips heartbeats.
zmq::message next_for(zmq::socket& worker) {
  for (;;) {
    zmq::message came = worker.receive_multipart(10s);
    if (!(came.at(2) == "\4")) return came;
  }
}

} // namespace

TEST_SUITE_BEGIN("zmq_patterns");

TEST_CASE("a majordomo hands requests to the service they name") {
  in_real_hub([] {
    const zmq::context own;
    majordomo between{own};
    const majordomo_service echoes{own, between, "echo", echo};
    const majordomo_service twice{own, between, "twice",
                                  [](zmq::message&& request) {
                                    request.push_back(request.at(0));
                                    return std::move(request);
                                  }};
    auto client = client_of(own, between);
    CHECK(client.request("echo", {"x", ""}) == zmq::message{"x", ""});
    CHECK(client.request("twice", {"x"}) == zmq::message{"x", "x"});
    CHECK(client.is_served("echo"));
    CHECK(!client.is_served("nothing"));
    CHECK(client.request("mmi.else", {"x"}) == zmq::message{"501"});
    CHECK(between.at.counts().requests == 5);
    CHECK(between.at.services() == 2);
  });
}

TEST_CASE("requests of a service wait for its first worker, or expire") {
  in_real_hub([] {
    const zmq::context own;
    majordomo between{own,
                      {.heartbeat = 20ms,
                       .liveness = 50,
                       .most_unserved = 2,
                       .expire_after = 300ms}};
    auto raw = dealer_to(own, between.at.clients_endpoint());
    for (const char* text : {"a", "b", "too many"})
      raw.send_multipart({"", "MDPC01", "late", text});
    REQUIRE(comes_true([&] { return between.at.counts().dropped == 1; }));
    {
      const majordomo_service late{own, between, "late", echo};
      CHECK(raw.receive_multipart(10s).at(3) == "a");
      CHECK(raw.receive_multipart(10s).at(3) == "b");
    }
    // Its end was told: nobody has to find out.
    CHECK(comes_true([&] { return between.at.workers() == 0; }));
    raw.send_multipart({"", "MDPC01", "late", "c"});
    CHECK(comes_true([&] { return between.at.counts().expired == 1; }));
    CHECK(comes_true([&] { return between.at.services() == 0; }));
    CHECK(between.at.held() == 0);
  });
}

TEST_CASE("a worker speaks RFC 7, frame by frame") {
  in_real_hub([] {
    const zmq::context own;
    majordomo between{own, {.heartbeat = 20ms, .liveness = 500}};
    auto worker = dealer_to(own, between.at.workers_endpoint());
    auto client = dealer_to(own, between.at.clients_endpoint());
    worker.send_multipart(worker_says({"\1", "raw"}));
    client.send_multipart({"", "MDPC01", "raw", "question"});
    zmq::message request = next_for(worker);
    REQUIRE(request.size() == 6);
    CHECK(request[0].empty());
    CHECK(request[1] == "MDPW01");
    CHECK(request[2] == "\2");
    CHECK(request[4].empty());
    CHECK(request[5] == "question");
    zmq::message reply = worker_says({"\3"});
    reply.push_back(request[3]);
    reply.emplace_back("");
    reply.emplace_back("answer");
    worker.send_multipart(std::move(reply));
    CHECK(client.receive_multipart(10s) ==
          zmq::message{"", "MDPC01", "raw", "answer"});
    CHECK(worker.receive_multipart(10s) == worker_says({"\4"}));
    worker.send_multipart(worker_says({"\5"}));
    CHECK(comes_true([&] { return between.at.workers() == 0; }));
  });
}

TEST_CASE("who breaks the protocol is told to begin anew") {
  in_real_hub([] {
    const zmq::context own;
    majordomo between{own, {.heartbeat = 20ms, .liveness = 500}};
    auto worker = dealer_to(own, between.at.workers_endpoint());
    worker.send_multipart(worker_says({"\4"})); // before it was ready
    CHECK(next_for(worker).at(2) == "\5");
    worker.send_multipart(worker_says({"\1", "mmi.mine"}));
    CHECK(next_for(worker).at(2) == "\5");
    worker.send_multipart(worker_says({"\1", "raw"}));
    worker.send_multipart(worker_says({"\1", "raw"}));
    CHECK(next_for(worker).at(2) == "\5");
    worker.send_multipart(worker_says({"\1", "raw"}));
    worker.send_multipart(worker_says({"\3", "client", "", "unasked"}));
    CHECK(next_for(worker).at(2) == "\5");
    worker.send("?");
    auto client = dealer_to(own, between.at.clients_endpoint());
    client.send_multipart({"", "MDPC99", "raw", "x"});
    client.send_multipart({"", "MDPC01"});
    client.send_multipart(zmq::message(2000)); // more frames than it takes
    CHECK(comes_true([&] { return between.at.counts().refused == 8; }));
    CHECK(between.at.workers() == 0);
  });
}

TEST_CASE("a silent worker is given up, its request counted as lost") {
  in_real_hub([] {
    const zmq::context own;
    majordomo between{own, {.heartbeat = 20ms}};
    auto silent = dealer_to(own, between.at.workers_endpoint());
    silent.send_multipart(worker_says({"\1", "echo"}));
    REQUIRE(comes_true([&] { return between.at.workers() == 1; }));
    auto client = client_of(own, between);
    const beside asking{[&] { client.request("echo", {"x"}); }};
    CHECK(comes_true([&] { return between.at.counts().lost >= 1; }));
    const majordomo_service second{own, between, "echo", echo};
    CHECK(comes_true([&] { return client.counts().replies == 1; }));
    CHECK(client.counts().retried >= 1);
  });
}

TEST_CASE("workers come again to a majordomo that was begun anew") {
  in_real_hub([] {
    const zmq::context own;
    majordomo between{own, {.heartbeat = 20ms}};
    const majordomo_service echoes{own, between, "echo", echo};
    auto client = client_of(own, between);
    CHECK(client.request("echo", {"x"}).at(0) == "x");
    between.running.end();
    const beside again{[&] { between.at.run(); }};
    CHECK(client.request("echo", {"y"}).at(0) == "y");
    CHECK(echoes.at.counts().reconnects >= 1);
  });
}

TEST_CASE("no pipelined request is lost, however little the broker holds") {
  in_real_hub([] {
    const zmq::context own;
    majordomo between{own, {.most_held = 10}};
    const majordomo_service one{own, between, "echo", echo};
    const majordomo_service two{own, between, "echo", echo};
    zmq::majordomo_pipeline client{
        own, {.broker = between.at.clients_endpoint(), .window = 100}};
    for (int i = 0; i < 2000; ++i)
      client.send("echo", {std::to_string(i)}, 10s);
    CHECK(client.outstanding() <= 100);
    int sum = 0;
    for (int i = 0; i < 2000; ++i)
      sum += std::stoi(client.receive(10s).body.at(0).text());
    CHECK(sum == 1999 * 2000 / 2);
    CHECK(client.outstanding() == 0);
    CHECK(between.at.counts().dropped == 0);
    CHECK(between.at.held() == 0);
  });
}

TEST_CASE("replies wait for a client that reads late, and hold others back") {
  in_real_hub([] {
    const zmq::context own;
    majordomo between{own, {.most_held = 200, .most_owed = 1000}};
    const majordomo_service echoes{own, between, "echo", echo};
    auto raw = make_socket(own, socket_type::dealer);
    raw.set_receive_limit(1);
    raw.connect(between.at.clients_endpoint());
    const std::string large(8000, 'x'); // so that TCP's buffers fill, too
    const beside sending{[&] {
      for (int i = 0; i < 5000; ++i)
        raw.send_multipart({"", "MDPC01", "echo", std::to_string(i), large});
    }};
    comes_true([&] { return between.at.held() >= 200; });
    CHECK(between.at.held() == 200);
    for (int i = 0; i < 5000; ++i)
      REQUIRE(raw.receive_multipart(10s).at(3).text() == std::to_string(i));
    CHECK(between.at.counts().dropped == 0);
    CHECK(between.at.held() == 0);
  });
}

TEST_CASE("a pipeline's lost requests give their places back") {
  in_real_hub([] {
    const zmq::context own;
    majordomo between{own};
    zmq::majordomo_pipeline client{own,
                                   {.broker = between.at.clients_endpoint(),
                                    .window = 2,
                                    .timeout = 50ms}};
    client.send("nobody", {"a"});
    client.send("nobody", {"b"});
    std::error_code failed;
    client.send("nobody", {"c"}, 1ms, failed);
    CHECK(failed == greenroom::errc::timed_out);
    client.send("nobody", {"c"}, 10s);
    CHECK(client.counts().expired >= 1); // its place was free
    while (client.counts().expired < 3)
      CHECK(mentions(error_of([&] { client.receive(); }), "receive from tcp"));
  });
}

TEST_CASE("one greenlet sends to a pipeline while another receives") {
  in_real_hub([] {
    const zmq::context own;
    majordomo between{own};
    const majordomo_service echoes{own, between, "echo", echo};
    zmq::majordomo_pipeline client{own,
                                   {.broker = between.at.clients_endpoint(),
                                    .window = 10,
                                    .most_kept = 5}};
    const beside sending{[&] {
      for (int i = 0; i < 1000; ++i)
        client.send("echo", {std::to_string(i)});
    }};
    for (int i = 0; i < 1000; ++i)
      REQUIRE(client.receive(10s).body.at(0).text() == std::to_string(i));
    CHECK(client.kept() == 0);
  });
}

TEST_SUITE_END();
