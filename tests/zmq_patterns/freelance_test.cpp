#include "zmq_patterns/support.hpp"

#include <greenroom/zmq_patterns/freelance_client.hpp>
#include <greenroom/zmq_patterns/freelance_server.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace test;
using zmq::freelance_policy;

namespace {

struct running_server {
  running_server(const zmq::context& in, std::string name)
      : target(in, {.endpoint = any_port, .identity = name},
               [name](zmq::message&& request) {
                 if (request.at(0) == "wait") sleep(1h);
                 request.emplace_back(name);
                 return std::move(request);
               }),
        running([this] { target.run(); }) {}

  zmq::freelance_server target;
  beside running;
};

/// Three servers, and a client of them.
struct crowd {
  explicit crowd(freelance_policy policy) {
    std::vector<std::string> endpoints;
    for (const char* name : {"one", "two", "three"}) {
      servers.push_back(std::make_unique<running_server>(context, name));
      endpoints.push_back(servers.back()->target.endpoint());
    }
    client.emplace(context,
                   zmq::freelance_client_options{.servers = endpoints,
                                                 .policy = policy,
                                                 .timeout = 100ms,
                                                 .rounds = 100,
                                                 .within = 10s,
                                                 .ping = 20ms,
                                                 .time_to_live = 100ms});
    running.emplace([this] { client->run(); });
  }
  std::string ask() { return client->request({"who"}).at(1).text(); }

  zmq::context context;
  std::vector<std::unique_ptr<running_server>> servers;
  std::optional<zmq::freelance_client> client;
  std::optional<beside> running;
};

} // namespace

TEST_SUITE_BEGIN("zmq_patterns");

TEST_CASE("a freelance client is answered while one server is left") {
  for (const auto policy :
       {freelance_policy::sequential, freelance_policy::shotgun,
        freelance_policy::tracked}) {
    in_real_hub([&] {
      crowd all{policy};
      CHECK_FALSE(all.ask().empty());
      all.servers[0].reset();
      all.servers[1]->running.end(); // its socket is there, and nobody reads
      CHECK(all.ask() == "three");
      CHECK(all.client->counts().failed == 0);
    });
  }
}

TEST_CASE("a message of more frames than are taken ends no freelance server") {
  in_real_hub([] {
    crowd all{freelance_policy::sequential};
    zmq::socket stranger{all.context, zmq::socket_type::dealer};
    stranger.connect(all.servers[0]->target.endpoint());
    stranger.send_multipart(zmq::message(2000, zmq::frame("x")));
    CHECK(comes_true(
        [&] { return all.servers[0]->target.counts().malformed > 0; }));
    CHECK(comes_true([&] { return all.ask() == "one"; }));
  });
}

TEST_CASE("of freelance servers asked in turn the first one answers") {
  in_real_hub([] {
    crowd all{freelance_policy::sequential};
    CHECK(comes_true([&] { return all.ask() == "one"; }));
    CHECK(all.servers[1]->target.counts().pings == 0);
  });
}

TEST_CASE("of a shotgun's replies all but the first are late") {
  in_real_hub([] {
    crowd all{freelance_policy::shotgun};
    all.ask();
    CHECK(comes_true([&] { return all.client->counts().late >= 2; }));
    CHECK(all.client->counts().replies == 1);
  });
}

TEST_CASE(
    "a tracked server that is silent is asked no more, until it is back") {
  in_real_hub([] {
    crowd all{freelance_policy::tracked};
    CHECK(comes_true([&] { return all.client->alive() == 3; }));
    all.servers[0]->running.end();
    CHECK(comes_true([&] { return all.client->alive() == 2; }));
    beside again([&] { all.servers[0]->target.run(); });
    CHECK(comes_true([&] { return all.ask() == "one"; }));
  });
}

TEST_CASE("many freelance requests are under way at a time, each its own") {
  in_real_hub([] {
    crowd all{freelance_policy::shotgun};
    std::vector<std::unique_ptr<beside>> asking;
    int right = 0;
    for (int i = 0; i < 50; ++i)
      asking.push_back(std::make_unique<beside>([&, i] {
        const std::string text = std::to_string(i);
        right += all.client->request({text}).at(0).view() == text;
      }));
    CHECK(comes_true([&] { return right == 50; }));
  });
}

TEST_CASE("a freelance request that nobody answers fails in time") {
  in_real_hub([] {
    const zmq::context own;
    for (const auto policy :
         {freelance_policy::sequential, freelance_policy::shotgun,
          freelance_policy::tracked}) {
      zmq::freelance_client client{own,
                                   {.servers = {"inproc://nobody"},
                                    .policy = policy,
                                    .timeout = 2ms,
                                    .rounds = 2,
                                    .within = 5ms,
                                    .most_requests = 1}};
      beside running([&] { client.run(); });
      CHECK(mentions(error_of([&] { client.request({"x"}); }), "timed out"));
      CHECK(client.counts().failed == 1);
      beside other([&] { client.request({"x"}, 1h); });
      yield();
      std::error_code failed;
      client.request({"x"}, {}, failed);
      CHECK(failed == greenroom::errc::full);
      CHECK(mentions(error_of([&] { client.run(); }),
                     "zmq::freelance_client::run"));
    }
    CHECK(mentions(error_of([&] {
                     zmq::freelance_client{own, {}};
                   }),
                   "without servers"));
  });
}

TEST_CASE("a freelance server speaks RFC 10, and counts what does not") {
  in_real_hub([] {
    const zmq::context own;
    running_server server{own, "me"};
    auto client = make_socket(own, socket_type::router);
    client.set_probe_router(true); // the server's identity comes with that
    client.set_router_mandatory(true);
    client.connect(server.target.endpoint());
    std::error_code failed;
    CHECK(comes_true([&] {
      client.send_multipart({"me", "PING"}, 10s, failed);
      return !failed;
    }));
    CHECK(client.receive_multipart(10s).at(1) == "PONG");
    client.send_multipart({"me", "control", "body"});
    for (auto came = client.receive_multipart(10s);;
         came = client.receive_multipart(10s)) {
      if (came.at(1) == "PONG") continue;
      CHECK(came.at(1) == "control");
      CHECK(came.at(2) == "body");
      CHECK(came.at(3) == "me");
      break;
    }
    client.send_multipart({"me", "NONSENSE"});
    CHECK(comes_true([&] { return server.target.counts().malformed >= 1; }));
  });
}

TEST_SUITE_END();
