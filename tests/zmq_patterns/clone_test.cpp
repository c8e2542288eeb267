#include "zmq_patterns/support.hpp"

#include <greenroom/zmq_patterns/clone_client.hpp>
#include <greenroom/zmq_patterns/clone_server.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace greenroom;
using namespace test;

namespace {

const zmq::clone_endpoints any_ports{any_port, any_port, any_port};

struct running_server {
  explicit running_server(const zmq::context& in,
                          zmq::clone_server_options how = {})
      : target(in, ready(std::move(how))), running([this] { target.run(); }) {}

  static zmq::clone_server_options ready(zmq::clone_server_options how) {
    if (how.at.updates == zmq::clone_endpoints{}.updates) how.at = any_ports;
    how.heartbeat = 20ms;
    return how;
  }

  zmq::clone_server target;
  beside running;
};

struct running_client {
  running_client(const zmq::context& in, std::vector<zmq::clone_endpoints> at,
                 zmq::clone_client_options how = {})
      : target(in, ready(std::move(how), std::move(at))),
        running([this] { target.run(); }) {}

  static zmq::clone_client_options ready(zmq::clone_client_options how,
                                         std::vector<zmq::clone_endpoints> at) {
    how.servers = std::move(at);
    how.snapshot_pause = 5ms;
    return how;
  }

  std::string value(const std::string& key) const {
    const auto found = target.find(key);
    return found ? found->text() : "none";
  }
  bool has(const std::string& key, const std::string& expected) const {
    return comes_true([&] { return value(key) == expected; });
  }

  zmq::clone_client target;
  beside running;
};

} // namespace

TEST_SUITE_BEGIN("zmq_patterns");

TEST_CASE("a clone has what was there, and what comes") {
  in_real_hub([] {
    const zmq::context own;
    running_server server{own};
    server.target.set("/old", "1");
    running_client one{own, {server.target.endpoints()}};
    REQUIRE(one.target.wait_synchronized(10s));
    CHECK(one.value("/old") == "1");
    running_client other{own, {server.target.endpoints()}};
    other.target.set("/new", "2");
    CHECK(one.has("/new", "2"));
    CHECK(other.has("/new", "2"));
    one.target.erase("/old");
    CHECK(other.has("/old", "none"));
    CHECK(server.target.size() == 1);
  });
}

TEST_CASE("a clone of a subtree has nothing else") {
  in_real_hub([] {
    const zmq::context own;
    running_server server{own};
    server.target.set("/a/1", "1");
    server.target.set("/b/1", "1");
    running_client one{own, {server.target.endpoints()}, {.subtree = "/a/"}};
    REQUIRE(one.target.wait_synchronized(10s));
    server.target.set("/b/2", "1");
    server.target.set("/a/2", "1");
    CHECK(one.has("/a/2", "1"));
    CHECK(one.target.values().size() == 2);
    CHECK(one.target.sequence() == server.target.sequence());
  });
}

TEST_CASE("a key with a time to live leaves all clones") {
  in_real_hub([] {
    const zmq::context own;
    running_server server{own};
    running_client one{own, {server.target.endpoints()}};
    REQUIRE(one.target.wait_synchronized(10s));
    one.target.set("/me", "here", 50ms);
    CHECK(one.has("/me", "here"));
    CHECK(one.has("/me", "none"));
    CHECK(server.target.counts().expired == 1);
  });
}

