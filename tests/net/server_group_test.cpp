#include <greenroom/net/server_group.hpp>

#include <greenroom/hub/hub_group.hpp>
#include <greenroom/hub/timeout.hpp>
#include <greenroom/mailbox/spawn_on.hpp>
#include <greenroom/net/stream_server.hpp>

#include "hub/support.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace greenroom;
using namespace std::chrono_literals;

namespace {

/// On the real clock: other threads do not wait for a virtual one.
void in_real_hub(const std::function<void()>& body) {
  test::in_hub_on(clock_kind::real, body);
}

/// Answers each byte with the number of its hub's thread.
struct threads {
  std::string number_of_this() {
    const std::lock_guard held{lock};
    return std::to_string(
        numbers.emplace(std::this_thread::get_id(), numbers.size())
            .first->second);
  }
  std::mutex lock;
  std::map<std::thread::id, std::size_t> numbers; // guarded by lock
};

auto answering(threads& all) {
  return [&all](listen_address port) {
    return std::make_unique<stream_server>(
        std::move(port), [&all](stream& peer) {
          char byte = 0;
          while (peer.read_some({&byte, 1}) > 0)
            peer.write(all.number_of_this());
        });
  };
}

std::string asked(tcp_socket& peer) {
  peer.write("?");
  char answer = 0;
  REQUIRE(peer.read_some({&answer, 1}) == 1);
  return {answer};
}

} // namespace

TEST_SUITE("net") {
  TEST_CASE("servers on all hubs share a port") {
    in_real_hub([] {
      hub_group hubs{2};
      threads all;
      server_group servers{hubs, {"127.0.0.1", 0}, answering(all)};
      servers.start();
      CHECK(servers.started());
      CHECK(servers.local().port != 0);
      std::vector<tcp_socket> peers;
      std::set<std::string> seen;
      // The kernel chooses by a hash: all on one in a run of 10^18.
      for (int i = 0; i < 60; ++i) {
        peers.push_back(tcp_socket::connect(servers.local()));
        seen.insert(asked(peers.back()));
      }
      CHECK(seen == std::set<std::string>{"0", "1"});
      CHECK(servers.connections() == 60);
      peers.clear();
      CHECK(servers.stop());
      CHECK_FALSE(servers.started());
      CHECK_THROWS_AS(tcp_socket::connect(servers.local()), std::system_error);
    });
  }

  TEST_CASE("servers that were stopped start again at their port") {
    in_real_hub([] {
      hub_group hubs{2};
      threads all;
      server_group servers{hubs, {"127.0.0.1", 0}, answering(all)};
      servers.start();
      const tcp_address before = servers.local();
      servers.stop();
      servers.start();
      CHECK(servers.local() == before);
      auto peer = tcp_socket::connect(before);
      CHECK_FALSE(asked(peer).empty());
    });
  }

  TEST_CASE("a server that cannot start stops those that did") {
    in_real_hub([] {
      test::captured_log log;
      hub_group hubs{3};
      std::atomic<int> alive = 0;
      struct counted : stream_server {
        counted(listen_address port, std::atomic<int>& counter)
            : stream_server(std::move(port), [](stream&) {}), all(counter) {
          if (++all == 3) {
            --all;
            throw std::runtime_error("two is enough");
          }
        }
        ~counted() { --all; }
        std::atomic<int>& all;
      };
      server_group servers{hubs, {"127.0.0.1", 0}, [&](listen_address port) {
                             return std::make_unique<counted>(std::move(port),
                                                              alive);
                           }};
      CHECK_THROWS_WITH(servers.start(), "two is enough");
      CHECK_FALSE(servers.started());
      CHECK(alive == 0);
    });
  }

  TEST_CASE("a port that is taken is named") {
    in_real_hub([] {
      test::captured_log log;
      tcp_listener taken{{"127.0.0.1", 0}};
      hub_group hubs{2};
      threads all;
      server_group servers{hubs, taken.local(), answering(all)};
      CHECK(test::error_of([&] {
              servers.start();
            }).find(taken.local().text()) != std::string::npos);
    });
  }

  TEST_CASE("handlers on all hubs may finish until the grace has passed") {
    in_real_hub([] {
      hub_group hubs{2};
      std::atomic<int> in_time = 0;
      std::atomic<int> killed = 0;
      server_group servers{hubs, {"127.0.0.1", 0}, [&](listen_address port) {
                             return std::make_unique<stream_server>(
                                 std::move(port), [&](stream& peer) {
                                   char byte = 0;
                                   try {
                                     peer.read_some({&byte, 1});
                                     ++in_time;
                                   } catch (const greenlet_exit&) {
                                     ++killed;
                                     throw;
                                   }
                                 });
                           }};
      servers.start();
      std::vector<tcp_socket> peers;
      for (int i = 0; i < 8; ++i)
        peers.push_back(tcp_socket::connect(servers.local()));
      while (servers.connections() < 8)
        yield();
      auto stops = spawn([&] { return servers.stop(20s); });
      for (int i = 0; i < 8; ++i)
        peers[static_cast<std::size_t>(i)].write("!");
      CHECK(stops.get());
      CHECK(in_time == 8);
      CHECK(killed == 0);

      servers.start();
      peers.clear();
      for (int i = 0; i < 8; ++i)
        peers.push_back(tcp_socket::connect(servers.local()));
      while (servers.connections() < 8)
        yield();
      CHECK(servers.stop(0s));
      CHECK(killed == 8);
    });
  }

  TEST_CASE("hubs that stop first end their servers") {
    in_real_hub([] {
      hub_group hubs{2};
      threads all;
      server_group servers{hubs, {"127.0.0.1", 0}, answering(all)};
      servers.start();
      auto peer = tcp_socket::connect(servers.local());
      CHECK_FALSE(asked(peer).empty());
      CHECK(hubs.stop());
      char byte = 0;
      CHECK(peer.read_some({&byte, 1}) == 0);
      CHECK(servers.connections() == 0);
      CHECK(servers.stop());
    });
  }

  TEST_CASE("a group of servers that is destroyed stops them") {
    in_real_hub([] {
      hub_group hubs{2};
      threads all;
      tcp_address at;
      {
        server_group servers{hubs, {"127.0.0.1", 0}, answering(all)};
        servers.start();
        at = servers.local();
      }
      CHECK_THROWS_AS(tcp_socket::connect(at), std::system_error);
    });
  }
}
