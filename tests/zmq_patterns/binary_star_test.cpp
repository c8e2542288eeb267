#include "zmq_patterns/support.hpp"

#include <greenroom/zmq_patterns/binary_star.hpp>
#include <greenroom/zmq_patterns/reliable_client.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace greenroom;
using namespace test;
using zmq::star_role;
using zmq::star_state;

namespace {

constexpr zmq::star_times times{.heartbeat = 100ms, .fail_over = 200ms};

/// Both, in one thread, connected by inproc.
struct star_pair {
  struct half {
    half(star_pair& pair, star_role role)
        : name(role == star_role::primary ? "primary" : "backup"),
          server(pair.context,
                 {.role = role,
                  .requests = any_port,
                  .beats = any_port,
                  .times = times,
                  .on_change = [this](bool active) { told = active; }},
                 [this](zmq::message&& request) {
                   if (request.at(0) == "fail") throw failure("asked to");
                   if (request.at(0) == "wait") sleep(1h);
                   request.emplace_back(name);
                   return std::move(request);
                 }) {}
    void run() {
      running = std::make_unique<beside>([this] { server.run(); });
    }
    void stop() { running.reset(); }

    std::string name;
    bool told = false;
    zmq::binary_star server;
    std::unique_ptr<beside> running;
  };

  star_pair() {
    primary.server.connect(backup.server.beats());
    backup.server.connect(primary.server.beats());
  }
  zmq::reliable_client client() {
    auto how = zmq::binary_star_client(primary.server.requests(),
                                       backup.server.requests(), times);
    how.retries = 1000; // on a slow machine silence takes its time
    return {context, std::move(how)};
  }
  void run() {
    primary.run();
    backup.run();
    CHECK(comes_true([&] { return primary.server.active(); }));
  }

  zmq::context context;
  half primary{*this, star_role::primary};
  half backup{*this, star_role::backup};
};

std::string who_answers(zmq::reliable_client& client) {
  return client.request({"who"}, 20s).at(1).text();
}

} // namespace

TEST_SUITE_BEGIN("zmq_patterns");

TEST_CASE("of a Binary Star the primary answers first") {
  in_real_hub([] {
    star_pair pair;
    pair.run();
    auto client = pair.client();
    CHECK(who_answers(client) == "primary");
    CHECK(comes_true([&] { return pair.primary.told; }));
    CHECK(comes_true(
        [&] { return pair.backup.server.state() == star_state::passive; }));
    CHECK_FALSE(pair.backup.server.active());
    CHECK(pair.primary.server.counts().answered == 1);
  });
}

TEST_CASE("a client finds the one that is active, whoever that is") {
  in_real_hub([] {
    star_pair pair;
    pair.run();
    auto client = pair.client();
    CHECK(who_answers(client) == "primary");
    CHECK(comes_true(
        [&] { return pair.backup.server.state() == star_state::passive; }));
    pair.primary.stop();
    CHECK(who_answers(client) == "backup");
    CHECK(pair.backup.server.changes().failed_over == 1);
    CHECK_FALSE(pair.primary.server.active());
    pair.primary.run(); // back, and not active
    CHECK(comes_true(
        [&] { return pair.primary.server.state() == star_state::passive; }));
    CHECK(comes_true([&] {
      return pair.primary.server.term() == pair.backup.server.term();
    }));
    CHECK(who_answers(client) == "backup");
    auto other = pair.client(); // asks the primary first
    CHECK(who_answers(other) == "backup");
    CHECK(pair.primary.server.counts().refused >= 1);
  });
}

TEST_CASE("beats go on while a handler waits") {
  in_real_hub([] {
    star_pair pair;
    pair.run();
    zmq::reliable_client client{
        // asks the primary only
        pair.context,
        {.endpoints = {pair.primary.server.requests()}, .timeout = 1h}};
    beside asking([&] { client.request({"wait"}); });
    sleep(3 * times.fail_over);
    CHECK(comes_true([&] { return pair.primary.server.active(); }));
    CHECK(pair.backup.server.counts().answered == 0);
  });
}

TEST_CASE("a Binary Star's handler that throws ends its run") {
  in_real_hub([] {
    star_pair pair;
    pair.run();
    auto client = pair.client();
    auto asking = beside([&] { client.request({"fail"}, 10s); });
    CHECK(mentions(pair.primary.running->error(), "asked to"));
  });
}

TEST_CASE("what is no beat and no request is counted") {
  in_real_hub([] {
    star_pair pair;
    pair.run();
    auto pub = make_socket(pair.context, socket_type::pub);
    pub.bind("inproc://stranger");
    pair.primary.server.connect("inproc://stranger");
    CHECK(comes_true([&] {
      pub.send("SX");
      return pair.primary.server.counts().malformed > 0;
    }));
    CHECK(pair.primary.server.active());
    const auto before = pair.primary.server.counts().malformed;
    auto dealer = make_socket(pair.context, socket_type::dealer);
    dealer.connect(pair.primary.server.requests());
    dealer.send("without an envelope");
    CHECK(comes_true(
        [&] { return pair.primary.server.counts().malformed > before; }));
  });
}

TEST_CASE("a Binary Star's times have to fit each other") {
  in_real_hub([] {
    const zmq::context own;
    const auto made = [&](zmq::star_times given) {
      zmq::binary_star{
          own, {.requests = any_port, .beats = any_port, .times = given}, {}};
    };
    CHECK(mentions(error_of([&] { made({1s, 1s}); }), "two heartbeats"));
    CHECK(mentions(error_of([&] { made({0s, 1s}); }), "two heartbeats"));
    star_pair pair;
    pair.run();
    CHECK(mentions(error_of([&] { pair.primary.server.run(); }),
                   "zmq::binary_star::run"));
  });
}

TEST_SUITE_END();