TEST_CASE(
    "clones that join at any moment miss nothing, and see nothing twice") {
  in_real_hub([] {
    const zmq::context own;
    running_server server{own};
    constexpr int last = 3000;
    beside writer([&] {
      for (int i = 1; i <= last; ++i) {
        server.target.set("/" + std::to_string(i % 7), std::to_string(i));
        i % 5 == 0 ? sleep(100us) : yield();
      }
      server.target.set("/end", "yes");
    });
    struct joined {
      std::map<std::string, int> seen;
      int wrong = 0;
      std::unique_ptr<running_client> client;
    };
    std::vector<std::unique_ptr<joined>> all;
    for (int i = 0; i < 8; ++i) {
      auto& one = *all.emplace_back(std::make_unique<joined>());
      // Each key's next value is seven more: none is left out, none is double.
      const auto look = [&one](const std::string& key,
                               const zmq::frame& value) {
        if (key == "/end") return;
        auto& before = one.seen[key];
        const int here = std::stoi(value.text());
        if (before != 0 && here != before + 7) ++one.wrong;
        before = here;
      };
      one.client = std::make_unique<running_client>(
          own, std::vector{server.target.endpoints()},
          zmq::clone_client_options{.on_change = look});
      sleep(3ms);
    }
    for (const auto& one : all) {
      CHECK(one->client->has("/end", "yes"));
      // After another snapshot a value may have been left out.
      if (one->client->target.counts().snapshots == 1) CHECK(one->wrong == 0);
      int highest = 0;
      for (const auto& [key, value] : one->seen)
        highest = std::max(highest, value);
      CHECK(highest == last);
      CHECK(one->client->target.values().size() == 8);
    }
  });
}

namespace {

/// A server in the test's hands.
struct puppet_server {
  explicit puppet_server(const zmq::context& in)
      : snapshots(make_socket(in, socket_type::router)),
        updates(make_socket(in, socket_type::pub)),
        collector(make_socket(in, socket_type::pull)) {
    for (zmq::socket* each : {&snapshots, &updates, &collector})
      each->bind(any_port);
  }

  static zmq::frame number(int sequence) {
    std::string bytes(8, '\0');
    bytes[7] = static_cast<char>(sequence);
    return bytes;
  }
  zmq::clone_endpoints endpoints() const {
    return {snapshots.last_endpoint(), updates.last_endpoint(),
            collector.last_endpoint()};
  }
  /// As each asks for a snapshot.
  void answer(int sequence, const std::string& value) {
    const auto asked = snapshots.receive_multipart(10s);
    CHECK(asked.at(1) == "ICANHAZ?");
    snapshots.send_multipart(
        {asked.at(0), "/k", number(sequence), "", "", value});
    snapshots.send_multipart(
        {asked.at(0), "KTHXBAI", number(sequence), "", "", ""});
  }
  void publish(int sequence, const std::string& key, const std::string& value) {
    updates.send_multipart({key, number(sequence), "", "", value});
  }

  zmq::socket snapshots;
  zmq::socket updates;
  zmq::socket collector;
};

/// Until the subscription has come.
void heard(puppet_server& server, const running_client& one, int sequence) {
  CHECK(comes_true([&] {
    server.publish(sequence, "/k", "old");
    return one.target.counts().doubles > 0;
  }));
}

} // namespace

TEST_CASE("a clone that misses a change asks for a new snapshot") {
  in_real_hub([] {
    const zmq::context own;
    puppet_server server{own};
    running_client one{own, {server.endpoints()}};
    server.answer(10, "ten");
    REQUIRE(one.target.wait_synchronized(10s));
    heard(server, one, 10);
    SUBCASE("when it sees a later one") {
      server.publish(12, "/k", "twelve");
    }
    SUBCASE("when a heartbeat tells of it") {
      server.publish(12, "HUGZ", "");
    }
    SUBCASE("when heartbeats go on to tell of less than it has") {
      for (int i = 0; i < 3; ++i)
        server.publish(9, "HUGZ", "");
    }
    server.answer(12, "twelve");
    REQUIRE(one.target.wait_synchronized(10s));
    CHECK(one.has("/k", "twelve"));
    CHECK(one.target.counts().gaps == 1);
    server.publish(13, "/k", "thirteen");
    CHECK(one.has("/k", "thirteen"));
  });
}

TEST_CASE("changes that come before the snapshot are joined to it") {
  in_real_hub([] {
    const zmq::context own;
    puppet_server server{own};
    running_client one{own, {server.endpoints()}};
    const auto asked = server.snapshots.receive_multipart(10s);
    server.snapshots.send_multipart(
        {asked.at(0), "/k", puppet_server::number(1), "", "", "snapshot"});
    beside again([&] {
      for (;;) {
        server.publish(3, "/k", "in the snapshot");
        server.publish(4, "/k", "live");
        sleep(1ms);
      }
    });
    sleep(20ms);
    server.snapshots.send_multipart(
        {asked.at(0), "KTHXBAI", puppet_server::number(3), "", "", ""});
    CHECK(one.has("/k", "live"));
    CHECK(one.target.sequence() == 4);
    CHECK(one.target.counts().changes == 1);
    CHECK(one.target.counts().gaps == 0);
  });
}

