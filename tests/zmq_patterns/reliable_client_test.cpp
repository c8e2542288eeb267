#include "zmq_patterns/support.hpp"

#include <greenroom/zmq_patterns/reliable_client.hpp>

#include <string>
#include <vector>

using namespace greenroom;
using namespace test;

namespace {

/// Answers, but for as many requests as it is told to ignore.
struct echo_server {
  explicit echo_server(const zmq::context& in, int ignored = 0)
      : at(make_socket(in, socket_type::router)), ignores(ignored) {
    at.bind(any_port);
  }
  void serve() {
    for (;;) {
      zmq::message request = at.receive_multipart();
      ++seen;
      if (ignores-- <= 0) at.send_multipart(std::move(request));
    }
  }
  std::string endpoint() const { return at.last_endpoint(); }

  zmq::socket at;
  int ignores;
  int seen = 0;
  beside running{[this] { serve(); }};
};

zmq::reliable_client client_of(const zmq::context& in,
                               std::vector<std::string> endpoints) {
  return zmq::reliable_client{
      in, {.endpoints = std::move(endpoints), .timeout = 50ms}};
}

} // namespace

TEST_SUITE_BEGIN("zmq_patterns");

TEST_CASE("a reliable client is answered, over one connection") {
  in_real_hub([] {
    const zmq::context own;
    echo_server server{own};
    zmq::reliable_client client{own, {.endpoints = {server.endpoint()}}};
    for (const char* text : {"one", "two"})
      CHECK(client.request({text, "more"}) == zmq::message{text, "more"});
    CHECK(client.counts().replies == 2);
    CHECK(client.counts().retried == 0);
  });
}

TEST_CASE("a reliable client asks again where no reply comes") {
  in_real_hub([] {
    const zmq::context own;
    echo_server server{own, 2};
    auto client = client_of(own, {server.endpoint()});
    CHECK(client.request({"x"}, 10s).at(0) == "x");
    CHECK(client.counts().retried == 2);
    CHECK(server.seen == 3);
  });
}

TEST_CASE("a reliable client goes on to the next server, and stays there") {
  in_real_hub([] {
    const zmq::context own;
    echo_server silent{own, 1000};
    echo_server second{own};
    auto client = client_of(own, {silent.endpoint(), second.endpoint()});
    CHECK(client.request({"x"}, 10s).at(0) == "x");
    CHECK(client.request({"y"}, 10s).at(0) == "y");
    CHECK(client.endpoint() == second.endpoint());
    CHECK(client.counts().retried == 1);
  });
}

TEST_CASE("a reliable client gives up after its tries, and says who failed") {
  in_hub([] {
    const zmq::context own;
    zmq::reliable_client client{own, {.endpoints = {"tcp://127.0.0.1:9"}}};
    std::string error;
    CHECK(time_of([&] { error = error_of([&] { client.request({"x"}); }); }) ==
          10s);
    CHECK(mentions(error, "tcp://127.0.0.1:9"));
    std::error_code failed;
    CHECK(client.request({"x"}, 3s, failed).empty());
    CHECK(failed == greenroom::errc::timed_out);
    CHECK(client.counts().retried == 4);
    CHECK(client.counts().failed == 2);
  });
}

TEST_CASE("a reply to an earlier try or request is never returned") {
  in_real_hub([] {
    const zmq::context own;
    auto slow = make_socket(own, socket_type::router);
    slow.bind(any_port);
    zmq::reliable_client client{
        own, {.endpoints = {slow.last_endpoint()}, .timeout = 10s}};
    std::error_code failed;
    client.request({"first"}, 20ms, failed);
    CHECK(failed == greenroom::errc::timed_out);
    const beside answers{[&] {
      for (;;) {
        zmq::message came = slow.receive_multipart();
        slow.send_multipart(std::move(came));
      }
    }};
    CHECK(client.request({"second"}, 10s) == zmq::message{"second"});
  });
}

TEST_CASE("a reliable client has one request at a time") {
  in_hub([] {
    const zmq::context own;
    auto client = client_of(own, {"tcp://127.0.0.1:9"});
    const beside first{[&] { client.request({"x"}); }};
    yield();
    std::error_code failed;
    client.request({"y"}, {}, failed);
    CHECK(failed == greenroom::errc::busy);
  });
}

TEST_CASE("a reliable client refuses to have no server, or a bad one") {
  in_hub([] {
    CHECK(mentions(error_of([] {
                     zmq::reliable_client none{zmq::context{}, {}};
                   }),
                   "without endpoints"));
    zmq::reliable_client bad{zmq::context{}, {.endpoints = {"nonsense"}}};
    CHECK(mentions(error_of([&] { bad.request({"x"}); }), "nonsense"));
  });
}

TEST_SUITE_END();