TEST_CASE("a clone turns to the next server when one is silent") {
  in_real_hub([] {
    const zmq::context own;
    std::optional<running_server> first;
    first.emplace(own);
    running_server second{own};
    first->target.set("/who", "first");
    second.target.set("/who", "second");
    running_client one{own,
                       {first->target.endpoints(), second.target.endpoints()},
                       {.silence = 200ms}};
    CHECK(one.has("/who", "first"));
    first.reset();
    CHECK(one.has("/who", "second"));
    CHECK(one.target.counts().fail_overs >= 1);
    one.target.set("/to", "second");
    CHECK(one.has("/to", "second"));
  });
}

TEST_CASE("a server begun anew is noticed, by its numbers") {
  in_real_hub([] {
    const zmq::context own;
    std::optional<running_server> server;
    server.emplace(own);
    const auto at = server->target.endpoints();
    server->target.set("/old", "1");
    running_client one{own, {at}};
    CHECK(one.has("/old", "1"));
    server.reset();
    CHECK(comes_true([&] { // libzmq lets go of the ports a little later
      const auto begin = [&] {
        server.emplace(own, zmq::clone_server_options{.at = at});
      };
      return server || error_of(begin).empty();
    }));
    server->target.set("/new", "1");
    CHECK(one.has("/new", "1"));
    CHECK(one.value("/old") == "none");
  });
}

TEST_CASE("a clone server survives what is no CHP, and says how much") {
  in_real_hub([] {
    const zmq::context own;
    running_server server{own, {.most_keys = 1, .most_bytes = 100}};
    const auto at = server.target.endpoints();
    auto push = make_socket(own, socket_type::push);
    push.connect(at.collector);
    auto dealer = make_socket(own, socket_type::dealer);
    dealer.connect(at.snapshots);
    push.send("x");
    push.send_multipart({"k", "short", "", "", "v"});
    push.send_multipart({"HUGZ", puppet_server::number(1), "", "", "v"});
    dealer.send_multipart({"GIVE", ""});
    CHECK(comes_true([&] { return server.target.counts().malformed == 4; }));
    push.send_multipart({"a", puppet_server::number(0), "", "", "v"});
    push.send_multipart({"b", puppet_server::number(0), "", "", "v"});
    push.send_multipart({"a", puppet_server::number(0), "",
                         std::string(60, 'p'), std::string(60, 'v')});
    CHECK(comes_true([&] { return server.target.counts().refused == 2; }));
    CHECK(server.target.counts().changes == 1);
    CHECK(mentions(error_of([&] { server.target.set("HUGZ", "v"); }),
                   "zmq::clone_server::set \"HUGZ\""));
    CHECK(
        mentions(error_of([&] { server.target.set("b", "v"); }), "set \"b\""));
    CHECK(mentions(error_of([&] { server.target.run(); }),
                   "zmq::clone_server::run"));
  });
}

TEST_CASE("a clone with too many keys fails, and says whose") {
  in_real_hub([] {
    const zmq::context own;
    running_server server{own};
    for (const char* key : {"a", "b", "c"})
      server.target.set(key, "1");
    running_client one{own, {server.target.endpoints()}, {.most_keys = 2}};
    CHECK(mentions(one.running.error(), "has more than 2 keys"));
    CHECK(mentions(error_of([&] {
                     zmq::clone_client{own, {}};
                   }),
                   "without servers"));
    CHECK(mentions(error_of([&] { one.target.set("", "v"); }),
                   "zmq::clone_client::set"));
  });
}

TEST_CASE("updates and collector may be RFC 12's: from pub to sub") {
  in_real_hub([] {
    const zmq::context own;
    running_server server{own, {.collector = zmq::clone_collector::sub}};
    running_client one{own,
                       {server.target.endpoints()},
                       {.collector = zmq::clone_collector::sub}};
    CHECK(comes_true([&] {
      one.target.set("/k", "1");
      return one.value("/k") == "1";
    }));
  });
}

TEST_SUITE_END();
